import Identity
import MeshTracing
import MeshTransport
import MeshWire
import MeshworkTesting
import Tracing

struct Word: MeshMessage, Equatable {
    static let messageName = "test.Word"
    var text = ""

    init(_ text: String) { self.text = text }
    init(from decoder: inout MessageDecoder) throws(WireError) {
        while let field = try decoder.nextField() { if field == 1 { text = try decoder.string() } }
    }
    func encode(to encoder: inout MessageEncoder) { encoder.string(1, text) }
}

enum Words: MeshService {
    static let name: ServiceName = "test.Words"
    static let say = unary("Say", Word.self, Word.self, retry: .idempotent)
    static let once = unary("Once", Word.self, Word.self, retry: .never)
    static let spell = serverStreaming("Spell", Word.self, Word.self, retry: .idempotent)
}

/// Meshes of a simulation, each with a tracing back end of its own.
struct Traced: Sendable {
    let runtime: SimulatedRuntime
    let authority: TestAuthority
    let policy: AuthorizationPolicy
    /// Of the caller, of the server that it calls, and of the one that this calls.
    let tracers = [
        RecordingTracer(first: 0x1000), RecordingTracer(first: 0x2000), RecordingTracer(first: 0x3000),
    ]

    static func run(_ body: @escaping @Sendable @concurrent (Traced) async throws -> Void) async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let authority = try TestAuthority(runtime: runtime)
            let policy = try AuthorizationPolicy(rules: [
                AuthorizationPolicy.Rule(
                    "all", methods: ["*"], identities: ["\(authority.trustDomain.id)/*"], callersWithoutIdentity: true)
            ])
            try await body(Traced(runtime: runtime, authority: authority, policy: policy))
        }
    }

    func mesh(_ path: String, _ tracer: RecordingTracer?) throws -> Mesh {
        var configuration = MeshConfiguration()
        configuration.telemetry.tracing = tracer.map { TracingConfiguration(tracer: $0) }
        return try Mesh(
            configuration: configuration, identity: authority.identity(path), policy: policy, runtime: runtime)
    }

    /// A server at `host:1`, with the identity `/server/host`.
    func server(_ host: String, _ tracer: RecordingTracer?, _ register: (Mesh) -> Void) async throws -> Mesh {
        let mesh = try mesh("/server/\(host)", tracer)
        register(mesh)
        try await mesh.listen(host: host, port: 1)
        return mesh
    }

    func destination(_ host: String) throws -> Destination {
        Destination(host: host, port: 1, identities: [.exact(try authority.id("/server/\(host)"))])
    }
}
