/// Which bundle the workloads of federated domains have that follow an authority's: it issued none of their leaves, and
/// knows those alone that have come.
///
/// One that has come is waited for until it has the bundle or its certificate ends, whether it is connected or not: it
/// could not even connect to an authority whose own leaf leads to a root that it does not know. A value without a
/// clock.
public struct FederatedFollowers: Sendable {
    private struct Follower: Sendable {
        let peer: VerifiedPeer
        var sequence: UInt64 = 0
        /// Whether it follows now.
        var isHere = true
    }

    /// The most of one domain that are away and remembered; of more the ones that came last.
    static let mostAway = 4_096

    /// By the number of its call, in the order of their beginnings.
    private var followers: [(number: UInt64, follower: Follower)] = []
    private var lastNumber: UInt64 = 0

    /// How many are remembered, whether they are here or away.
    var count: Int { followers.count }

    /// Nobody has come.
    public init() {}

    /// A workload begins to follow. It takes the place of one with its SPIFFE ID that has gone away, which it most
    /// likely is.
    ///
    /// - Returns: what it is known by until it goes away.
    public mutating func began(_ peer: VerifiedPeer) -> UInt64 {
        let isOfPeer = { (other: Follower) in !other.isHere && other.peer.spiffeID == peer.spiffeID }
        if let gone = followers.firstIndex(where: { isOfPeer($0.follower) }) {
            followers.remove(at: gone)
        }
        lastNumber += 1
        followers.append((lastNumber, Follower(peer: peer)))
        return lastNumber
    }

    /// A follower says that it has the bundle of a sequence number.
    public mutating func acknowledged(_ sequence: UInt64, by number: UInt64) {
        guard let index = followers.firstIndex(where: { $0.number == number }),
            followers[index].follower.sequence < sequence
        else { return }
        followers[index].follower.sequence = sequence
    }

    /// A follower goes away.
    public mutating func ended(_ number: UInt64) {
        guard let index = followers.firstIndex(where: { $0.number == number }) else { return }
        followers[index].follower.isHere = false
        let domain = followers[index].follower.peer.spiffeID.trustDomain
        let isAway = { (other: Follower) in !other.isHere && other.peer.spiffeID.trustDomain == domain }
        guard followers.count(where: { isAway($0.follower) }) > Self.mostAway,
            let oldest = followers.firstIndex(where: { isAway($0.follower) })
        else { return }
        followers.remove(at: oldest)
    }

    /// Which of `domains` do not have the bundle of a sequence number, or a later one, in the order of the names: no
    /// workload of theirs has come whose certificate is good at `now`, or one that has come has said nothing of it.
    ///
    /// - Parameter denyList: nobody waits for whom it denies, who could not come again to say anything.
    public func without(
        _ sequence: UInt64, of domains: Set<TrustDomain>, denying denyList: DenyList? = nil, now: UnixTime
    ) -> [TrustDomain] {
        domains.filter { domain in
            let known = followers.filter { _, follower in
                follower.peer.spiffeID.trustDomain == domain && follower.peer.notAfter >= now
                    && denyList?.entry(denying: follower.peer) == nil
            }
            return known.isEmpty || known.contains { $0.follower.sequence < sequence }
        }.sorted()
    }

    /// Forgets those that are away and whose certificates have ended.
    public mutating func forgetEnded(now: UnixTime) {
        followers.removeAll { !$0.follower.isHere && $0.follower.peer.notAfter < now }
    }
}
