public import Identity
public import MeshWire

/// Where a service is and who may answer there.
public struct Destination: Sendable, Hashable, CustomStringConvertible {
    /// Where it listens.
    public var endpoint: Endpoint
    /// The identities that the server may prove; a connection to anybody else is refused. None means that no call is
    /// made.
    public var identities: [IdentityPattern]
    /// How its connections are protected.
    public let security: TransportSecurity
    /// What is spoken there, by its name in the TLS handshake (ALPN); `nil` for what the server prefers of what the mesh
    /// speaks, and for the mesh's own protocol where there is no handshake to tell.
    package var applicationProtocol: String?

    private init(_ endpoint: Endpoint, identities: [IdentityPattern], security: TransportSecurity) {
        self.endpoint = endpoint
        self.identities = identities
        self.security = security
    }

    /// A server at `endpoint` that proves one of `identities`.
    public init(_ endpoint: Endpoint, identities: [IdentityPattern]) {
        self.init(endpoint, identities: identities, security: .mutualTLS)
    }

    /// A server at `host`, a name or an address, and a TCP `port` that proves one of `identities`.
    public init(host: String, port: Int, identities: [IdentityPattern]) {
        self.init(.tcp(host: host, port: port), identities: identities)
    }

    /// A server that is spoken to without TLS: whoever answers at `endpoint` is taken for it, it learns nothing of who
    /// calls, and everybody on the way can read and change what is said.
    public static func plaintext(_ endpoint: Endpoint) -> Destination {
        Destination(endpoint, identities: [], security: .plaintext)
    }

    /// The endpoint: `host:port`, with brackets around an IPv6 address, or `unix:path`.
    public var description: String { "\(endpoint)" }

    /// The name under which gRPC addresses the server.
    var authority: String {
        // Who listens at a path has no name.
        if case .unix = endpoint { "localhost" } else { "\(endpoint)" }
    }

    /// Who is expected, for metrics.
    var expected: String {
        security == .plaintext ? "none" : identities.map(\.description).joined(separator: " ")
    }
}
