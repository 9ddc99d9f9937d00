import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport

/// What a simulated test has at hand: one authority, and meshes on one virtual clock.
struct Simulated: Sendable {
    let runtime: SimulatedRuntime
    let authority: TestAuthority
    let policy: AuthorizationPolicy

    /// Runs `body` in a simulation.
    static func run<Result: Sendable>(
        seed: UInt64 = 1, _ body: @escaping @Sendable @concurrent (Simulated) async throws -> Result
    ) async throws -> Result {
        try await SimulatedRuntime.run(seed: seed) { runtime in
            let authority = try TestAuthority(runtime: runtime)
            return try await body(
                Simulated(
                    runtime: runtime, authority: authority, policy: try .everything(in: authority.trustDomain)))
        }
    }

    /// A mesh of the process `path`, or of whoever `identity` says.
    func mesh(
        _ path: String, _ configuration: MeshConfiguration = MeshConfiguration(),
        identity: (any IdentitySource)? = nil
    ) throws -> Mesh {
        try Mesh(
            configuration: configuration, identity: try identity ?? authority.identity(path), policy: policy,
            runtime: runtime)
    }

    /// A server at `server:1000`.
    func server(
        _ configuration: MeshConfiguration = MeshConfiguration(), _ register: (Mesh) -> Void
    ) async throws -> Mesh {
        let mesh = try mesh("/server", configuration)
        register(mesh)
        try await mesh.listen(host: "server", port: 1_000)
        return mesh
    }

    /// A client of `server:1000`, of the mesh `/client` unless the test names another.
    func client(
        _ configuration: MeshConfiguration = MeshConfiguration(), of mesh: Mesh? = nil
    ) throws -> MeshClient {
        try (mesh ?? self.mesh("/client", configuration)).client(
            Destination(host: "server", port: 1_000, identities: [.exact(try authority.id("/server"))]))
    }
}

extension Mesh {
    /// Opens `started` with each call, and sends back what it gets after `duration`: longer than a test runs, by
    /// default.
    func serveLate(_ method: UnaryMethod<Note, Note>, after duration: Duration = .seconds(1_000), started: Gate) {
        serve(method) { [runtime] note, _ in
            started.open()
            try await runtime.sleep(for: duration)
            return note
        }
    }
}

/// Fates that a test has written down, in order; what comes after them is delivered.
final class ScriptedFaults: FaultInjector {
    private let requests: Script
    private let replies: Script

    init(requests: [MessageFate] = [], replies: [MessageFate] = []) {
        self.requests = Script(requests)
        self.replies = Script(replies)
    }

    /// How often the fate of a request and of a reply has been asked for.
    var asked: (requests: Int, replies: Int) { (requests.asked.count, replies.asked.count) }

    func fate(ofRequest path: String) -> MessageFate { requests.next() }
    func fate(ofReply path: String) -> MessageFate { replies.next() }

    private final class Script: Sendable {
        private let fates: [MessageFate]
        let asked = Tally()
        init(_ fates: [MessageFate]) { self.fates = fates }
        func next() -> MessageFate {
            let index = asked.add() - 1
            return index < fates.count ? fates[index] : .deliver
        }
    }
}
