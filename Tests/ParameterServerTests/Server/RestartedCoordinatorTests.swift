import Coordination
import Logging
import MeshTransport
import MeshworkTesting
import Tensor
import Testing

@testable import ParameterServer

@Suite struct RestartedCoordinatorTests {
    @Test("servers and workers go on while their coordinator is away, and with the one that begins again in its folder")
    func goesOn() async throws {
        try await SimulatedRuntime.run(seed: 3) { runtime in
            var configuration = CoordinatorConfiguration()
            configuration.folder = "coordination"
            let cluster = try await TestCluster.start(runtime) { $0.folder = "coordination" }
            let tables = [try Example.table("weight", shape: [4, 3], partitions: 3)]
            let gradients = try NamedTensors([("weight", .full([4, 3], Float(1)))])
            let worker = try await cluster.client(cluster.mesh("/worker/0"))
            try await worker.declare(tables)
            _ = try await worker.push(gradients)
            let map = cluster.coordinator.map
            await cluster.stopCoordinator()
            runtime.disk.crash()
            let alone = try await worker.push(gradients)
            #expect(alone.failed.isEmpty)

            let mesh = try cluster.mesh("/coordinator")
            let coordinator = try await Coordinator(
                on: mesh, configuration: configuration,
                logger: Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() })
            _ = try await mesh.listen(host: cluster.coordinatorAddress.host, port: cluster.coordinatorAddress.port)
            #expect(coordinator.map == map)
            let again = try await worker.push(gradients)
            #expect(again.failed.isEmpty)
            // The servers take the new coordinator's fence, as its session is newer than any of the old one's.
            let successor = try await cluster.client(cluster.mesh("/worker/0"))
            #expect(successor.session.predecessor?.session == worker.session.id)
            #expect(
                successor.session.predecessor?.applied.map(\.sequences.runs) == Array(repeating: [1...3], count: 3))
            let late = try await worker.push(gradients)
            #expect(Set(late.failed.map(\.error.code)) == [.sessionFenced])
            try await successor.declare(tables)
            let next = try await successor.push(gradients)
            #expect(next.failed.isEmpty)
            let applied = try await cluster.applied()
            #expect(applied == [4, 4, 4])
        }
    }
}
