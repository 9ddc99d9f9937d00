public import Identity

/// A JWT-SVID that an authority has just signed.
public struct IssuedToken: Sendable, Hashable {
    /// The token. Whoever has it can use it: description and reflection do not show it.
    public let text: String
    /// Whose it is.
    public let spiffeID: SPIFFEID
    /// From when on it is not valid.
    public let expiresAt: UnixTime
}

extension IssuedToken: CustomStringConvertible, CustomReflectable {
    /// The SPIFFE ID and the end of validity, and nothing of the token.
    public var description: String { "token of \(spiffeID) until \(expiresAt)" }
    /// Shows everything but the token.
    public var customMirror: Mirror { Mirror(self, children: ["spiffeID": spiffeID, "expiresAt": expiresAt]) }
}
