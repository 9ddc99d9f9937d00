import Coordination
import Foundation
import Identity
import MeshTransport
import NIOPosix
import ParameterServer
import Tensor

/// The server's side: a parameter server, and with the first of them a coordinator, on one mesh of one event loop.
struct ParameterSide {
    /// What a server keeps its pushes in beside memory.
    enum Log: String, CaseIterable {
        case none = ""
        case process = "-logged"
        case disk = "-synced"
    }

    private let log: Log
    /// The coordinator's port, of a server that follows the one beside it.
    private let leader: Int?

    /// The role of a process: the first server, or one that follows it.
    static func role(_ log: Log = .none, isFollower: Bool = false) -> String {
        "parameters\(isFollower ? "-follower" : "")\(log.rawValue)"
    }

    /// The side of a role; `nil` where it is none.
    init?(_ role: String, leader: Int?) {
        guard let log = Log.allCases.first(where: { role == Self.role($0, isFollower: leader != nil) }) else {
            return nil
        }
        (self.log, self.leader) = (log, leader)
    }

    /// Serves while `body` runs, which is told the port.
    func serve(identity: any IdentitySource, _ body: (Int) async throws -> Void) async throws {
        let runtime = SystemRuntime(
            eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1), computeExecutor: ComputeExecutor.shared)
        let policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule("bench", methods: ["*"], identities: ["spiffe://bench.example/*"])
        ])
        let mesh = try Mesh(identity: identity, policy: policy, runtime: runtime)
        var coordinating = CoordinatorConfiguration()
        // Workers give no sign of life while others are measured.
        coordinating.lease = .seconds(86_400)
        let coordinator =
            try await leader == nil
            ? Coordinator(
                on: mesh, configuration: coordinating, logger: DisturbedLog.logger) : nil
        let address = try await mesh.listen(host: "127.0.0.1", port: 0)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("meshwork-log-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        var configuration = ParameterServerConfiguration()
        if log != .none {
            configuration.log = PartitionLogConfiguration(
                folder: folder.path, sync: log == .disk ? .disk : .process)
        }
        let coordination = CoordinationClient(mesh, coordinator: try MeshSide.destination(port: leader ?? address.port))
        let server = try ParameterServer(
            named: leader == nil ? "server" : "follower", on: mesh, coordination: coordination,
            configuration: configuration, logger: DisturbedLog.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            // It gives partitions their followers.
            if let coordinator { group.addTask { try await coordinator.run() } }
            try await server.register(at: address)
            try await body(address.port)
            group.cancelAll()
        }
        await mesh.stop()
    }
}
