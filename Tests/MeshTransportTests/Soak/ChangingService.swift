import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Synchronization
import Telemetry
import TestSupport

/// A service over real sockets whose servers come and go, and whose peers' certificates are renewed all the time. Guarded
/// by a mutex.
final class ChangingService: Sendable {
    static let name = "echo.soak"

    let authority: TestAuthority
    let serverMetrics = MetricsRegistry()
    let clientMetrics = MetricsRegistry()
    let client: MeshClient
    private let policy: AuthorizationPolicy
    private let resolver = StaticResolver()
    /// All servers are one workload.
    private let serverIdentity: RotatableIdentity
    private let clientIdentity: RotatableIdentity
    /// The oldest first.
    private let servers = Mutex<[(mesh: Mesh, endpoint: Endpoint)]>([])

    static var configuration: MeshConfiguration {
        var configuration = MeshConfiguration.patient
        configuration.drainTimeout = .seconds(60)
        configuration.failfastTimeout = .seconds(60)
        return configuration
    }

    init() throws {
        authority = try TestAuthority(runtime: SystemRuntime.shared)
        policy = try .everything(in: authority.trustDomain)
        serverIdentity = try authority.identity("/server")
        clientIdentity = try authority.identity("/client")
        var configuration = Self.configuration
        configuration.resolver = resolver
        let mesh = try Mesh(
            configuration: configuration, identity: clientIdentity, policy: .denyAll, metrics: clientMetrics)
        client = mesh.client(Destination(service: Self.name, identities: [.exact(try authority.id("/server"))]))
    }

    /// Starts a server and tells of it.
    func add() async throws {
        let mesh = try Mesh(
            configuration: Self.configuration, identity: serverIdentity, policy: policy, metrics: serverMetrics)
        mesh.serveEcho()
        let endpoint = try await mesh.listen(host: "127.0.0.1", port: 0).endpoint
        servers.withLock { $0.append((mesh, endpoint)) }
        publish()
    }

    /// Tells that the oldest server is gone, and stops it as it should be: it finishes what it has begun.
    func removeOldest() async {
        let oldest = servers.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        publish()
        await oldest?.mesh.stop()
    }

    /// Stops the oldest server as it should be, and tells of it afterwards: clients find out by themselves.
    func stopOldest() async {
        let oldest = servers.withLock { $0.first }
        await oldest?.mesh.stop()
        servers.withLock { servers in servers.removeAll { $0.endpoint == oldest?.endpoint } }
        publish()
    }

    /// Renews the certificates of all peers.
    func rotate() throws {
        serverIdentity.set(svid: try authority.svid("/server"))
        clientIdentity.set(svid: try authority.svid("/client"))
    }

    func stop() async {
        client.close()
        for server in servers.withLock({ $0 }) { await server.mesh.stop() }
    }

    private func publish() {
        resolver.set(servers.withLock { $0.map { ServiceEndpoint($0.endpoint) } }, of: Self.name)
    }
}
