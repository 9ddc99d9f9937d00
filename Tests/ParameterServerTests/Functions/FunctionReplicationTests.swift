import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Tensor
import Testing

@testable import ParameterServer

/// Functions on partitions that several servers hold, some of which die, or have not the same functions.
@Suite struct FunctionReplicationTests {
    private typealias Functions = ExampleFunctions

    /// Calls `add` so often, and says what it answered for each partition.
    private static func answers(
        of job: ReplicatedJob, _ calls: Int, observer: PushObserver
    ) async throws -> [[Float]] {
        let host = job.runtime.host("/worker/0")
        return try await host.run {
            let client = try await job.cluster.client(job.cluster.mesh("/worker/0"), slot: 0, observer: observer)
            try await client.declare([
                Example.table(shape: [6], rule: .adam(), partitions: 3, replicas: job.replicas)
            ])
            var answers: [[Float]] = []
            for _ in 0..<calls {
                let report = try await client.call(Functions.add, 1, on: "weight")
                #expect(report.pushes.failed.isEmpty, "\(report.pushes.failed)")
                answers.append(report.answers.map(\.value))
                try await host.sleep(for: .milliseconds(5))
            }
            client.close()
            return answers
        }
    }

    @Test("a head that dies between applying a call and answering it: the new head gives the same answer, once")
    func killed() async throws {
        for seed in 1...3 as ClosedRange<UInt64> {
            try await ReplicatedJob.run(seed: seed, replicas: 1, functions: { _ in Functions.all }) { job in
                async let calling = Self.answers(of: job, 60, observer: job.notes.observer)
                try await job.runtime.sleep(for: .microseconds(200_000 + Int64(seed * 7_919 % 40_000)))
                job.kill(try #require(job.server(atPlace: 0)))
                let answers = try await calling
                for (step, values) in answers.enumerated() {
                    #expect(values == Array(repeating: Float(step + 1), count: 3), "seed \(seed)")
                }
                let isSettled = try await job.isSettled()
                #expect(isSettled, "seed \(seed): \(job.entries)")
                #expect(await job.differences() == [], "seed \(seed)")
                let audit = try await job.audit()
                #expect(audit.discrepancies == [], "seed \(seed)")
                #expect((audit.acknowledged, audit.applied) == (180, 180), "seed \(seed)")
            }
        }
    }

    @Test("where a follower has not the function, the head takes no call of it, and says which server lacks it")
    func lacking() async throws {
        try await ReplicatedJob.run(
            seed: 4, servers: 2, replicas: 1, functions: { $0 == 0 ? Functions.all : [Functions.squares.registered] }
        ) { job in
            let client = try await job.cluster.client(job.cluster.mesh("/worker/0"), slot: 0)
            try await client.declare([Example.table(shape: [6], partitions: 2, replicas: 1)])
            let isSettled = try await job.isSettled()
            #expect(isSettled)
            let report = try await client.call(Functions.add, 1, on: "weight")
            #expect(report.pushes.failed.map(\.error.code) == [.unknownFunction, .unknownFunction])
            for failure in report.pushes.failed {
                // That of server 0 names the other, which has told itself that it has none.
                #expect(failure.error.message.contains("no function add@1"), "\(failure)")
            }
            #expect(report.pushes.failed.contains { $0.error.message.contains("server server-1 of its chain") })
            let epochs = job.entries.map(\.epoch)
            #expect(epochs == [1, 1] && job.entries.allSatisfy { $0.followers.count == 1 })
            #expect(await job.differences() == [])
            client.close()
        }
    }

    @Test("a follower that comes to other bits takes nothing of it, says so and leaves; what was acknowledged stands")
    func diverging() async throws {
        let other = ServerFunction(updating: "add", combine: max) {
            (values: inout PartitionValues, step: Float) -> Float in
            values.parameters = values.parameters + 2 * step
            return 0
        }
        var configuration = ParameterServerConfiguration()
        configuration.log = PartitionLogConfiguration(folder: "/parameters", sync: .process)
        try await ReplicatedJob.run(
            seed: 5, servers: 2, replicas: 1, configuration: configuration,
            functions: { $0 == 0 ? [Functions.add.registered] : [other.registered] }
        ) { job in
            let client = try await job.cluster.client(job.cluster.mesh("/worker/0"), slot: 0)
            try await client.declare([Example.table(shape: [6], partitions: 1, replicas: 1)])
            let isSettled = try await job.isSettled()
            #expect(isSettled)
            let head = try #require(job.entries.first?.head)
            let report = try await client.call(Functions.add, 1, on: "weight")
            #expect(report.pushes.failed.isEmpty, "\(report.pushes.failed)")
            #expect(job.entries[0].head == head && job.entries[0].epoch > 1)
            let complaints = job.cluster.log.all(
                "a record cannot be executed: this server leaves the partition's chain")
            #expect(complaints.first?.metadata["code"] == "functionFailed")
            let expected: Float = head == "server-0" ? 1 : 2
            #expect(
                try await client.pull().tensor(named: "weight").scalars(as: Float.self)
                    == Array(repeating: expected, count: 6))
            // Seeded anew, it has the same bits, and its log has not failed.
            let isBack = try await job.isSettled()
            #expect(isBack && job.entries[0].head == head)
            #expect(await job.differences() == [])
            let push = try await client.push(NamedTensors([("weight", .full([6], Float(1)))]))
            #expect(push.acknowledged.map(\.durability) == [.replicated(1)], "\(push.failed)")
            client.close()
        }
    }
}
