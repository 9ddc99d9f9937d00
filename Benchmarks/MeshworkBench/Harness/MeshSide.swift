import Identity
import MeshGRPC
import MeshTransport
import MeshWire
import NIOCore
import NIOPosix

/// The mesh's side of the transport's figures.
enum MeshSide {
    /// A client on event loops of its own.
    static func client(
        port: Int, identity: any IdentitySource, overGRPC: Bool = false,
        configuration: MeshConfiguration = MeshConfiguration(), loops: Int = 1
    ) throws -> MeshClient {
        let mesh = try clients(
            identity: identity, configuration: configuration,
            on: MultiThreadedEventLoopGroup(numberOfThreads: loops))
        if overGRPC { try mesh.enableGRPC() }
        let server = try destination(port: port)
        return mesh.client(overGRPC ? server.overGRPC : server)
    }

    /// What keeps all of a client's calls on one connection.
    static var oneConnection: MeshConfiguration {
        var configuration = MeshConfiguration()
        configuration.bulkPayloadBytes = nil
        return configuration
    }

    /// A mesh that has clients and serves nothing.
    static func clients(
        identity: any IdentitySource, configuration: MeshConfiguration = MeshConfiguration(),
        on group: any EventLoopGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    ) throws -> Mesh {
        try Mesh(
            configuration: configuration, identity: identity, policy: .denyAll,
            runtime: SystemRuntime(eventLoopGroup: group))
    }

    /// A server of the benchmark on this machine.
    static func destination(port: Int) throws -> Destination {
        Destination(
            host: "127.0.0.1", port: port, identities: [try IdentityPattern(parsing: "spiffe://bench.example/server")])
    }

    /// A server of both wires.
    static func server(identity: any IdentitySource, loops: Int) throws -> Mesh {
        let policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule("bench", methods: ["*"], identities: ["spiffe://bench.example/*"])
        ])
        let mesh = try Mesh(
            identity: identity, policy: policy,
            runtime: SystemRuntime(eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: loops)))
        try mesh.enableGRPC()
        mesh.serveInline(BenchmarkService.echo) { message, _ in message }
        mesh.serveInline(BenchmarkService.sink) { _, _ in EmptyMessage() }
        return mesh
    }
}

/// Makes a mesh client's calls, from tasks on its executor or from ordinary ones.
struct MeshCaller: EchoClient, TransferClient {
    let client: MeshClient
    private let isOnExecutor: Bool
    private let messageBytes: Int

    init(_ client: MeshClient, isOnExecutor: Bool, messageBytes: Int = 64) {
        self.client = client
        self.isOnExecutor = isOnExecutor
        self.messageBytes = messageBytes
    }

    func echo(_ calls: Int, depth: Int) async throws -> [Double] {
        guard isOnExecutor else { return try await echoes(calls, depth) }
        return try await withTaskExecutorPreference(client.executor) { try await echoes(calls, depth) }
    }

    @concurrent
    private func echoes(_ calls: Int, _ depth: Int) async throws -> [Double] {
        guard depth > 1 else { return try await echoes(calls) }
        return try await withThrowingTaskGroup(of: [Double].self) { group in
            for caller in 0..<depth {
                group.addTask { try await echoes(calls / depth + (caller < calls % depth ? 1 : 0)) }
            }
            var latencies: [Double] = []
            for try await some in group { latencies += some }
            return latencies
        }
    }

    private func echoes(_ calls: Int) async throws -> [Double] {
        let message = SmallMessage(bytes: [UInt8](repeating: 1, count: messageBytes))
        var latencies: [Double] = []
        latencies.reserveCapacity(calls)
        for _ in 0..<calls {
            let start = NIODeadline.now()
            _ = try await client.call(BenchmarkService.echo, message)
            latencies.append(Double((NIODeadline.now() - start).nanoseconds) / 1_000)
        }
        return latencies
    }

    func send(_ bytes: Int, count: Int, depth: Int) async throws {
        let message = LargeMessage(payload: Segment(copying: [UInt8](repeating: 1, count: bytes)))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<count {
                if index >= depth { try await group.next() }
                group.addTask { _ = try await client.call(BenchmarkService.sink, message) }
            }
            try await group.waitForAll()
        }
    }
}

/// Several clients, each with a connection of its own, that take turns.
struct MeshCallers: EchoClient, TransferClient {
    /// How many there are.
    static let count = 9

    private let callers: [MeshCaller]

    init(_ clients: [MeshClient]) { callers = clients.map { MeshCaller($0, isOnExecutor: true) } }

    func echo(_ calls: Int, depth: Int) async throws -> [Double] {
        var latencies: [Double] = []
        for call in 0..<calls { latencies += try await callers[call % callers.count].echo(1, depth: 1) }
        return latencies
    }

    func send(_ bytes: Int, count: Int, depth: Int) async throws {
        for payload in 0..<count { try await callers[payload % callers.count].send(bytes, count: 1, depth: 1) }
    }
}
