import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Synchronization

/// Hosts of a simulation that call each other.
struct HostScene: Sendable {
    let runtime: SimulatedRuntime
    let authority: TestAuthority

    /// Runs `body` in a simulation of `seed`.
    static func run<Result: Sendable>(
        seed: UInt64, _ body: @escaping @Sendable @concurrent (HostScene) async throws -> Result
    ) async throws -> Result {
        try await SimulatedRuntime.run(seed: seed) { runtime in
            try await body(HostScene(runtime: runtime, authority: TestAuthority(runtime: runtime)))
        }
    }

    /// Where the server on a host listens.
    static func endpoint(of name: String) -> Endpoint { .tcp(host: name, port: 1_000) }

    /// A mesh on a host.
    func mesh(_ host: SimulatedHost, _ change: (inout MeshConfiguration) -> Void = { _ in }) throws -> Mesh {
        var configuration = MeshConfiguration()
        configuration.retry.maximumAttempts = 1
        change(&configuration)
        let policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule("all", methods: ["*"], identities: ["spiffe://test.example/*"])
        ])
        return try Mesh(
            configuration: configuration, identity: try authority.identity("/\(host.name)"), policy: policy,
            runtime: host)
    }

    /// Starts a server on a host, which answers n with n + 1 after n microseconds.
    @discardableResult
    func serve(_ host: SimulatedHost, _ handled: Numbers = Numbers()) async throws -> Mesh {
        let mesh = try mesh(host)
        for method in [Counting.add, Counting.addOnce] {
            mesh.serve(method) { number, _ in
                handled.append(number.value)
                try await host.sleep(for: .microseconds(Int64(number.value)))
                return Number(number.value + 1)
            }
        }
        mesh.serve(Counting.echo) { requests, responses, _ in
            for try await number in requests {
                handled.append(number.value)
                try await responses.send(number)
            }
        }
        try await mesh.listen(on: Self.endpoint(of: host.name))
        return mesh
    }

    /// A client of the server on the host `server`.
    func client(_ mesh: Mesh, of server: String) throws -> MeshClient {
        mesh.client(Destination(host: server, port: 1_000, identities: [.exact(try authority.id("/\(server)"))]))
    }
}

/// Numbers in order, guarded by a mutex.
final class Numbers: Sendable {
    private let list = Mutex<[UInt64]>([])
    var all: [UInt64] { list.withLock { $0 } }
    func append(_ number: UInt64) { list.withLock { $0.append(number) } }
}

/// The `MeshError` that `body` throws, if it throws one.
func meshError(_ body: () async throws -> Void) async -> MeshError? {
    do { try await body() } catch { return error as? MeshError }
    return nil
}
