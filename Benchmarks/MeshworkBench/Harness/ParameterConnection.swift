import Coordination
import Identity
import MeshTransport
import NIOCore
import NIOPosix
import ParameterServer
import Tensor

/// A session with parameter servers, and the times that its requests take.
struct ParameterConnection: Sendable {
    let coordination: CoordinationClient
    let client: ParameterClient
    private let executor: LoopExecutor?

    /// A session in `slot`, on an event loop of its own.
    ///
    /// - Parameters:
    ///   - port: the coordinator's.
    ///   - isOnExecutor: whether requests are made on the mesh's executor, or in ordinary tasks.
    init(port: Int, identity: any IdentitySource, slot: Int, isOnExecutor: Bool) async throws {
        let runtime = SystemRuntime(
            eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1), computeExecutor: ComputeExecutor.shared)
        let mesh = try Mesh(identity: identity, policy: .denyAll, runtime: runtime)
        let server = try MeshSide.destination(port: port)
        coordination = CoordinationClient(mesh, coordinator: server)
        client = try ParameterClient(try await coordination.openSession(slot: slot), coordination)
        // The mesh has one loop, and so one executor.
        executor = isOnExecutor ? mesh.client(server).executor : nil
    }

    func close() async throws {
        client.close()
        try await coordination.close(client.session)
        coordination.closeConnection()
    }

    /// Makes a request `count` times, `depth` at a time; returns the microseconds that each took.
    func latencies(
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
