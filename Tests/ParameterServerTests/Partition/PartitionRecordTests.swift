import Coordination
import MeshWire
import MeshworkTesting
import NIOCore
import Optimizers
import Tensor
import Testing

@testable import ParameterServer

@Suite struct PartitionRecordTests {
    private static let name = PartitionName(table: "weight", index: 0)

    private static func state(of table: TableDeclaration, epoch: UInt64 = 1) throws -> PartitionState {
        try PartitionState(
            id: PartitionID(rawValue: 1), name: name, of: table, epoch: epoch, intactSince: 1,
            parameters: table.initialValues(ofPartition: 0), fence: SessionFence(),
            limits: PushLedger.Limits())
    }

    private static func table(_ rule: UpdateRule) throws -> TableDeclaration {
        try TableDeclaration(
            name: "weight", shape: [19], initializer: .uniform(low: -1, high: 1), key: RandomKey(seed: 3),
            updateRule: rule, schedule: .cosine(steps: 200).warmingUp(steps: 10))
    }

    /// Has a session begin.
    private static func install(_ session: UInt64, on state: inout PartitionState) throws {
        if let record = state.record(of: Example.fence(Example.session(session))) { try state.execute(record) }
    }

    /// What a head does with a push.
    private static func receive(
        _ state: inout PartitionState, _ push: PartitionPush, fault: PushFault?
    ) -> PushReply {
        switch state.decide(push, fault: fault) {
        case .refuse(let reply), .answered(let reply): return reply
        case .hold: preconditionFailure("a table without rounds has a push wait for one")
        case .call: preconditionFailure("a gradient is no call")
        case .record(let record):
            guard let reply = try? state.execute(record).first else { preconditionFailure("not executed") }
            return reply
        }
    }

    /// All that a partition holds, as bytes.
    private static func bytes(_ state: PartitionState) -> [[UInt8]] {
        let payload = Payload(state.snapshot)
        return [Array(payload.head.readableBytesView)]
            + payload.segments.map { unsafe $0.segment.withUnsafeBytes { unsafe Array($0) } }
    }

    /// Pushes as a network brings them: copies, holes, refusals, poisoned ones, sessions that make way for others.
    /// Returns the records that the head made of them.
    private static func run(_ head: inout PartitionState, seed: UInt64, pushes: Int) throws -> [PartitionRecord] {
        var generator = SplitMix64(seed: seed)
        var records: [PartitionRecord] = []
        var newest: UInt64 = 0
        for _ in 0..<pushes {
            if newest == 0 || Int.random(in: 0..<60, using: &generator) == 0 {
                newest += 1
                let fence = Example.fence(Example.session(newest))
                let record = PartitionRecord(position: head.position + 1, epoch: head.epoch, change: .fence(fence))
                _ = try head.execute(record)
                records.append(record)
            }
            let sequence = UInt64.random(in: 1...40, using: &generator)
            let value = Int.random(in: 0..<30, using: &generator) == 0 ? Float.nan : 1
            var push = try Example.push(
                sequence,
                of: Example.session(UInt64.random(in: newest - min(newest - 1, 1)...newest, using: &generator)),
                gradient: (0..<19).map { _ in Float.random(in: -1...1, using: &generator) * value },
                acknowledgedThrough: UInt64.random(in: 0..<sequence, using: &generator),
                basis: PartitionVersion(
                    epoch: head.epoch, applied: UInt64.random(in: 0...head.version.applied, using: &generator)))
            push.increment = Int64.random(in: 0...2, using: &generator)
            let fault = value.isNaN ? PushFault(code: .nonFinite, message: "element 0 is not finite") : nil
            guard case .record(let record) = head.decide(push, fault: fault) else { continue }
            _ = try head.execute(record)
            records.append(record)
        }
        return records
    }

    @Test(
        "whoever executes the records that a head made holds the same bits, from the start or from a snapshot",
        arguments: [
            UpdateRule.sgd(learningRate: 0.1), .adam(), .sgd(learningRate: 0.1, momentum: 0.9), .ftrl(l1: 0.1),
        ],
        1...5 as ClosedRange<UInt64>)
    func reexecution(rule: UpdateRule, seed: UInt64) throws {
        let table = try Self.table(rule)
        var head = try Self.state(of: table)
        let records = try Self.run(&head, seed: seed, pushes: 300)
        #expect(records.count > 20 && head.version.applied > 10, "seed \(seed)")
        var follower = try Self.state(of: table)
        let cut = records.count / 3
        var seeded: PartitionState?
        for (index, record) in records.enumerated() {
            if index == cut {
                let snapshot: PartitionSnapshot = try Payload(follower.snapshot).decode()
                seeded = try PartitionState(
                    snapshot, id: follower.id, name: Self.name, of: table, epoch: 1, intactSince: 1,
                    limits: PushLedger.Limits())
            }
            // As it comes over the wire or from a disk.
            let received: PartitionRecord = try Payload(record).decode()
            _ = try follower.execute(received)
            _ = try seeded?.execute(received)
        }
        #expect(Self.bytes(follower) == Self.bytes(head), "seed \(seed)")
        #expect(Self.bytes(try #require(seeded)) == Self.bytes(head), "seed \(seed)")
        #expect(follower.account.counter == head.account.counter)
    }

