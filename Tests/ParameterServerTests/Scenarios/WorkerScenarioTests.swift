import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Tensor
import TestSupport
import Testing

@testable import ParameterServer

/// Workers that die, start again and make mistakes. `Documentation/Behaviours/ParameterServer.md` has the whole table.
@Suite struct WorkerScenarioTests {
    @Test("a worker killed between two batches: the second batch completes, and the counter is exactly four")
    func killedBetweenBatches() async throws {
        try await ScenarioJob.run(seed: 2) { job in
            for batch in 1...2 {
                for slot in 0..<2 {
                    let errors = try await job.steps(1, slot: slot)
                    #expect(errors.isEmpty)
                }
                if batch == 1 { job.worker(0).kill() }
            }
            #expect(try await job.cluster.applied() == [4, 4, 4, 4])
            #expect(try await job.audit().discrepancies == [])
        }
    }

    @Test("a worker killed in a step and started again after two seconds: all steps are made, the counter is exactly n")
    func killedInStep() async throws {
        let steps: UInt64 = 40
        let counter = try Example.table("counter", shape: [1])
        let gradients = try NamedTensors([("counter", .full([1], Float(1)))])
        for seed in 1...UInt64(rounds(4)) {
            try await ScenarioJob.run(seed: seed) { job in
                async let life = job.dies {
                    try await job.work(0) { client in
                        try await client.declare([counter])
                        for _ in 0..<steps { _ = try await client.push(gradients) }
                    }
                }
                try await job.runtime.sleep(for: .microseconds(60_000 + Int64(seed * 7_919 % 40_000)))
                job.worker(0).kill()
                #expect(try await life, "seed \(seed)")
                try await job.runtime.sleep(for: .seconds(2))
                // Its replacement makes what it has not made: the partition says how much that is.
                let partition = try #require(job.cluster.coordinator.map.table(named: "counter")?.partitions.first).id
                let left = try await job.work(0) { client in
                    let applied = try #require(client.session.predecessor).applied
                    let left = steps - (applied.first { $0.partition == partition }?.sequences.count ?? 0)
                    try await client.declare([counter])
                    for _ in 0..<left { #expect(try await client.push(gradients).failed.isEmpty) }
                    return left
                }
                #expect((1..<steps).contains(left), "seed \(seed): \(left)")
                let account = try await job.cluster.reader().accounts().first { $0.partition == partition }
                #expect(account?.version.applied == steps && account?.counter == Int64(steps), "seed \(seed)")
                #expect(try await job.audit().discrepancies == [], "seed \(seed)")
            }
        }
    }

    /// What goes wrong in the host's own code.
    private struct ApplicationError: Error, Equatable { let number: Int }

    @Test(
        "an error of the host and a worker's death at once: the error comes out once, what was queued is cancelled, later work runs"
    )
    func errorAndDeath() async throws {
        try await ScenarioJob.run(seed: 4) { job in
            async let death = job.dies { _ = try await job.steps(1_000_000, slot: 1) }
            try await job.runtime.sleep(for: .milliseconds(150))
            var surfaced: [ApplicationError] = []
            do {
                try await job.work(0) { client in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for number in 0..<16 {
                            group.addTask {
                                // Two of those that are queued fail; the first is the one that is told.
                                if number == 5 || number == 9 { throw ApplicationError(number: number) }
                                _ = try await client.push(ScenarioJob.gradients())
                            }
                        }
                        job.worker(1).kill()
                        try await group.waitForAll()
                    }
                }
            } catch let error as ApplicationError {
                surfaced.append(error)
            }
            #expect(surfaced.count == 1)
            #expect(try await death)
            // What was under way when it was cancelled has arrived by now, or never does.
            try await job.runtime.sleep(for: .milliseconds(100))
            let before = try await job.audit()
            #expect(before.discrepancies == [])
            for slot in 0..<2 { #expect(try await job.steps(3, slot: slot).isEmpty) }
            let after = try await job.audit()
            #expect(after.discrepancies == [])
            #expect(after.applied == before.applied + 24)
        }
    }

    @Test("a worker's death is told as the end of its session, by name, and never as the loss of a server")
    func errorOfDeadWorker() async throws {
        try await ScenarioJob.run(seed: 6) { job in
            async let death = job.dies { _ = try await job.steps(1_000_000, slot: 0) }
            async let other = job.steps(100, slot: 1)
            try await job.runtime.sleep(for: .milliseconds(150))
            let session = try #require(job.cluster.coordinator.fence.entry(for: 0)).session
            job.worker(0).kill()
            #expect(try await death)
            // Nobody else is told anything: no worker waits for another.
            #expect(try await other.isEmpty)
            try await job.runtime.sleep(for: .seconds(7))
            // A copy of one of its pushes that is late finds its session ended, and says which.
            let partition = try #require(job.cluster.coordinator.map.tables.first?.partitions.first).id
            let head = try #require(job.cluster.coordinator.map.tables.first?.partitions.first).head
            let record = try #require(job.cluster.coordinator.map.server(named: head))
            var request = PushRequest(slot: 0)
            request.entries.append(
                PushRequest.Entry(
                    partition: partition, increment: 1, basis: PartitionVersion(epoch: 1, applied: 0)))
            request.gradients.append(Segment(try AnyTensor.full([4], Float(1))))
            let entry = Deduplication.Entry(
                scope: partition.rawValue, sequence: 1_000_000, acknowledgedThrough: 999_999)
            let reply = try await job.cluster.mesh("/worker/0").client(record.destination).call(
                ParameterService.push, request, deduplication: Deduplication(session: session, entries: [entry]))
            guard case .refused(let code, let message) = reply.replies.first?.outcome else {
                Issue.record("a push of a dead worker's session was applied")
                return
            }
            #expect(code == .sessionExpired)
            #expect(message.contains("session \(session) of slot 0 has ended"), "\(message)")
        }
    }

    @Test("both workers killed and both started again: the training completes")
    func bothKilled() async throws {
        try await ScenarioJob.run(seed: 8) { job in
            async let first = job.dies { _ = try await job.steps(1_000_000, slot: 0) }
            async let second = job.dies { _ = try await job.steps(1_000_000, slot: 1) }
            try await job.runtime.sleep(for: .milliseconds(200))
            job.worker(0).kill()
            job.worker(1).kill()
            #expect(try await first)
            #expect(try await second)
            async let third = job.steps(20, slot: 0)
            async let fourth = job.steps(20, slot: 1)
            #expect(try await third.isEmpty)
            #expect(try await fourth.isEmpty)
            let audit = try await job.audit()
            #expect(audit.discrepancies == [] && audit.acknowledged >= 160)
        }
    }

    @Test("a worker that dies again and again: the training completes, and the server keeps the answers of one life")
    func killedRepeatedly() async throws {
        try await ScenarioJob.run(seed: 9, servers: 1) { job in
            var snapshots: [Int] = []
            for life in 1...12 {
                async let death = job.dies { _ = try await job.steps(1_000_000, slot: 0) }
                try await job.runtime.sleep(for: .milliseconds(120))
                job.worker(0).kill()
                #expect(try await death)
                // The next session's fence has the answers of this one forgotten.
                #expect(try await job.steps(1, slot: 0).isEmpty, "life \(life)")
                let accounts = try await job.cluster.reader().accounts()
                snapshots.append(accounts.reduce(0) { $0 + $1.sessions.reduce(0) { $0 + $1.applied.runs.count } })
            }
            // What stays of a life is a run of numbers in each partition, whatever it pushed: two sessions a round.
            for (round, runs) in snapshots.enumerated() { #expect(runs <= 4 * 2 * (round + 1), "round \(round)") }
            #expect(try await job.audit().discrepancies == [])
        }
    }

    @Test("what was read before a worker died is read the same after it")
    func readAfterDeath() async throws {
        try await ScenarioJob.run(seed: 11) { job in
            async let death = job.dies {
                try await job.work(0) { client in
                    for _ in 0..<7 { _ = try await client.push(ScenarioJob.gradients()) }
                    try await job.runtime.host("/worker/0").sleep(for: .seconds(100))
                }
            }
            try await job.runtime.sleep(for: .seconds(1))
            let reader = try job.cluster.reader()
            let before = try await reader.pull()
            job.worker(0).kill()
            #expect(try await death)
            let after = try await reader.pull()
            for (name, tensor) in before {
                #expect(try Example.bits(tensor) == Example.bits(after.tensor(named: name)))
                #expect(try Set(tensor.scalars(as: Float.self)) == [-7])
            }
        }
    }

    @Test("200 reads while a worker is down and starts again: none fails, and none takes as long as a round trip twice")
    func readsMeanwhile() async throws {
        try await ScenarioJob.run(seed: 12) { job in
            async let death = job.dies { _ = try await job.steps(1_000_000, slot: 0) }
            try await job.runtime.sleep(for: .milliseconds(150))
            job.worker(0).kill()
            #expect(try await death)
            async let again = job.steps(50, slot: 0)
            let reader = try job.cluster.reader()
            _ = try await reader.pull()
            var longest = Duration.zero
            for _ in 0..<200 {
                let start = job.runtime.now
                _ = try await reader.pull()
                longest = max(longest, start.duration(to: job.runtime.now))
            }
            // A map, and a pull: at most 2 ms each way.
            #expect(longest < .milliseconds(16), "\(longest)")
            #expect(try await again.isEmpty)
        }
    }

    @Test("while one worker is dead another's pulls and pushes take as long as before")
    func otherWaits() async throws {
        try await ScenarioJob.run(seed: 15) { job in
            async let death = job.dies { _ = try await job.steps(1_000_000, slot: 0) }
            let (before, after) = try await job.work(1) { client in
                func longest() async throws -> Duration {
                    var longest = Duration.zero
                    for _ in 0..<60 {
                        let start = job.runtime.now
                        _ = try await client.pull()
                        #expect(try await client.push(ScenarioJob.gradients()).failed.isEmpty)
                        longest = max(longest, start.duration(to: job.runtime.now))
                    }
                    return longest
                }
                let before = try await longest()
                job.worker(0).kill()
                return (before, try await longest())
            }
            #expect(try await death)
            #expect(before < .milliseconds(20) && after < .milliseconds(20), "\(before), \(after)")
        }
    }

    @Test("a worker's own mistake, a NaN, is told to it and to nobody else")
    func recoverableError() async throws {
        try await ScenarioJob.run(seed: 22) { job in
            async let other = job.steps(30, slot: 1)
            let codes = try await job.work(0) { client in
                var codes: [ParameterServerError.Code?] = []
                for _ in 0..<5 {
                    codes.append(
                        await parameterServerError { _ = try await client.push(ScenarioJob.gradients(.nan)) }?.code)
                }
                let report = try await client.push(ScenarioJob.gradients())
                #expect(report.failed.isEmpty)
                return codes
            }
            #expect(codes == Array(repeating: .nonFinite, count: 5))
            #expect(try await other.isEmpty)
            #expect(try await job.cluster.applied() == [31, 31, 31, 31])
        }
    }
}
