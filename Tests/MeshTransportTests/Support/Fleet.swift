import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Synchronization
import Telemetry

/// A service of several servers in a simulation, each of which answers with its own name.
final class Fleet: Sendable {
    static let service = "echo.test"

    let simulation: Simulated
    let resolver = StaticResolver()
    /// The calls that each server has run.
    let calls = Mutex<[String: Int]>([:])
    private let servers = Mutex<[String: Mesh]>([:])

    init(_ simulation: Simulated) { self.simulation = simulation }

    /// Starts a server, which discovery does not know yet.
    func start(
        _ name: String, _ answer: @escaping @Sendable (Note) async throws -> Void = { _ in }
    ) async throws {
        let mesh = try simulation.mesh("/server/\(name)")
        let respond: @Sendable (Note, CallContext) async throws -> Note = { [self] note, _ in
            calls.withLock { $0[name, default: 0] += 1 }
            try await answer(note)
            return Note(name)
        }
        for method in [Echo.echo, Echo.once] { mesh.serve(method, respond) }
        mesh.serve(Echo.count, respond)
        mesh.serve(Echo.repeated) { note, responses, call in
            for _ in 0..<3 { try await responses.send(try await respond(note, call)) }
        }
        mesh.serve(Echo.joined) { requests, call in
            for try await _ in requests {}
            return try await respond(Note(""), call)
        }
        try await mesh.listen(host: name, port: 1_000)
        servers.withLock { $0[name] = mesh }
    }

    func endpoint(_ name: String, weight: UInt32 = 1, zone: String? = nil) -> ServiceEndpoint {
        ServiceEndpoint(.tcp(host: name, port: 1_000), weight: weight, zone: zone)
    }

    /// Makes the service these servers.
    func become(_ names: String...) { resolver.set(names.map { endpoint($0) }, of: Self.service) }

    func client(
        _ service: String = Fleet.service, metrics: MetricsRegistry = MetricsRegistry(),
        _ change: (inout MeshConfiguration) -> Void = { _ in }
    ) throws -> MeshClient {
        var configuration = MeshConfiguration()
        configuration.resolver = resolver
        configuration.balancing.slowStart = nil
        change(&configuration)
        let mesh = try Mesh(
            configuration: configuration, identity: simulation.authority.identity("/client"), policy: .denyAll,
            runtime: simulation.runtime, metrics: metrics)
        return mesh.client(
            Destination(
                service: service,
                identities: [.below(try simulation.authority.id("/server"))]))
    }

    /// Connects a client to all servers of the service.
    func warm(_ client: MeshClient) async throws {
        _ = try await client.call(Echo.echo, Note(""))
        try await simulation.runtime.sleep(for: .seconds(1))
        calls.withLock { $0 = [:] }
    }

    /// How many calls each server has run since the last time.
    func counts() -> [String: Int] {
        calls.withLock { calls in
            defer { calls = [:] }
            return calls
        }
    }

    func kill(_ name: String) { simulation.runtime.kill(host: name, port: 1_000) }

    func stop() async {
        for mesh in servers.withLock({ $0.sorted { $0.key < $1.key }.map(\.value) }) { await mesh.stop() }
    }

    /// Runs a test with servers that the service has already.
    static func run(
        _ names: String..., body: @escaping @Sendable @concurrent (Fleet) async throws -> Void
    ) async throws {
        try await Simulated.run { simulation in
            let fleet = Fleet(simulation)
            for name in names { try await fleet.start(name) }
            fleet.resolver.set(names.map { fleet.endpoint($0) }, of: service)
            try await body(fleet)
            await fleet.stop()
        }
    }
}
