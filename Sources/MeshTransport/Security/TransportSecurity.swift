/// How a listener's or a destination's connections are protected.
public enum TransportSecurity: Sendable, Hashable {
    /// TLS 1.3 in which both sides prove who they are.
    case mutualTLS
    /// Nothing: no encryption, and nobody proves anything. The peer's identity is `nil`, and of a policy's rules only
    /// those apply that name callers without an identity.
    case plaintext
}
