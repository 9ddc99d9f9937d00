import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Synchronization
import Tensor
import TestSupport
import Testing

@testable import ParameterServer

/// Checkpoints of servers that follow each other, whole servers and one partition alone.
@Suite struct ReplicatedCheckpointTests {
    @Test(
        "a running job with followers goes back: all servers hold the same bits, and what was acknowledged stands or is told as lost",
        arguments: [1, 2])
    func goesBack(replicas: Int) async throws {
        try await run(seed: 61, servers: replicas + 1, replicas: replicas) { job, checkpoints in
            async let first = job.work(slot: 0, steps: 120, pause: .milliseconds(5))
            async let second = job.work(slot: 1, steps: 120, pause: .milliseconds(5))
            try await job.runtime.sleep(for: .milliseconds(250))
            try await checkpoints.write(step: 1)
            try await job.runtime.sleep(for: .milliseconds(100))
            let report = try await checkpoints.restore()
            for outcome in try await [first, second] {
                #expect(Set(outcome.errors.map(\.code)) == [.rolledBack], "\(outcome.errors)")
                #expect(outcome.durabilities == [.replicated(replicas)])
            }
            #expect(report.lost.count == 2, "\(report.lost)")
            #expect(try await job.isSettled())
            #expect(await job.differences() == [])
            // A repeated request for the epoch begins another.
            #expect(job.entries.allSatisfy { $0.intactSince >= 2 && $0.epoch == $0.intactSince }, "\(job.entries)")
            #expect(try await checkpoints.disagreements(with: report) == [])
        }
    }

    @Test(
        "a head that dies at any moment of a restore: whoever heads then goes back, and all hold the checkpoint's bits")
    func headDies() async throws {
        for seed in 1...UInt64(rounds(10)) {
            try await run(seed: seed, servers: 3, replicas: 1) { job, checkpoints in
                async let first = job.work(slot: 0, steps: 12)
                async let second = job.work(slot: 1, steps: 12)
                _ = try await [first, second]
                try await checkpoints.write(step: 1)
                #expect(try await job.isSettled())
                let saved = try await checkpoints.substance()
                _ = try await job.work(slot: 0, steps: 8)
                let victim = try #require(job.server(atPlace: 0))
                async let restoring = checkpoints.restore()
                try await job.runtime.sleep(for: .microseconds(Int64(seed) * 1_700))
                job.kill(victim)
                let report = try await restoring
                #expect(try await job.isSettled(), "seed \(seed): \(job.entries)")
                #expect(await job.differences() == [], "seed \(seed)")
                #expect(try await checkpoints.substance() == saved, "seed \(seed)")
                #expect(try await checkpoints.disagreements(with: report) == [], "seed \(seed)")
                #expect(job.entries.allSatisfy { $0.intactSince > 1 && $0.head != "server-\(victim)" }, "seed \(seed)")
                let next = try await job.work(slot: 0, steps: 5)
                #expect(next.errors.isEmpty && next.durabilities == [.replicated(1)], "seed \(seed): \(next.errors)")
            }
        }
    }

    @Test(
        "a checkpoint that is asked for while a follower is away has what was committed, when the chain goes on without it"
    )
    func followerAway() async throws {
        try await run(seed: 63, servers: 2, replicas: 1) { job, checkpoints in
            async let working = job.work(slot: 0, steps: 80, pause: .milliseconds(50))
            try await job.runtime.sleep(for: .milliseconds(300))
            let away = try #require(job.server(atPlace: 1))
            job.host(away).pause()
            // A push waits for it by now at every partition that it follows.
            try await job.runtime.sleep(for: .milliseconds(200))
            try await checkpoints.write(step: 1)
            #expect(job.entries.allSatisfy { $0.epoch > 1 && $0.followers.isEmpty }, "\(job.entries)")
            job.host(away).resume()
            _ = try await working
            #expect(try await job.isSettled(), "\(job.entries)")
            let report = try await checkpoints.restore()
            #expect(try await job.isSettled(), "\(job.entries)")
            #expect(await job.differences() == [])
            #expect(try await checkpoints.disagreements(with: report) == [])
        }
    }

    @Test("a record that goes back is sent to the follower, which makes the same of it, and stands when that has it")
    func record() async throws {
        try await SimulatedRuntime.run(seed: 64) { runtime in
            let (partition, _) = try PartitionChainTests.head()
            var follower = try await Self.copy(of: partition)
            _ = await partition.push(try Example.push(1))
            let snapshot = await partition.snapshot().1
            _ = await partition.push(try Example.push(2))
            let (place, late) = (try PartitionChainTests.place(["a", "b"], epoch: 2), try Example.push(3))
            let (restored, mark) = try await partition.goBack(to: snapshot, for: 1) { () throws(ParameterServerError) in
                // The map tells of the epoch before the coordinator's answer does.
                partition.take(place, intactSince: 2)
                let reply = await partition.push(late).reply
                #expect(reply.outcome == .applied && reply.version.epoch == 1)
                return 2
            }
            #expect(restored.version == PartitionVersion(epoch: 2, applied: 1))
            #expect(restored.sessions.map(\.lost.count) == [2])
            #expect(mark.recorded == 4)
            let soon = runtime.now.advanced(by: .seconds(1))
            let early = await parameterServerError { try await partition.settled(mark, until: soon, on: runtime) }
            #expect(early?.code == .unconfirmed)
            for record in Self.sent(by: partition, epoch: 2) { try follower.execute(record) }
            let head = await partition.snapshot().1
            #expect(follower.snapshot.head.messageBytes() == head.head.messageBytes())
            #expect(try follower.snapshot.substance == snapshot.substance)
            // As the head, it answers a copy of the request.
            #expect(follower.wentBack?.request == 1 && follower.wentBack?.result == restored)
            partition.chained { $0.successorAcknowledged(4, epoch: 2) }
            try await partition.settled(mark, until: runtime.now, on: runtime)
        }
    }

