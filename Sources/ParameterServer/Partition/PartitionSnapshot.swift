package import Coordination
package import MeshWire
import Optimizers
package import Tensor

/// All that a partition holds after one record of its log, for whoever goes on from there: a follower that is seeded, a
/// log that is made shorter, a checkpoint. Taking one copies nothing; the partition copies what it changes while a
/// snapshot still refers to it.
package struct PartitionSnapshot: Sendable {
    package var partition: PartitionID
    package var epoch: UInt64
    package var intactSince: UInt64
    /// The position of the record.
    package var position: UInt64
    package var applied: UInt64
    package var auditCounter: Int64
    package var fence: SessionFence
    package var accounts: [(session: SessionID, account: PushLedger.Account)]
    package var stepCount: Int
    package var powers: [Double]
    package var parameters: AnyTensor
    package var slots: [AnyTensor]
    /// The rows, of a row table. They alone may be revoked: see ``pinned()``.
    package var rows: RowSnapshot?
    /// The last round that was closed, of a table that takes steps in rounds.
    package var round: UInt64?
    /// What the partition decides for others, of the table that leads rounds.
    package var leader: RoundLeader?
    /// How far each worker is that trains with bounded staleness.
    package var clocks = SlotClocks()

    /// Whether its rows were let go of.
    var isRevoked: Bool { rows?.isRevoked ?? false }

    /// The same snapshot, which nobody revokes any more: for as long as it takes to write it somewhere. One that was
    /// revoked cannot be read where it was written to, and says why.
    ///
    /// - Throws: ``ParameterServerError/Code/snapshotRevoked``.
    package func pinned() throws(ParameterServerError) -> PartitionSnapshot {
        var pinned = self
        if let rows { pinned.rows = try rows.pinned() }
        return pinned
    }
}

extension PartitionState {
    /// What the partition begins with in a log.
    var origin: PartitionOrigin {
        PartitionOrigin(
            partition: id, declaration: table.messageBytes(), index: name.index, epoch: epoch, intactSince: intactSince,
            fence: fence)
    }

    /// What the partition holds now.
    var snapshot: PartitionSnapshot {
        PartitionSnapshot(
            partition: id, epoch: epoch, intactSince: intactSince, position: position, applied: applied,
            auditCounter: auditCounter, fence: fence, accounts: ledger.sortedAccounts, stepCount: optimizer.stepCount,
            powers: optimizer.powers, parameters: parameters, slots: optimizer.slots,
            rows: rows.map { RowSnapshot(rowSnapshots.take($0)) }, round: round, leader: leader, clocks: clocks)
    }
}

extension PartitionSnapshot {
    /// The same of a partition that has another number here: the coordinator that gave it was another one.
    func renumbered(_ id: PartitionID) -> PartitionSnapshot {
        var snapshot = self
        snapshot.partition = id
        for account in snapshot.accounts.indices {
            for answer in snapshot.accounts[account].account.answers.indices {
                snapshot.accounts[account].account.answers[answer].reply.partition = id
            }
        }
        return snapshot
    }
}

extension PartitionSnapshot: MeshMessage {
    package static let messageName = "meshwork.parameters.PartitionSnapshot"

