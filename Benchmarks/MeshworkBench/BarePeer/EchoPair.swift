import Identity
import MeshTransport
import NIOCore
import NIOPosix

/// A bare echo and a mesh that echoes, each in a process of its own, with a client of each on one event loop: what the
/// cases of single calls compare.
struct EchoPair {
    /// The mesh's client.
    let client: MeshClient
    private let bare: any Channel
    private let handler: BareClientHandler

    /// Starts both servers, connects to both, and ends all of it after `body`.
    static func with(_ body: (EchoPair) async throws -> Void) async throws {
        let identities = try BenchmarkIdentities()
        let bareServer = try PeerProcess(role: "bare-echo", identity: identities.server, bundle: identities.bundle)
        defer { bareServer.stop() }
        let meshServer = try PeerProcess(role: "mesh", identity: identities.server, bundle: identities.bundle)
        defer { meshServer.stop() }

        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let handler = BareClientHandler(.echo)
        let bare = try await BarePeer.connect(
            port: bareServer.port, as: identities.client.current, on: group, handler: handler)
        let pair = EchoPair(
            client: try MeshSide.client(port: meshServer.port, identity: identities.client), bare: bare,
            handler: handler)
        try await body(pair)
        pair.client.close()
        try await bare.close()
    }

    /// The latencies, in microseconds, of `count` bare round trips, `depth` of them in flight.
    func runBare(count: Int, depth: Int) async throws -> [Double] {
        try await handler.run(count: count, depth: depth, on: bare)
    }
}
