/// Which other trust domains a change of roots waits for: peers of a federated domain that does not know the new root yet
/// refuse whoever has a leaf of it.
///
/// How long that takes is the other domain's affair, so the authority has to be told how it learns: by following, as
/// workloads do, in which case it says what it has; or by asking for the bundle's document every
/// ``TrustDomainBundle/refreshHint``, in which case nobody says anything and time has to be enough.
/// ```swift
/// var federation = FederationWait()
/// federation.followers = [try TrustDomain(parsing: "partner.example")]     // IdentityServices' TrustSubscription
/// federation.polls = 3                                                     // others read the published document
/// ```
/// Either wait ends early when the old root is about to: see
/// ``AuthorityRotation/advance(now:everybodyHasBundle:federation:federatedDomainsHaveBundle:using:)``.
public struct FederationWait: Sendable, Hashable {
    /// The domains that are to say that they have the bundle: at least one workload of each, and each that has followed and
    /// whose certificate is still good, but for those that the deny list has. Default none.
    public var followers: Set<TrustDomain> = []
    /// For how many of the bundle's refresh hints the new root is published before it issues: for domains that ask for the
    /// document. Three let two attempts in a row fail. Default 0, as where nobody asks.
    public var polls = 0

    /// The most polls that are waited for: 1,000 of the default hint are three and a half days.
    static let mostPolls = 1_000

    /// Waits for no other domain.
    public init() {}

    /// Checks every property.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidConfiguration``.
    public func validate() throws(IdentityError) {
        guard (0...Self.mostPolls).contains(polls) else {
            throw IdentityError(
                .invalidConfiguration, "polls: expected 0 to \(Self.mostPolls), found \(polls)")
        }
    }
}
