import Coordination
import Identity
import MeshTransport
import NIOCore
import NIOPosix
import Optimizers
import ParameterServer
import Tensor

/// A worker with one dense table: pushes its gradient and pulls its parameters.
struct ParameterWorker: Sendable {
    private let coordination: CoordinationClient
    private let client: ParameterClient
    private let gradients: NamedTensors
    private let executor: LoopExecutor?

    /// A worker on an event loop of its own, whose table is all zeros.
    ///
    /// - Parameters:
    ///   - slot: the worker's, which its table is named after.
    ///   - elements: of the table, float32.
    ///   - isOnExecutor: whether it makes its calls on the mesh's executor, or in ordinary tasks.
    init(
        port: Int, identity: any IdentitySource, slot: Int, elements: Int, _ rule: UpdateRule, isOnExecutor: Bool
    ) async throws {
        let runtime = SystemRuntime(
            eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1), computeExecutor: ComputeExecutor.shared)
        let mesh = try Mesh(identity: identity, policy: .denyAll, runtime: runtime)
        let server = try MeshSide.destination(port: port)
        coordination = CoordinationClient(mesh, coordinator: server)
        client = try ParameterClient(try await coordination.openSession(slot: slot), coordination)
        // The mesh has one loop, and so one executor.
        executor = isOnExecutor ? mesh.client(server).executor : nil
        let table = try TableDeclaration(
            name: "weights-\(slot)", shape: [elements], initializer: .zeros, key: RandomKey(seed: 1), updateRule: rule)
        try await client.declare([table])
        gradients = try NamedTensors([
            (table.name, Tensor<Float>(repeating: 0.5, shape: [elements]).core)
        ])
        _ = try await client.pull()
    }

    /// Makes `count` pushes, `depth` at a time, every one of which must be applied; returns the microseconds that each
    /// took.
    func push(_ count: Int, depth: Int) async throws -> [Double] {
        try await latencies(count, depth: depth) {
            let report = try await client.push(gradients)
            if let failure = report.failed.first { throw failure.error }
        }
    }

    /// Makes `count` pulls, `depth` at a time; returns the microseconds that each took.
    func pull(_ count: Int, depth: Int) async throws -> [Double] {
        try await latencies(count, depth: depth) { _ = try await client.pull() }
    }

    func close() async throws {
        client.close()
        try await coordination.close(client.session)
        coordination.closeConnection()
    }

    private func latencies(
        _ count: Int, depth: Int, _ request: @escaping @Sendable () async throws -> Void
    ) async throws -> [Double] {
        guard let executor else { return try await Self.latencies(count, depth: depth, request) }
        return try await withTaskExecutorPreference(executor) {
            try await Self.latencies(count, depth: depth, request)
        }
    }

    @concurrent
    private static func latencies(
        _ count: Int, depth: Int, _ request: @escaping @Sendable () async throws -> Void
    ) async throws -> [Double] {
        guard depth > 1 else { return try await latencies(count, request) }
        return try await withThrowingTaskGroup(of: [Double].self) { group in
            for caller in 0..<depth {
                group.addTask { try await latencies(count / depth + (caller < count % depth ? 1 : 0), request) }
            }
            var all: [Double] = []
            for try await some in group { all += some }
            return all
        }
    }

    private static func latencies(
        _ count: Int, _ request: @Sendable () async throws -> Void
    ) async throws -> [Double] {
        var latencies: [Double] = []
        latencies.reserveCapacity(count)
        for _ in 0..<count {
            let start = NIODeadline.now()
            try await request()
            latencies.append(Double((NIODeadline.now() - start).nanoseconds) / 1_000)
        }
        return latencies
    }
}

/// The server's side: coordinator and parameter server in one process, on one mesh.
enum ParameterSide {
    static func start(identity: any IdentitySource) async throws -> (mesh: Mesh, port: Int, parts: [any Sendable]) {
        let runtime = SystemRuntime(
            eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1), computeExecutor: ComputeExecutor.shared)
        let policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule("bench", methods: ["*"], identities: ["spiffe://bench.example/*"])
        ])
        let mesh = try Mesh(identity: identity, policy: policy, runtime: runtime)
        let coordinator = try await Coordinator(on: mesh)
        let address = try await mesh.listen(host: "127.0.0.1", port: 0)
        let expected = IdentityPattern.exact(identity.current.svid.spiffeID)
        let coordination = CoordinationClient(
            mesh, coordinator: Destination(host: address.host, port: address.port, identities: [expected]))
        let server = try ParameterServer(named: "server", on: mesh, coordination: coordination)
        try await server.register(at: address)
        return (mesh, address.port, [coordinator, server])
    }
}