    /// The fields whose values are segments: tensors, slabs and counters.
    static let segmentFields: Set<UInt32> = [2, 4, 5]

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        var head = Head()
        var tensors: [AnyTensor] = []
        var rows: RowSnapshot.Head?
        var slabs: [Segment] = []
        var counters: [Segment] = []
        while let field = try decoder.nextField() {
            switch field {
            case 1: head = try decoder.message()
            case 2:
                let segment = try decoder.segment()
                do throws(TensorError) {
                    tensors.append(try segment.floats())
                } catch {
                    throw WireError(.malformed, error.message)
                }
            case 3: rows = try decoder.message()
            case 4: slabs.append(try decoder.segment())
            case 5: counters.append(try decoder.segment())
            default: break
            }
        }
        try self.init(head, tensors, rows: rows.map { RowSnapshot($0, slabs: slabs, counters: counters) })
    }

    /// A snapshot of its two halves.
    ///
    /// - Throws: ``/MeshWire/WireError`` without parameters.
    init(_ head: Head, _ tensors: [AnyTensor], rows: RowSnapshot? = nil) throws(WireError) {
        guard let parameters = tensors.first else { throw WireError(.malformed, "a snapshot without parameters") }
        self.init(
            partition: head.partition, epoch: head.epoch, intactSince: head.intactSince, position: head.position,
            applied: head.applied, auditCounter: head.auditCounter, fence: head.fence,
            accounts: head.accounts.map { ($0.session, $0.account) }, stepCount: head.stepCount,
            powers: head.powers.map(Double.init(bitPattern:)), parameters: parameters,
            slots: Array(tensors.dropFirst()), rows: rows, round: head.round, leader: head.leader, clocks: head.clocks)
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.message(1, head)
        let image = try? rows?.image()
        if rows != nil { encoder.message(3, RowSnapshot.Head(image)) }
        for tensor in tensors { encoder.segment(2, Segment(tensor)) }
        for slab in image?.slabs ?? [] { encoder.segment(4, slab) }
        for page in image?.counters ?? [] { encoder.segment(5, page) }
    }

    /// The parameters, then the slots.
    var tensors: [AnyTensor] { [parameters] + slots }

    /// All that is no tensor.
    var head: Head {
        var head = Head()
        head.partition = partition
        head.epoch = epoch
        head.intactSince = intactSince
        head.position = position
        head.applied = applied
        head.auditCounter = auditCounter
        head.fence = fence
        head.accounts = accounts.map { RecordedAccount(session: $0.session, account: $0.account) }
        head.stepCount = stepCount
        head.powers = powers.map(\.bitPattern)
        (head.round, head.leader) = (round, leader)
        head.clocks = clocks
        return head
    }

    /// What a snapshot says before its tensors.
    struct Head: MeshMessage {
        static let messageName = "meshwork.parameters.PartitionSnapshotHead"

        var partition = PartitionID(rawValue: 0)
        var epoch: UInt64 = 0
        var intactSince: UInt64 = 0
        var position: UInt64 = 0
        var applied: UInt64 = 0
        var auditCounter: Int64 = 0
        var fence = SessionFence()
        fileprivate var accounts: [RecordedAccount] = []
        var stepCount = 0
        /// Bit patterns, so that a restored optimizer goes on with the same bits.
        var powers: [UInt64] = []
        var round: UInt64?
        var leader: RoundLeader?
        var clocks = SlotClocks()

        init() {}

        init(from decoder: inout MessageDecoder) throws(WireError) {
            while let field = try decoder.nextField() {
                switch field {
                case 1: partition = PartitionID(rawValue: try decoder.uint64())
                case 2: epoch = try decoder.uint64()
                case 3: intactSince = try decoder.uint64()
                case 4: position = try decoder.uint64()
                case 5: applied = try decoder.uint64()
                case 6: auditCounter = try decoder.int64()
                case 7: fence = try decoder.message()
                case 8: accounts.append(try decoder.message())
                case 9: stepCount = try decoder.count()
                case 10: try decoder.packed(into: &powers)
                case 11:
                    let number = try decoder.uint64()
                    round = number == 0 ? nil : number - 1
                case 12: leader = try decoder.message()
                case 20: clocks = try decoder.message()
                default: break
                }
            }
        }

        func encode(to encoder: inout MessageEncoder) {
            encoder.uint64(1, partition.rawValue)
            encoder.uint64(2, epoch)
            encoder.uint64(3, intactSince)
            encoder.uint64(4, position)
            encoder.uint64(5, applied)
            encoder.int64(6, auditCounter)
            encoder.message(7, fence)
            for account in accounts { encoder.message(8, account) }
            encoder.uint64(9, UInt64(stepCount))
            encoder.packed(10, powers)
            if let round { encoder.uint64(11, round + 1) }
            if let leader { encoder.message(12, leader) }
            if !clocks.isEmpty { encoder.message(20, clocks) }
        }
    }
}

/// A session's part of the ledger inside a snapshot.
private struct RecordedAccount: MeshMessage {
    static let messageName = "meshwork.parameters.RecordedAccount"

    var session: SessionID
    var account: PushLedger.Account

    init(session: SessionID, account: PushLedger.Account) {
        self.session = session
        self.account = account
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(session: SessionID(high: 0, low: 0), account: PushLedger.Account())
        while let field = try decoder.nextField() {
            switch field {
            case 1: session = try decoder.message(SessionReference.self).session
            case 2: account.acknowledgedThrough = try decoder.uint64()
            case 3: account.applied = try decoder.message()
            case 4: account.rejected = try decoder.message()
            case 5: account.ownVersions = try decoder.message()
            case 7: account.skipped = try decoder.message()
            case 6: account.answers.append(try decoder.message(RecordedAnswer.self).answer)
            default: break
            }
        }
        let sequences = [account.acknowledgedThrough] + account.answers.map(\.sequence)
        guard zip(sequences, sequences.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw WireError(.malformed, "answers \(sequences) do not ascend")
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.message(1, SessionReference(session))
        encoder.uint64(2, account.acknowledgedThrough)
        encoder.message(3, account.applied)
        encoder.message(4, account.rejected)
        encoder.message(5, account.ownVersions)
        if !account.skipped.isEmpty { encoder.message(7, account.skipped) }
        for answer in account.answers { encoder.message(6, RecordedAnswer(answer: answer)) }
    }
}

/// An answer that a session may still ask for, inside a snapshot.
private struct RecordedAnswer: MeshMessage {
    static let messageName = "meshwork.parameters.RecordedAnswer"

    var answer: PushLedger.Account.Answer

    init(answer: PushLedger.Account.Answer) { self.answer = answer }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        var sequence: UInt64 = 0
        var reply: PushReply?
        while let field = try decoder.nextField() {
            switch field {
            case 1: sequence = try decoder.uint64()
            case 2: reply = try decoder.message()
            default: break
            }
        }
        guard let reply else { throw WireError(.malformed, "answer \(sequence) has no reply") }
        answer = PushLedger.Account.Answer(sequence: sequence, reply: reply)
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, answer.sequence)
        encoder.message(2, answer.reply)
    }
}
