public import Identity

/// What a token says, once it has been validated. It does not hold the token, which is as good as a password.
public struct JWTSVID: Sendable, Hashable {
    /// Who sent it first: the token's subject. Whoever has the token can send it again.
    public let spiffeID: SPIFFEID
    /// For whom it is, in the order of the token.
    public let audiences: [String]
    /// From when on it is not valid.
    public let expiresAt: UnixTime
    /// When it was issued, where it says so.
    public let issuedAt: UnixTime?
    /// The identifier of the key that it was signed with.
    public let keyIdentifier: String
    /// All claims, JSON in UTF-8 as it was signed, for those that this type does not name.
    public let claims: [UInt8]
}

extension JWTSVID: CustomStringConvertible {
    /// The SPIFFE ID, the audiences and the end of validity.
    public var description: String { "\(spiffeID) for \(audiences) until \(expiresAt)" }
}