    @Test("a push that an earlier head applied is answered by the next one, in a later epoch, as it was")
    func replayAcrossEpochs() throws {
        let table = try Self.table(.sgd(learningRate: 1))
        var head = try Self.state(of: table)
        try Self.install(1, on: &head)
        let push = try Example.push(1, gradient: Array(repeating: 1, count: 19))
        let first = Self.receive(&head, push, fault: nil)
        var next = try PartitionState(
            head.snapshot, id: head.id, name: Self.name, of: table, epoch: 2, intactSince: 1,
            limits: PushLedger.Limits())
        var replayed = Self.receive(&next, push, fault: nil)
        #expect(replayed.isReplay)
        replayed.isReplay = false
        #expect(replayed == first)
        // A push that was under way when the head changed is of the earlier epoch, and is applied.
        let second = Self.receive(&next, try Example.push(2, gradient: Array(repeating: 1, count: 19)), fault: nil)
        #expect(second.outcome == .applied)
        #expect(second.version == PartitionVersion(epoch: 2, applied: 2))
    }

    @Test("after a loss, gradients of before it are refused, and the refusal says what stands")
    func rolledBack() throws {
        let table = try Self.table(.sgd(learningRate: 1))
        var head = try Self.state(of: table)
        try Self.install(1, on: &head)
        let gradient = Array(repeating: Float(1), count: 19)
        for sequence in 1...3 as ClosedRange<UInt64> {
            _ = Self.receive(&head, try Example.push(sequence, gradient: gradient), fault: nil)
        }
        var next = try PartitionState(
            head.snapshot, id: head.id, name: Self.name, of: table, epoch: 2, intactSince: 2,
            limits: PushLedger.Limits())
        let kept = Self.receive(&next, try Example.push(3, gradient: gradient), fault: nil)
        #expect(kept.isReplay && kept.outcome == .applied)
        guard
            case .refused(.rolledBack, let message) = Self.receive(
                &next,
                try Example.push(4, gradient: gradient), fault: nil
            ).outcome
        else {
            Issue.record("not refused")
            return
        }
        #expect(message.contains("of this session's pushes 1–3"))
        let ahead = Self.receive(
            &next,
            try Example.push(4, gradient: gradient, basis: PartitionVersion(epoch: 3, applied: 0)), fault: nil)
        guard case .refused(.rolledBack, _) = ahead.outcome else {
            Issue.record("a gradient of an epoch to come was taken")
            return
        }
    }

    @Test("the learning rate is that of the head's schedule, and travels with the record")
    func recordedRate() throws {
        let table = try Self.table(.sgd(learningRate: 1))
        var head = try Self.state(of: table)
        try Self.install(1, on: &head)
        var rates: [Float] = []
        for sequence in 1...3 as ClosedRange<UInt64> {
            let push = try Example.push(sequence, gradient: Array(repeating: 1, count: 19))
            guard case .record(let record) = head.decide(push, fault: nil),
                case .apply(_, gradient: _, let rate) = record.change
            else { continue }
            rates.append(rate)
            _ = try head.execute(record)
        }
        #expect(rates == [0.1, 0.2, 0.3])
    }

    @Test("a snapshot of another partition, table or rule is refused, and says what it is of")
    func foreignSnapshots() throws {
        let table = try Self.table(.adam())
        let snapshot = try Self.state(of: table).snapshot
        let others: [(PartitionID, TableDeclaration)] = [
            (PartitionID(rawValue: 2), table), (PartitionID(rawValue: 1), try Self.table(.sgd(learningRate: 1))),
            (PartitionID(rawValue: 1), try Example.table(shape: [18], rule: .adam())),
        ]
        for (id, table) in others {
            do throws(ParameterServerError) {
                _ = try PartitionState(
                    snapshot, id: id, name: Self.name, of: table, epoch: 1, intactSince: 1, limits: PushLedger.Limits())
                Issue.record("taken")
            } catch {
                #expect(error.code == .snapshotInvalid)
            }
        }
    }
}
