import Identity
import MeshGRPC
import MeshTransport
import MeshworkTesting
import TestSupport

/// A mesh that serves ``Echo`` over both wires on loopback, and clients of it.
struct GRPCLoopback {
    let authority: TestAuthority
    let server: Mesh
    let log: LogCapture
    let endpoint: Endpoint
    let security: TransportSecurity

    static func start(
        _ configuration: GRPCConfiguration = GRPCConfiguration(), mesh: MeshConfiguration = .patient,
        security: TransportSecurity = .mutualTLS, on endpoint: Endpoint = .tcp(host: "127.0.0.1", port: 0),
        _ register: (Mesh) -> Void = { $0.serveEcho() }
    ) async throws -> GRPCLoopback {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let log = LogCapture()
        let policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule(
                "everybody", methods: ["*"], identities: ["\(authority.trustDomain.id)/*"], callersWithoutIdentity: true
            )
        ])
        let server = try Mesh(
            configuration: mesh, identity: authority.identity("/server"), policy: policy, logger: log.logger)
        try server.enableGRPC(configuration)
        register(server)
        return GRPCLoopback(
            authority: authority, server: server, log: log,
            endpoint: try await server.listen(on: endpoint, security: security), security: security)
    }

    /// Where the server is, whatever is spoken.
    var destination: Destination {
        get throws {
            switch security {
            case .mutualTLS: Destination(endpoint, identities: [.exact(try authority.id("/server"))])
            case .plaintext: .plaintext(endpoint)
            }
        }
    }

    /// A client that speaks gRPC.
    func client(
        _ configuration: GRPCConfiguration = GRPCConfiguration(), mesh: MeshConfiguration = .patient
    ) throws -> MeshClient {
        let mesh = try Mesh(configuration: mesh, identity: authority.identity("/client"), policy: .denyAll)
        try mesh.enableGRPC(configuration)
        return mesh.client(try destination.overGRPC)
    }
}

/// Text and a payload, sent back as they are.
struct Note: MeshMessage, Equatable {
    static let messageName = "test.Note"

    var text = ""
    var payload: [UInt8] = []

    init(_ text: String, payload: [UInt8] = []) {
        self.text = text
        self.payload = payload
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        while let field = try decoder.nextField() {
            switch field {
            case 1: text = try decoder.string()
            case 2:
                let segment = try decoder.segment()
                payload = unsafe segment.withUnsafeBytes { bytes in unsafe Array(bytes) }
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.string(1, text)
        if !payload.isEmpty { encoder.segment(2, Segment(copying: payload)) }
    }
}

enum Echo: MeshService {
    static let name: ServiceName = "test.Echo"
    static let echo = unary("Echo", Note.self, Note.self, retry: .idempotent)
    static let count = unary("Count", Note.self, Note.self, retry: .deduplicated)
    static let unserved = unary("Unserved", Note.self, Note.self, retry: .never)
    static let fail = unary("Fail", Note.self, Note.self, retry: .never)
    static let slow = unary("Slow", Note.self, Note.self, retry: .never)
    static let repeated = serverStreaming("Repeated", Note.self, Note.self, retry: .idempotent)
    static let joined = clientStreaming("Joined", Note.self, Note.self)
    static let chat = bidirectional("Chat", Note.self, Note.self)
}

extension Mesh {
    /// Answers every method of ``Echo`` but one.
    func serveEcho() {
        serveAnswer(Echo.echo) { note, call in
            Answer(note, metadata: call.metadata, trailers: ["peer": call.peer?.description ?? "none"])
        }
        serve(Echo.count) { note, _ in note }
        serve(Echo.fail) { note, _ in
            throw CallFailure(.dataLoss, note.text, details: Array("more".utf8), trailers: ["why": "asked"])
        }
        serve(Echo.slow) { note, call in
            try await call.runtime.sleep(for: .seconds(3_600))
            return note
        }
        serve(Echo.repeated) { note, responses, _ in
            for character in note.text { try await responses.send(Note(String(character), payload: note.payload)) }
        }
        serve(Echo.joined) { requests, _ in
            var (text, size) = ("", 0)
            for try await note in requests {
                text += note.text
                size += note.payload.count
            }
            return Note("\(text) \(size)")
        }
        serve(Echo.chat) { requests, responses, _ in
            for try await note in requests { try await responses.send(note) }
        }
    }
}
