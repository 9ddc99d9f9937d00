import Coordination
import MeshWire
import MeshworkTesting
import Optimizers
import Tensor
import TestSupport
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

    private static func configuration(waitingBytes: Int, bytes: Int) -> ParameterServerConfiguration {
        var configuration = ParameterServerConfiguration()
        configuration.log = PartitionLogConfiguration(folder: "/parameters", sync: .process)
        configuration.log?.waitingBytes = waitingBytes
        configuration.log?.bytes = bytes
        return configuration
    }

    private static func table(_ elements: Int) throws -> TableDeclaration {
        try TableDeclaration(
            name: "weight", shape: [elements], initializer: .zeros, key: RandomKey(seed: 5),
            updateRule: .sgd(learningRate: 1), partitioning: .count(1), replicas: 1)
    }

    @Test("a follower whose disk takes longer than its signs of life acknowledges while more and more comes to its log")
    func acknowledgesOnSlowDisks() async throws {
        var configuration = ParameterServerConfiguration()
        configuration.log = PartitionLogConfiguration(folder: "/parameters", sync: .disk)
        try await ReplicatedJob.run(seed: 11, servers: 2, replicas: 1, configuration: configuration) { job in
            let names = ["weight", "bias"]
            let tables = try names.map { try Example.table($0, shape: [4], replicas: 1) }
            let client = try await job.cluster.client(job.cluster.mesh("/worker/0"), slot: 0)
            let other = try await job.cluster.client(job.cluster.mesh("/worker/1"), slot: 1)
            try await client.declare([tables[0]])
            try await other.declare([tables[1]])
            #expect(try await client.push(NamedTensors([("weight", .full([4], Float(1)))])).failed.isEmpty)
            var faults = LogFaults()
            faults.syncTime = .milliseconds(150) ... .milliseconds(150)
            for index in 0..<2 { job.host(index).disk.setFaults(faults) }
            let start = job.runtime.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                // One every 20 ms, whatever becomes of those before.
                group.addTask {
                    try await withThrowingTaskGroup(of: Void.self) { pushes in
                        for _ in 0..<200 {
                            pushes.addTask {
                                _ = try await other.push(NamedTensors([("bias", .full([4], Float(1)))]))
                            }
                            try await job.runtime.sleep(for: .milliseconds(20))
                        }
                        try await pushes.waitForAll()
                    }
                }
                for _ in 0..<4 {
                    #expect(try await client.push(NamedTensors([("weight", .full([4], Float(1)))])).failed.isEmpty)
                }
                // Two syncs for each at most, and what the wires take.
                #expect(start.duration(to: job.runtime.now) < .seconds(2))
                try await group.waitForAll()
            }
            #expect(job.entries.allSatisfy { $0.epoch == 1 }, "\(job.entries)")
            client.close()
            other.close()
        }
    }

    @Test("a server whose log does not take a partition's records refuses to follow, once and with both sizes")
    func refuses() async throws {
        try await ReplicatedJob.run(
            seed: 9, servers: 2, replicas: 1,
            of: { Self.configuration(waitingBytes: $0 == 1 ? 1 << 20 : 8 << 20, bytes: 32 << 20) }
        ) { job in
            let client = try await job.cluster.client(job.cluster.mesh("/worker/0"), slot: 0)
            try await client.declare([Self.table(1 << 18)])
            let gradients = try NamedTensors([("weight", .full([1 << 18], Float(1)))])
            // The head goes on without its first follower when that has been silent for long enough.
            #expect(try await client.push(gradients).failed.isEmpty)
            try await job.runtime.sleep(for: .seconds(2))
            let version = job.cluster.coordinator.map.version
            try await job.runtime.sleep(for: .seconds(30))
            #expect(try await client.push(gradients).failed.isEmpty)
            // Neither a snapshot nor another place, however long it goes on.
            #expect(job.cluster.coordinator.map.version == version)
            #expect(job.entries[0].chain == ["server-0"] && job.entries[0].joining.isEmpty)
            let seedings = job.cluster.metrics.lines(of: "parameter_seedings_total{").filter { !$0.hasSuffix(" 0") }
            #expect(seedings == [#"parameter_seedings_total{outcome="refused"} 1"#])
            let refusals = job.cluster.log.all("partition cannot be followed")
            #expect(refusals.count == 1)
            let waits = job.stallReport(of: 1)?.waits ?? []
            #expect(waits.map(\.reason) == [.log])
            for text in [refusals.first?.metadata["error"], waits.first?.blocker] {
                for word in ["weight#0", "1114112 bytes", "524288", "log.waitingBytes", "server-1"] {
                    #expect(text?.contains(word) == true, "\(text ?? "nothing")")
                }
            }
            // One with more room has it at once.
            try await job.start(2)
            let isSettled = try await job.isSettled()
            #expect(isSettled && job.entries[0].chain == ["server-0", "server-2"])
            #expect(job.stallReport(of: 1)?.waits == [])
            client.close()
        }
    }

    @Test("a follower whose log is full while snapshots are written has its head wait, and stays in the chain")
    func holdsUp() async throws {
        try await ReplicatedJob.run(
            seed: 10, servers: 2, replicas: 1,
            of: { Self.configuration(waitingBytes: 1 << 20, bytes: $0 == 1 ? 2 << 20 : 64 << 20) }
        ) { job in
            let client = try await job.cluster.client(job.cluster.mesh("/worker/0"), slot: 0)
            try await client.declare([Self.table(1 << 16)])
            let gradients = try NamedTensors([("weight", .full([1 << 16], Float(1)))])
            #expect(try await client.push(gradients).failed.isEmpty)
            // Longer than a head waits for a follower of which it hears nothing, for each file and each snapshot.
            var faults = LogFaults()
            faults.syncTime = .milliseconds(2_200) ... .milliseconds(2_200)
            job.host(1).disk.setFaults(faults)
            let start = job.runtime.now
            // Some wait for longer than their attempts take together.
            for _ in 0..<12 { _ = try await client.push(gradients) }
            #expect(start.duration(to: job.runtime.now) > .seconds(8))
            job.host(1).disk.setFaults(LogFaults())
            #expect(try await client.push(gradients).failed.isEmpty)
            let isSettled = try await job.isSettled()
            #expect(isSettled && job.entries[0].epoch == 1, "\(job.entries)")
            #expect(await job.differences() == [])
            client.close()
        }
    }
}
