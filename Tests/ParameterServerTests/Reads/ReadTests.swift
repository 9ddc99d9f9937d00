import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Tensor
import TestSupport
import Testing

@testable import ParameterServer

/// What pulls promise: no older state than was seen, one's own pushes, and, if asked for, nothing that may yet be lost.
@Suite(.timeLimit(.minutes(5))) struct ReadTests {
    /// Of which every element is the number of applied pushes, negated, where every gradient is 1.
    private static func table(replicas: Int = 0) throws -> TableDeclaration {
        try TableDeclaration(
            name: "weight", shape: [4], initializer: .zeros, key: RandomKey(seed: 5),
            updateRule: .sgd(learningRate: 1), partitioning: .count(2), replicas: replicas)
    }

    private static func step(_ client: ParameterClient) async throws -> PushReport {
        try await client.push(NamedTensors([("weight", .full([4], Float(1)))]))
    }

    /// The pushes that each element shows.
    private static func pushes(_ parameters: NamedTensors) throws -> [Float] {
        try parameters.tensor(named: "weight").scalars(as: Float.self).map { -$0 }
    }

    @Test("a pull arrives that is larger than all answers that a server keeps for a client")
    func large() async throws {
        try await SimulatedRuntime.run(seed: 3) { runtime in
            var limits = WireLimits()
            limits.queuedReplyBytes = 256 << 10
            limits.connectionCredit = 1 << 20
            let cluster = try await TestCluster.start(
                runtime, servers: 1, attemptTimeout: .seconds(10), limits: limits)
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            try await client.declare([
                try TableDeclaration(
                    name: "large", shape: [1 << 20], initializer: .zeros, key: RandomKey(seed: 5),
                    updateRule: .sgd(learningRate: 1), partitioning: .count(2))
            ])
            let start = runtime.now
            // At the same time, so that one pull waits for another's answer.
            async let first = client.pull()
            async let second = client.pull()
            let counts = try await [first, second].map { try $0.tensor(named: "large").elementCount }
            #expect(counts == [1 << 20, 1 << 20])
            #expect(start.duration(to: runtime.now) < .seconds(10))
            client.close()
        }
    }

    @Test("a pull of at least a version waits for the push that makes it, and one for a version that never comes ends")
    func atLeast() async throws {
        try await SimulatedRuntime.run(seed: 4) { runtime in
            let cluster = try await TestCluster.start(runtime)
            let writer = try await cluster.client(cluster.mesh("/worker/0"))
            try await writer.declare([Self.table()])
            var configuration = ParameterClientConfiguration()
            configuration.timeout = .seconds(10)
            let other = try await cluster.client(cluster.mesh("/worker/1"), slot: 1, configuration: configuration)
            try await other.declare([Self.table()])
            let reader = try ParameterReader(
                cluster.coordination(cluster.mesh("/auditor")), configuration: configuration)
            let first = try await Self.step(writer)
            #expect(first.versions.values.map(\.applied) == [1, 1])
            let next = first.versions.mapValues { PartitionVersion(epoch: $0.epoch, applied: $0.applied + 1) }
            async let pulled = other.pull(atLeast: next, isolation: .uncommitted)
            async let read = reader.pull(atLeast: next)
            try await runtime.sleep(for: .seconds(2))
            let report = try await Self.step(writer)
            #expect(report.versions == next)
            #expect(try await Self.pushes(pulled) == [2, 2, 2, 2])
            #expect(try await Self.pushes(read) == [2, 2, 2, 2])
            #expect(other.seenVersions == next && reader.seenVersions == next)
            let never = next.mapValues { PartitionVersion(epoch: $0.epoch, applied: 99) }
            let start = runtime.now
            let error = await parameterServerError { _ = try await reader.pull(atLeast: never) }
            #expect(error?.code == .versionNotReached || error?.code == .callFailed, "\(String(describing: error))")
            #expect(start.duration(to: runtime.now) <= .seconds(11))
            for client in [writer, other] { client.close() }
            reader.close()
        }
    }

    @Test("what a follower does not have yet is shown to whoever asks for the newest, and not as committed")
    func committed() async throws {
        try await ReplicatedJob.run(seed: 8, servers: 2, replicas: 1) { job in
            let client = try await job.cluster.client(job.cluster.mesh("/worker/0"))
            try await client.declare([Self.table(replicas: 1)])
            #expect(try await Self.step(client).failed.isEmpty)
            var configuration = ParameterClientConfiguration()
            configuration.timeout = .milliseconds(500)
            let reader = try ParameterReader(
                job.cluster.coordination(job.cluster.mesh("/auditor")), configuration: configuration)
            #expect(try await Self.pushes(reader.pull(isolation: .committed)) == [1, 1, 1, 1])
            let follower = try #require(job.server(atPlace: 1))
            // Of both partitions, or one of them is headed by the server that stops.
            let ids = job.entries.filter { $0.followers == ["server-\(follower)"] }.map(\.id)
            job.host(follower).pause()
            async let waiting = Self.step(client)
            try await job.runtime.sleep(for: .milliseconds(300))
            let entryOfHead = try #require(job.entries.first { $0.id == ids[0] })
            let head = try #require(job.partition(ids[0], at: entryOfHead.head))
            // Executed, and acknowledged to nobody.
            #expect(head.pullIfFree()?.1.applied == 2)
            let entry = PullRequest.Entry(
                partition: ids[0], minimum: PartitionVersion(epoch: 0, applied: 0), isCommitted: true)
            let server = try #require(job.cluster.coordinator.map.server(named: "server-\(1 - follower)"))
            let raw = try job.cluster.mesh("/raw").client(server.destination)
            let error = await #expect(throws: MeshError.self) {
                try await raw.call(ParameterService.pull, PullRequest([entry]), timeout: .milliseconds(200))
            }
            #expect(error != nil)
            // The chain goes on without it, and what was executed is committed.
            #expect(try await waiting.failed.isEmpty)
            let patient = try job.cluster.reader()
            #expect(try await Self.pushes(patient.pull(isolation: .committed)) == [2, 2, 2, 2])
            for reader in [reader, patient] { reader.close() }
            client.close()
        }
    }

    /// One worker, whose pushes every element counts, and a reader; heads are killed and come back meanwhile.
    @Test("over failovers a session reads its own pushes, versions never go back, and nothing committed is lost")
    func sessions() async throws {
        for seed in 1...UInt64(rounds(3)) {
            try await ReplicatedJob.run(seed: seed, replicas: 1) { job in
                let steps = 150
                async let worked = Self.work(job, steps: steps)
                async let read = Self.read(job, times: 250)
                for failure in 0..<3 {
                    try await job.runtime.sleep(
                        for: .microseconds(150_000 + Int64(seed * 7_919 % 40_000) * Int64(failure + 1)))
                    let victim = try #require(job.server(atPlace: 0))
                    job.kill(victim)
                    try await job.runtime.sleep(for: .milliseconds(100))
                    try await job.restart(victim)
                    let isSettled = try await job.isSettled()
                    #expect(isSettled, "seed \(seed): \(job.entries)")
                }
                #expect(try await worked == [], "seed \(seed)")
                #expect(try await read == [], "seed \(seed)")
                #expect(job.entries.contains { $0.epoch > 3 } && job.entries.allSatisfy { $0.intactSince == 1 })
                let reader = try job.cluster.reader()
                let all = Array(repeating: Float(steps), count: 4)
                #expect(try await Self.pushes(reader.pull(isolation: .committed)) == all)
                reader.close()
            }
        }
    }

    @concurrent
    private static func work(_ job: ReplicatedJob, steps: Int) async throws -> [String] {
        let host = job.runtime.host("/worker/0")
        return try await host.run {
            let client = try await job.cluster.client(job.cluster.mesh("/worker/0"))
            try await client.declare([table(replicas: 1)])
            var problems: [String] = []
            for step in 1...steps {
                let report = try await Self.step(client)
                problems += report.failed.map { "step \(step): \($0.error)" }
                let before = client.seenVersions
                // Every push is its own, and acknowledged: it sees all of them and no other.
                let seen =
                    step % 2 == 0
                    ? try await pushes(client.pull()) : try await pushes(client.pull(isolation: .committed))
                if seen != Array(repeating: Float(step), count: 4) { problems.append("after \(step) pushes \(seen)") }
                for (partition, version) in client.seenVersions where version < before[partition] ?? version {
                    problems.append("step \(step): partition \(partition) went back to \(version)")
                }
                try await host.sleep(for: .milliseconds(20))
            }
            client.close()
            return problems
        }
    }

    @concurrent
    private static func read(_ job: ReplicatedJob, times: Int) async throws -> [String] {
        let host = job.runtime.host("/auditor")
        return try await host.run {
            let reader = try job.cluster.reader()
            var problems: [String] = []
            var last: [Float] = [0, 0, 0, 0]
            while try await reader.map().table(named: "weight") == nil { try await host.sleep(for: .milliseconds(10)) }
            for time in 0..<times {
                let now = try await pushes(reader.pull(isolation: .committed))
                if zip(now, last).contains(where: { $0 < $1 }) { problems.append("read \(time): \(now) after \(last)") }
                last = now
                try await host.sleep(for: .milliseconds(12))
            }
            reader.close()
            return problems
        }
    }
}
