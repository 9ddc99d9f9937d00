import Identity
import MeshWire

/// One server of a destination: what a connection to it needs to know.
struct ServerAddress: Hashable, CustomStringConvertible {
    let endpoint: Endpoint
    /// The identities that it may prove.
    let identities: [IdentityPattern]
    let security: TransportSecurity
    let applicationProtocol: String?
    /// The service that it belongs to, if it was found by that.
    private let service: String?

    /// The server of a destination that has one.
    init(_ endpoint: Endpoint, of destination: Destination) {
        self.endpoint = endpoint
        identities = destination.identities
        security = destination.security
        applicationProtocol = destination.applicationProtocol
        service = nil
    }

    /// A server of a service.
    init(_ found: ServiceEndpoint, of service: String, _ destination: Destination) {
        endpoint = found.endpoint
        identities = found.identities.isEmpty ? destination.identities : found.identities
        security = destination.security
        applicationProtocol = destination.applicationProtocol
        self.service = service
    }

    /// `host:port`, with brackets around an IPv6 address, or `unix:path`.
    var description: String { "\(endpoint)" }

    /// The name under which gRPC addresses the server.
    var authority: String {
        if let service { return service }
        // Who listens at a path has no name.
        return if case .unix = endpoint { "localhost" } else { "\(endpoint)" }
    }

    /// The server's name for SNI, which cannot hold an address; of a service that is called as no host can be, none.
    var serverName: String? {
        if let service {
            // Some resolvers know services by host and port.
            let name = String(service.prefix { $0 != ":" })
            let isName = DNSName.problem(with: name.lowercased()) == nil && !Self.isAddress(name)
            return isName ? name : nil
        }
        guard case .tcp(let host, _) = endpoint else { return nil }
        return Self.isAddress(host) ? nil : host
    }

    private static func isAddress(_ text: String) -> Bool { DNSAddress.isAddress(text) }
}