    @Test(
        "a follower that hears of the epoch and becomes the head before the record comes has all that was acknowledged")
    func recordNeverCame() async throws {
        let (partition, _) = try PartitionChainTests.head()
        var heir = try await Self.copy(of: partition)
        let snapshot = await partition.snapshot().1
        _ = await partition.push(try Example.push(1))
        for record in Self.sent(by: partition, epoch: 1) { try heir.execute(record) }
        // The head dies in the epoch that it began; the heir begins the next.
        try heir.execute(try #require(heir.record(ofEpoch: 3, intactSince: 2)))
        #expect(heir.version == PartitionVersion(epoch: 3, applied: 1))
        guard case .refuse(let reply) = heir.decide(try Example.push(2), fault: nil) else {
            Issue.record("a gradient of the epoch before was taken")
            return
        }
        #expect(reply.standing == SequenceSet(through: 1))
        // Asked again, it goes back.
        try heir.execute(heir.record(ofRestoring: snapshot, for: 1, epoch: 4))
        #expect(heir.version == PartitionVersion(epoch: 4, applied: 0))
    }

    @Test(
        "a head that has made way before its record is made goes back to nothing, and who asked is sent to the new one")
    func deposed() async throws {
        let (partition, _) = try PartitionChainTests.head()
        let snapshot = await partition.snapshot().1
        _ = await partition.push(try Example.push(1))
        let error = await parameterServerError {
            _ = try await partition.goBack(to: snapshot, for: 1) {
                partition.leave()
                return 2
            }
        }
        #expect(error?.code == .notRegistered && error?.mayBeAnsweredElsewhere == true)
        #expect(await partition.snapshot().1.applied == 1)
    }

    @Test("a checkpoint too large for the followers is refused with the size to set, before an epoch is begun for it")
    func tooLarge() async throws {
        let (partition, driver) = try PartitionChainTests.head(limit: 200)
        let snapshot = await partition.snapshot().1
        let error = await parameterServerError {
            _ = try await partition.goBack(to: snapshot, for: 1) {
                Issue.record("an epoch was begun")
                return 2
            }
        }
        #expect(error?.code == .checkpointFailed)
        #expect(error?.message.contains("replication.uncommittedBytes") == true, "\(error?.message ?? "")")
        #expect(await partition.snapshot().1.epoch == 1)
        #expect(driver.used.load(ordering: .relaxed) == 0)
    }

    @Test("a record that fits goes back though others have taken the room, and pushes wait for it")
    func noRoom() async throws {
        let (partition, driver) = try PartitionChainTests.head(limit: 700)
        let snapshot = await partition.snapshot().1
        for sequence in 1...2 as ClosedRange<UInt64> { _ = await partition.push(try Example.push(sequence)) }
        let (restored, mark) = try await partition.goBack(to: snapshot, for: 1) { 2 }
        #expect(restored.version == PartitionVersion(epoch: 2, applied: 0))
        #expect((700...1_400).contains(driver.used.load(ordering: .relaxed)))
        let push = try Example.push(3, basis: restored.version)
        guard case .refused(.busy, _) = await partition.push(push).reply.outcome else {
            Issue.record("a push was taken beyond the limit")
            return
        }
        partition.chained { $0.successorAcknowledged(mark.recorded, epoch: 1) }
        #expect(driver.used.load(ordering: .relaxed) == 0)
        #expect(await partition.push(push).reply.outcome == .applied)
    }

    // MARK: What they build on

    private func run(
        seed: UInt64, servers: Int, replicas: Int,
        _ body: @escaping @Sendable @concurrent (ReplicatedJob, ReplicatedCheckpoints) async throws -> Void
    ) async throws {
        var configuration = ParameterServerConfiguration()
        configuration.checkpoints = CheckpointConfiguration(folder: ReplicatedCheckpoints.folder)
        try await ReplicatedJob.run(
            seed: seed, servers: servers, replicas: replicas, configuration: configuration
        ) { job in
            try await body(job, try ReplicatedCheckpoints(job, servers: servers))
        }
    }

    /// What a follower holds that has executed nothing.
    private static func copy(of partition: Partition) async throws -> PartitionState {
        let (origin, snapshot) = await partition.snapshot()
        return try PartitionState(
            snapshot, id: partition.id, name: partition.name, of: TableDeclaration(messageBytes: origin.declaration),
            epoch: snapshot.epoch, intactSince: snapshot.intactSince, limits: PushLedger.Limits())
    }

    /// The records that the follower is sent, as they come out of messages.
    private static func sent(by partition: Partition, epoch: UInt64) -> [PartitionRecord] {
        var records: [PartitionRecord] = []
        while let message = partition.nextMessage(for: "b") {
            let payload = Payload(message)
            guard let read: ChainMessage = try? Payload(head: payload.head, segments: payload.segments).decode() else {
                Issue.record("a message cannot be read")
                continue
            }
            switch read.content {
            case .begin:
                partition.chained { $0.successorStands(at: ChainStanding(position: 0, epoch: 1), epoch: epoch) }
            case .record(let record): records.append(record)
            case .piece: Issue.record("a snapshot was sent")
            }
        }
        return records
    }
}
