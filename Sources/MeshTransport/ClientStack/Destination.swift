public import Identity
public import MeshWire

/// Where calls go and who may answer there: one server, or the servers of a service.
public struct Destination: Sendable, Hashable, CustomStringConvertible {
    /// What a destination's servers are known by.
    public enum Place: Sendable, Hashable {
        /// There is one, which listens here.
        case endpoint(Endpoint)
        /// There are any number, which the mesh's resolver knows by this name (``MeshConfiguration/resolver``).
        case service(String)
    }

    /// Where it is.
    public var place: Place
    /// The identities that a server may prove; a connection to anybody else is refused. None means that no call is made,
    /// but to an endpoint for which the resolver knows whom to expect.
    public var identities: [IdentityPattern]
    /// How its connections are protected.
    public let security: TransportSecurity
    /// What is spoken there, by its name in the TLS handshake (ALPN); `nil` for what the server prefers of what the mesh
    /// speaks, and for the mesh's own protocol where there is no handshake to tell.
    package var applicationProtocol: String?

    private init(_ place: Place, identities: [IdentityPattern], security: TransportSecurity) {
        self.place = place
        self.identities = identities
        self.security = security
    }

    /// A server at `endpoint` that proves one of `identities`.
    public init(_ endpoint: Endpoint, identities: [IdentityPattern]) {
        self.init(.endpoint(endpoint), identities: identities, security: .mutualTLS)
    }

    /// A server at `host`, a name or an address, and a TCP `port` that proves one of `identities`.
    public init(host: String, port: Int, identities: [IdentityPattern]) {
        self.init(.tcp(host: host, port: port), identities: identities)
    }

    /// The servers of a service, each of which proves one of `identities`, or what the resolver knows it to have. Calls
    /// are spread over them (``BalancingConfiguration``).
    public init(service: String, identities: [IdentityPattern] = []) {
        self.init(.service(service), identities: identities, security: .mutualTLS)
    }

    /// A server that is spoken to without TLS: whoever answers at `endpoint` is taken for it, it learns nothing of who
    /// calls, and everybody on the way can read and change what is said.
    public static func plaintext(_ endpoint: Endpoint) -> Destination {
        Destination(.endpoint(endpoint), identities: [], security: .plaintext)
    }

    /// The service's name, or the endpoint: `host:port`, with brackets around an IPv6 address, or `unix:path`.
    public var description: String {
        switch place {
        case .endpoint(let endpoint): "\(endpoint)"
        case .service(let name): name
        }
    }

    /// Who is expected, for metrics.
    var expected: String {
        security == .plaintext ? "none" : identities.map(\.description).joined(separator: " ")
    }
}
