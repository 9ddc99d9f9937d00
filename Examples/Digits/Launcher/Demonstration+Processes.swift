import Foundation
import ProcessKit

extension Demonstration {
    /// How many parameter servers there are.
    private static let serverCount = 2

    func startCoordinator() async throws -> MeshProcess {
        try await launch.startCoordinator(servers: Self.serverCount, slots: plan.slots)
    }

    func startServers(_ coordinator: MeshProcess) async throws -> [MeshProcess] {
        var servers: [MeshProcess] = []
        for index in 0..<Self.serverCount { servers.append(try await startServer(index, coordinator)) }
        return servers
    }

    /// Starts the server of that number, in its first life or in another.
    func startServer(_ index: Int, _ coordinator: MeshProcess) async throws -> MeshProcess {
        try await launch.startServer(
            index, logFolder: logs.map { ($0 as NSString).appendingPathComponent("server-\(index)") },
            coordinator: coordinator)
    }

    func startModelServer(_ coordinator: MeshProcess, modelPath: String) async throws -> MeshProcess {
        let configuration = RoleConfiguration.ModelServer(
            membership: try await coordinator.membership(for: launch.identities.modelServer), modelPath: modelPath,
            modelName: "digits", modelVersion: 1, httpPort: options.port)
        return try await launch.start("model server", as: "model-server", .modelServer(configuration))
    }
}
