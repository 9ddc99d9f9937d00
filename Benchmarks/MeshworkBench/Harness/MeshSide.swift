import Identity
import MeshTransport
import NIOPosix

/// The mesh's side of the transport's figures.
enum MeshSide {
    /// A client on an event loop of its own.
    static func client(port: Int, identity: any IdentitySource) throws -> MeshClient {
        let runtime = SystemRuntime(eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1))
        let mesh = try Mesh(identity: identity, policy: .denyAll, runtime: runtime)
        let expected = try IdentityPattern(parsing: "spiffe://bench.example/server")
        return mesh.client(Destination(host: "127.0.0.1", port: port, identities: [expected]))
    }

    /// A server on one event loop.
    static func server(identity: any IdentitySource) throws -> Mesh {
        let policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule("bench", methods: ["*"], identities: ["spiffe://bench.example/*"])
        ])
        return try Mesh(
            identity: identity, policy: policy,
            runtime: SystemRuntime(eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1)))
    }
}
