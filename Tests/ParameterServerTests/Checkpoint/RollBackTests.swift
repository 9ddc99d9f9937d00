import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Synchronization
import Tensor
import Testing

@testable import ParameterServer

/// A running job that goes back to a checkpoint.
@Suite struct RollBackTests {
    @Test(
        "a running job of two workers goes back, and the report and each worker learn what stands",
        arguments: [false, true])
    func twoWorkers(keepsLog: Bool) async throws {
        try await SimulatedRuntime.run(seed: 31) { runtime in
            let job = try await CheckpointJob(runtime, servers: 2, keepsLog: keepsLog)
            let workers = [try await job.worker(0), try await job.worker(1)]
            try await workers[0].train(1...4)
            try await workers[1].train(1...3)
            try await job.checkpoints.write(step: 7)
            let then = try CheckpointJob.bits(try await workers[0].pull())
            try await workers[0].train(5...6)
            try await workers[1].train(4...8)

            let report = try await job.checkpoints.restore()
            // Two and five steps of four partitions.
            #expect(report.lost == [workers[0].session.id: 8, workers[1].session.id: 20])
            for partition in report.partitions {
                #expect(partition.version == PartitionVersion(epoch: 2, applied: 7))
                #expect(partition.sessions.map(\.slot) == [0, 1])
                #expect(partition.sessions.map(\.stands.prefix) == [4, 3])
                #expect(partition.sessions.map(\.lost.count) == [2, 5])
            }
            for (worker, stands) in zip(workers, ["1–4", "1–3"]) {
                let refused = try await worker.push(CheckpointJob.gradients(9))
                #expect(refused.acknowledged.isEmpty)
                #expect(Set(refused.failed.map(\.error.code)) == [.rolledBack])
                #expect(
                    refused.failed.allSatisfy { $0.error.message.contains("of this session's pushes \(stands)") },
                    "\(refused.failed[0].error)")
            }
            #expect(try CheckpointJob.bits(try await workers[1].pull()) == then)
            _ = try await workers[0].pull()
            for worker in workers { try await worker.train(10...12) }
            let accounts = try await job.cluster.reader().accounts()
            for account in accounts {
                #expect(account.version == PartitionVersion(epoch: 2, applied: 13))
                #expect(account.counter == 13 && account.appliedInLedger == 13)
            }
        }
    }

    @Test(
        "workers that push all the while lose what they are told, and every partition's figures agree",
        arguments: 1...6 as ClosedRange<UInt64>)
    func whileWorkersPush(seed: UInt64) async throws {
        try await SimulatedRuntime.run(seed: seed) { runtime in
            let job = try await CheckpointJob(runtime, servers: 2)
            let workers = [try await job.worker(0), try await job.worker(1)]
            let told = AcknowledgedPushes()
            let report = try await withThrowingTaskGroup(of: RollBackReport?.self) { group in
                for worker in workers {
                    group.addTask {
                        for step in 1...60 {
                            let report = try await worker.push(CheckpointJob.gradients(step % 5))
                            told.add(report)
                            if !report.failed.isEmpty { _ = try await worker.pull() }
                            try await runtime.sleep(for: .milliseconds(5))
                        }
                        return nil
                    }
                }
                group.addTask {
                    try await runtime.sleep(for: .milliseconds(60))
                    try await job.checkpoints.write(step: 1)
                    try await runtime.sleep(for: .milliseconds(40))
                    return try await job.checkpoints.restore()
                }
                var report: RollBackReport?
                while let next = try await group.next() { report = next ?? report }
                return report
            }
            let rollBack = try #require(report)
            let accounts = try await job.cluster.reader().accounts()
            for account in accounts {
                #expect(account.counter == Int64(account.version.applied), "seed \(seed)")
                #expect(account.appliedInLedger == account.version.applied, "seed \(seed)")
                let restored = try #require(rollBack.partitions.first { $0.partition == account.partition })
                for session in account.sessions {
                    // What was acknowledged is in the ledger, or the report says that it is lost.
                    let lost = restored.sessions.first { $0.session == session.session }?.lost ?? SequenceSet()
                    let missing = told.acknowledged(session.session, account.partition).subtracting(session.applied)
                    #expect(missing.subtracting(lost).isEmpty, "seed \(seed): \(account.name)")
                }
            }
            #expect(rollBack.lost.values.reduce(0, +) > 0, "seed \(seed)")
            #expect(told.rolledBack > 0, "seed \(seed)")
        }
    }

    @Test("only the life that heads a partition begins an epoch in which nothing has to stand")
    func headAlone() throws {
        var configuration = CoordinatorConfiguration()
        configuration.serversBeforePlacement = 1
        var state = CoordinatorState(configuration, firstOrdinal: 1)
        let server = ServerRecord(name: "a", host: "h", port: 1, identity: Example.worker, life: 7)
        try state.registerServer(server)
        try state.declare([CheckpointJob.tables()[1].request])
        let id = state.map.tables[0].partitions[0].id
        for (name, life) in [("a", 8), ("b", 7)] as [(String, UInt64)] {
            do throws(CoordinationError) {
                _ = try state.rollBack(id, headedBy: name, life: life)
                Issue.record("\(name) of life \(life) has rolled back")
            } catch {
                #expect(error.code == .notOwner)
            }
        }
        let epoch = try state.rollBack(id, headedBy: "a", life: 7)
        #expect(epoch == 2)
        #expect(state.map.tables[0].partitions[0].epoch == 2)
        #expect(state.map.tables[0].partitions[0].intactSince == 2)
    }

    @Test(
        "a record that goes back makes the same of any copy, the fence stays, and answers say that a checkpoint has them"
    )
    func record() throws {
        let table = try Example.table(rule: .adam())
        var head = try PartitionState(
            id: PartitionID(rawValue: 1), name: PartitionName(table: table.name, index: 0), of: table, epoch: 1,
            intactSince: 1, parameters: table.initialValues(ofPartition: 0), fence: Example.fence(Example.session(1)),
            limits: PushLedger.Limits())
        var copy = head
        func push(_ sequence: UInt64, of session: UInt64) throws {
            guard
                case .record(let record) = head.decide(
                    try Example.push(sequence, of: Example.session(session)), fault: nil)
            else {
                Issue.record("push \(sequence) was refused")
                return
            }
            try execute(record)
        }
        func execute(_ record: PartitionRecord) throws {
            // As it travels and lies in a log.
            let written = Payload(record)
            try head.execute(record)
            try copy.execute(try Payload(head: written.head, segments: written.segments).decode())
        }
        for sequence in 1...3 as ClosedRange<UInt64> { try push(sequence, of: 1) }
        let snapshot = head.snapshot
        let newer = Example.fence(Example.session(2))
        try execute(try #require(head.record(of: newer)))
        for sequence in 1...4 as ClosedRange<UInt64> { try push(sequence, of: 2) }
        try execute(head.record(ofRestoring: snapshot, for: 1, epoch: 5))
        #expect(head.version == PartitionVersion(epoch: 5, applied: 3))
        #expect(head.intactSince == 5 && head.position == 9)
        #expect(head.fence.entry(for: 0)?.session == Example.session(2))
        #expect(try head.snapshot.substance == snapshot.substance)
        #expect(try copy.snapshot.substance == head.snapshot.substance)
        #expect(copy.snapshot.head.messageBytes() == head.snapshot.head.messageBytes())
        // The session that made way has no answers to ask for; the living one's pushes do not stand.
        #expect(head.snapshot.accounts.map(\.account.answers.count) == [0])
        guard
            case .refuse(let reply) = head.decide(
                try Example.push(5, of: Example.session(2), acknowledgedThrough: 4), fault: nil)
        else {
            Issue.record("a gradient of before was taken")
            return
        }
        #expect(reply.standing == SequenceSet())
    }

    @Test(
        "an epoch that the map tells of while its partition goes back begins with what it goes back to, or afterwards")
    func heldEpoch() async throws {
        let partition = try Example.partition(Example.table())
        _ = await partition.reply(to: try Example.push(1))
        let snapshot = await partition.snapshot().1
        _ = await partition.reply(to: try Example.push(2))
        let (restored, _) = try await partition.goBack(to: snapshot, for: 1) {
            partition.begin(epoch: 2, intactSince: 2)
            return 2
        }
        #expect(restored.version == PartitionVersion(epoch: 2, applied: 1))
        #expect(restored.sessions.map(\.lost) == [SequenceSet(through: 2).subtracting(SequenceSet(through: 1))])
        // The coordinator could not be asked, and yet an epoch has begun: as the map says, with what the partition has.
        let error = await parameterServerError {
            _ = try await partition.goBack(to: snapshot, for: 1) { () throws(ParameterServerError) in
                partition.begin(epoch: 3, intactSince: 1)
                throw ParameterServerError(.coordination, "away")
            }
        }
        #expect(error?.code == .coordination)
        #expect(await partition.account()?.version == PartitionVersion(epoch: 3, applied: 1))
        let late = await parameterServerError { _ = try await partition.goBack(to: snapshot, for: 1) { 3 } }
        #expect(late?.code == .checkpointFailed)
    }

    @Test("a checkpoint too large for a record of the log is refused by name, and nothing changes")
    func tooLarge() async throws {
        try await SimulatedRuntime.run(seed: 33) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 0)
            var configuration = CheckpointJob.server(0, keepsLog: true)
            configuration.log?.waitingBytes = 1 << 20
            _ = try await cluster.startServer(0, configuration: configuration)
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            try await client.declare([try Example.table("large", shape: [60_000], rule: .adam())])
            _ = try await client.pull()
            let gradients = try NamedTensors([("large", .full([60_000], Float(1)))])
            #expect(try await client.push(gradients).failed.isEmpty)
            let checkpoints = try ParameterCheckpoints(
                cluster.coordination(cluster.mesh("/operator")), job: "job", folder: CheckpointJob.folder)
            try await checkpoints.write(step: 1)
            let error = await parameterServerError { _ = try await checkpoints.restore() }
            #expect(error?.code == .checkpointFailed)
            #expect(error?.message.contains("log.waitingBytes") == true, "\(error?.message ?? "")")
            #expect(try await cluster.applied() == [1])
        }
    }
}

/// What workers are told of their pushes, guarded by a mutex.
private final class AcknowledgedPushes: Sendable {
    private struct Key: Hashable {
        var session: SessionID
        var partition: PartitionID
    }

    private let state = Mutex((acknowledged: [Key: SequenceSet](), rolledBack: 0))

    var rolledBack: Int { state.withLock { $0.rolledBack } }

    func acknowledged(_ session: SessionID, _ partition: PartitionID) -> SequenceSet {
        state.withLock { $0.acknowledged[Key(session: session, partition: partition)] ?? SequenceSet() }
    }

    func add(_ report: PushReport) {
        state.withLock { state in
            for entry in report.acknowledged {
                let key = Key(session: entry.push.session, partition: entry.push.partition)
                state.acknowledged[key, default: SequenceSet()].insert(entry.push.sequence)
            }
            state.rolledBack += report.failed.count { $0.error.code == .rolledBack }
        }
    }
}
