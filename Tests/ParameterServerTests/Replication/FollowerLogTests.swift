import Coordination
import MeshworkTesting
import Optimizers
import Tensor
import Testing

@testable import ParameterServer

/// The log of a server that heads nothing.
@Suite struct FollowerLogTests {
    @Test(
        "a server that only follows writes its log, though nobody waits for it, replaces it by snapshots, and stays in its chain"
    )
    func follows() async throws {
        var configuration = ParameterServerConfiguration()
        configuration.log = PartitionLogConfiguration(folder: "/parameters", sync: .disk)
        configuration.log?.waitingBytes = 1 << 20
        configuration.log?.bytes = 4 << 20
        try await ReplicatedJob.run(seed: 8, servers: 2, replicas: 1, configuration: configuration) { job in
            let client = try await job.cluster.client(job.cluster.mesh("/worker/0"), slot: 0)
            let table = try TableDeclaration(
                name: "weight", shape: [1 << 16], initializer: .zeros, key: RandomKey(seed: 5),
                updateRule: .sgd(learningRate: 1), partitioning: .count(1), replicas: 1)
            try await client.declare([table])
            let gradients = try NamedTensors([("weight", .full([1 << 16], Float(1)))])
            // 256 KiB each: more than its log may keep in memory after four, and than it may keep after sixteen.
            for _ in 0..<40 {
                let report = try await client.push(gradients)
                #expect(report.failed.isEmpty, "\(report.failed)")
            }
            let isSettled = try await job.isSettled()
            #expect(isSettled && job.entries[0].epoch == 1, "\(job.entries)")
            client.close()
        }
    }
}
