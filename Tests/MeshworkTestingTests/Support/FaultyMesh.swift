import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Synchronization

/// A server in a simulation whose network a test makes faulty, and clients of it by name.
struct FaultyMesh: Sendable {
    static let endpoint = Endpoint.tcp(host: "server", port: 1_000)

    let runtime: SimulatedRuntime
    let authority: TestAuthority
    /// The numbers that the server's handlers have been given, in order.
    let handled: Handled

    final class Handled: Sendable {
        private let list = Mutex<[UInt64]>([])
        var numbers: [UInt64] { list.withLock { $0 } }
        func append(_ number: UInt64) { list.withLock { $0.append(number) } }
    }

    /// Runs `body` in a simulation of `seed`, with a server at ``endpoint``.
    static func run<Result: Sendable>(
        seed: UInt64 = 1, _ body: @escaping @Sendable @concurrent (FaultyMesh) async throws -> Result
    ) async throws -> Result {
        try await SimulatedRuntime.run(seed: seed) { runtime in
            let authority = try TestAuthority(runtime: runtime)
            let handled = Handled()
            let server = try Mesh(
                identity: try authority.identity("/server"),
                policy: try AuthorizationPolicy(rules: [
                    AuthorizationPolicy.Rule("all", methods: ["*"], identities: ["spiffe://test.example/*"])
                ]), runtime: runtime)
            for method in [Counting.add, Counting.addOnce, Counting.addExactlyOnce] {
                server.serve(method) { number, _ in
                    handled.append(number.value)
                    return Number(number.value + 1)
                }
            }
            server.serve(Counting.count) { block, _ in Number(UInt64(block.bytes.count)) }
            try await server.listen(on: endpoint)
            let result = try await body(FaultyMesh(runtime: runtime, authority: authority, handled: handled))
            await server.stop()
            return result
        }
    }

    /// A client on the host `name`.
    func client(_ name: String, _ change: (inout MeshConfiguration) -> Void = { _ in }) throws -> MeshClient {
        var configuration = MeshConfiguration()
        change(&configuration)
        let mesh = try Mesh(
            configuration: configuration, identity: try authority.identity("/\(name)"), policy: .denyAll,
            runtime: runtime.host(name))
        return mesh.client(
            Destination(host: "server", port: 1_000, identities: [.exact(try authority.id("/server"))]))
    }

    /// The same, connected.
    func connected(
        _ name: String, _ change: (inout MeshConfiguration) -> Void = { _ in }
    ) async throws -> MeshClient {
        let client = try client(name, change)
        _ = try await client.connection()
        return client
    }

    /// Sets faults of the server's connections from everywhere, or from the host `name`.
    func setFaults(from name: String? = nil, _ change: (inout NetworkFaults) -> Void) {
        var faults = NetworkFaults()
        change(&faults)
        runtime.setFaults(faults, from: name, to: Self.endpoint)
    }

    /// What `body` throws, and after which time.
    func failure(_ body: () async throws -> Void) async -> (error: MeshError?, after: Duration) {
        let start = runtime.now
        do { try await body() } catch { return (error as? MeshError, start.duration(to: runtime.now)) }
        return (nil, start.duration(to: runtime.now))
    }
}
