import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport

/// A server on loopback with TLS, its authority and its log.
struct Loopback {
    let authority: TestAuthority
    let identity: RotatableIdentity
    let server: Mesh
    let log: LogCapture
    let port: Int
    let policy: AuthorizationPolicy

    /// Starts a server as `/server` with the methods that `register` adds.
    static func start(
        configuration: MeshConfiguration = .patient, policy: AuthorizationPolicy? = nil,
        authority: TestAuthority? = nil, identity: RotatableIdentity? = nil,
        _ register: (Mesh) -> Void = { $0.serveEcho() }
    ) async throws -> Loopback {
        let authority = try authority ?? TestAuthority(runtime: SystemRuntime.shared)
        let policy = try policy ?? .everything(in: authority.trustDomain)
        let log = LogCapture()
        let identity = try identity ?? authority.identity("/server")
        let server = try Mesh(configuration: configuration, identity: identity, policy: policy, logger: log.logger)
        register(server)
        let address = try await server.listen(host: "127.0.0.1", port: 0)
        return Loopback(
            authority: authority, identity: identity, server: server, log: log, port: address.port, policy: policy)
    }

    /// A client as `path` that expects the server to be `expected`.
    func client(
        _ path: String = "/client", configuration: MeshConfiguration = .patient,
        identity: (any IdentitySource)? = nil, expected: String = "/server", host: String = "127.0.0.1"
    ) throws -> MeshClient {
        let mesh = try Mesh(
            configuration: configuration, identity: try identity ?? authority.identity(path), policy: .denyAll)
        return mesh.client(
            Destination(host: host, port: port, identities: [.exact(try authority.id(expected))]))
    }
}

extension Mesh {
    /// Sends back what it gets, whatever the method.
    func serveEcho() {
        serve(Echo.echo) { note, _ in note }
        serve(Echo.count) { note, _ in note }
        serve(Echo.once) { note, _ in note }
        serveStreams()
    }

    /// A response for each character of a request; one for all requests; one for each request.
    func serveStreams() {
        serve(Echo.repeated) { note, responses, _ in
            for character in note.text {
                try await responses.send(Note(String(character), payload: note.payload))
            }
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

/// A call's identity for servers that deduplicate.
func deduplication(_ sequence: UInt64) -> Deduplication {
    Deduplication(
        session: SessionID(high: 1, low: 2),
        entries: [.init(scope: 0, sequence: sequence, acknowledgedThrough: sequence - 1)])
}
