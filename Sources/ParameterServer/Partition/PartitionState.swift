import Coordination
import Identity
import MeshWire
import Optimizers
import Tensor

/// What one mutex of a partition guards: everything that a push changes, changed in one piece.
///
/// It is a state machine that executes the records of the partition's log. On the head a push is first decided upon,
/// which makes the record, and everywhere the record is executed.
struct PartitionState: Sendable {
    /// What becomes of a push that arrives.
    enum Decision {
        /// It is refused, and nothing is remembered of it.
        case refuse(PushReply)
        /// A record that was executed answered it so.
        case answered(PushReply)
        /// This record answers it.
        case record(PartitionRecord)
        /// This record answers it, and this is what its function has made of the partition.
        case call(PartitionRecord, FunctionOutcome)
        /// It waits for its round.
        case hold
    }

    let id: PartitionID
    let name: PartitionName
    let table: TableDeclaration
    /// The functions that the server's host has registered.
    let functions: ServerFunctions
    /// Rises with the map whenever another process, or another life of one, heads the partition.
    private(set) var epoch: UInt64
    /// The first epoch from which on nothing that was acknowledged has been lost.
    private(set) var intactSince: UInt64
    /// The elements; of a row table none.
    private(set) var parameters: AnyTensor
    /// What the update rule remembers of the elements, and the steps that were taken.
    private(set) var optimizer: OptimizerState
    /// The rows that exist, of a row table.
    private(set) var rows: RowTable?
    /// The snapshots of the rows that are held.
    let rowSnapshots = RowSnapshots()
    private(set) var ledger: PushLedger
    private(set) var fence: SessionFence
    /// How far each worker is that trains with bounded staleness.
    private(set) var clocks = SlotClocks()
    private(set) var applied: UInt64 = 0
    /// Raised by what pushes carry, outside the optimizer: see ``PushAudit``.
    private(set) var auditCounter: Int64 = 0
    /// The last round that was closed, of a table that takes steps in rounds; `nil` where it has begun or gone back
    /// since, and takes up the leader's.
    private(set) var round: UInt64?
    /// What the partition decides for others, of the table that leads rounds.
    private(set) var leader: RoundLeader?
    /// The position of the last record that was executed.
    private(set) var position: UInt64 = 0
    /// What became of it when it went back last, for a copy of the request. A snapshot is without it.
    private(set) var wentBack: (request: UInt64, result: RestoredPartition)?

    init(
        id: PartitionID, name: PartitionName, of table: TableDeclaration, epoch: UInt64, intactSince: UInt64,
        parameters: AnyTensor, fence: SessionFence, limits: PushLedger.Limits,
        functions: ServerFunctions = ServerFunctions()
    ) throws(TensorError) {
        self.id = id
        self.name = name
        self.table = table
        self.functions = functions
        self.epoch = epoch
        self.intactSince = intactSince
        self.parameters = parameters
        self.fence = fence
        optimizer = try table.updateRule.makeState(parameters.shape)
        rows = table.rows.map { RowTable($0, of: table, partition: name.index) }
        ledger = PushLedger(limits: limits)
        leader = table.leadsRounds ? RoundLeader() : nil
    }

    /// The partition of `table` that a snapshot was taken of, in an epoch that goes on from it.
    ///
    /// - Throws: ``ParameterServerError/Code/snapshotInvalid`` for one of another partition or of another shape.
    init(
        _ snapshot: PartitionSnapshot, id: PartitionID, name: PartitionName, of table: TableDeclaration, epoch: UInt64,
        intactSince: UInt64, limits: PushLedger.Limits, functions: ServerFunctions = ServerFunctions()
    ) throws(ParameterServerError) {
        func invalid(_ reason: String) -> ParameterServerError {
            ParameterServerError(.snapshotInvalid, "partition \(name): \(reason)")
        }
        guard snapshot.partition == id else { throw invalid("the snapshot is of partition \(snapshot.partition)") }
        let count = table.elements(ofPartition: name.index).count
        let rule = table.updateRule
        guard ([snapshot.parameters] + snapshot.slots).allSatisfy({ $0.elementCount == count }),
            snapshot.slots.count == rule.slotNames.count, snapshot.powers.count == rule.decayCount
        else {
            throw invalid(
                "the snapshot has \(snapshot.parameters.elementCount) elements, \(snapshot.slots.count) slots and \(snapshot.powers.count) powers, \(rule.kind) of \(count) elements has \(rule.slotNames.count) and \(rule.decayCount)"
            )
        }
        self.id = id
        self.name = name
        self.table = table
        self.functions = functions
        self.epoch = epoch
        self.intactSince = intactSince
        parameters = snapshot.parameters
        optimizer = OptimizerState(slots: snapshot.slots, powers: snapshot.powers, stepCount: snapshot.stepCount)
        switch (table.rows, snapshot.rows) {
        case (nil, nil): rows = nil
        case (let settings?, let snapshot?):
            rows = try RowTable(try snapshot.image(), settings, of: table, partition: name.index)
        default: throw invalid("the snapshot is of a \(table.rows == nil ? "row" : "dense") table")
        }
        ledger = PushLedger(
            limits: limits, accounts: Dictionary(snapshot.accounts.map { ($0, $1) }) { first, _ in first })
        fence = snapshot.fence
        clocks = snapshot.clocks
        applied = snapshot.applied
        auditCounter = snapshot.auditCounter
        round = snapshot.round
        leader = table.leadsRounds ? snapshot.leader ?? RoundLeader() : nil
        position = snapshot.position
    }

    var version: PartitionVersion { PartitionVersion(epoch: epoch, applied: applied) }

    var account: PartitionAccount {
        PartitionAccount(
            partition: id, name: name, version: version, counter: auditCounter, sessions: ledger.sessions,
            duplicatesSuppressed: ledger.duplicatesSuppressed)
    }

    /// The record that takes a newer fence, after which no push of a session that it shuts out is applied any more;
    /// `nil` if it says nothing new.
    func record(of newer: SessionFence) -> PartitionRecord? {
        var merged = fence
        merged.merge(newer)
        return merged == fence ? nil : PartitionRecord(position: position + 1, epoch: epoch, change: .fence(newer))
    }

    /// The record that begins an epoch; `nil` if it has begun.
    func record(ofEpoch epoch: UInt64, intactSince: UInt64) -> PartitionRecord? {
        guard epoch != self.epoch || intactSince != self.intactSince else { return nil }
        return PartitionRecord(position: position + 1, epoch: epoch, change: .epoch(intactSince: intactSince))
    }

    /// The record that goes back to a snapshot, which is one of this partition, in an epoch of its own.
    func record(
        ofRestoring snapshot: PartitionSnapshot, for request: UInt64, epoch: UInt64
    ) -> PartitionRecord {
        precondition(epoch > self.epoch, "\(name) goes back in epoch \(epoch), and is in \(self.epoch)")
        return PartitionRecord(position: position + 1, epoch: epoch, change: .restore(snapshot, request: request))
    }

    /// Decides about a push, and changes nothing that the log makes.
    ///
    /// - Parameter fault: what was found wrong with its gradient before; such a push is rejected, and the ledger keeps
    ///   that.
    mutating func decide(_ push: PartitionPush, fault: PushFault?) -> Decision {
        if let refusal = fence.refusal(of: push.session, slot: push.slot, peer: push.peer), isFenceInForce {
            return .refuse(refused(refusal.code, refusal.message))
        }
        #if DEBUG
            if ledger.limits.mutation == .appliesCopies { ledger.forget(push.sequence, of: push.session) }
        #endif
        switch ledger.receivedPush(
            push.session, sequence: push.sequence, acknowledgedThrough: push.acknowledgedThrough)
        {
        case .replay(let reply): return .answered(reply)
        case .reject(let code, let message): return .refuse(refused(code, message))
        case .apply: break
        }
        // After the ledger: what an earlier head has applied is answered as it was.
        guard (intactSince...epoch).contains(push.basis.epoch) else {
            let standing = ledger.applied(of: push.session)
            var reply = refused(
                .rolledBack,
                "the gradient is of epoch \(push.basis.epoch), the partition is at \(version) and has kept what was applied since epoch \(intactSince): of this session's pushes \(standing); pull again"
            )
            reply.standing = standing
            return .refuse(reply)
        }
        // No memory to decode it, say: it is not held against the push, which may come again.
        if let fault, fault.code == .applyFailed { return .refuse(refused(.busy, fault.message)) }
        if let call = push.call { return decide(call, of: push, fault: fault) }
        if table.consistency.hasRounds { return decideInRound(push, fault: fault) }
        let recorded = push.recorded
        let change: PartitionRecord.Change
        let rate = table.learningRate(
            step: optimizer.stepCount,
            staleness: ledger.staleness(of: push.session, basis: push.basis.applied, applied: applied))
        if let fault = fault ?? push.keys.flatMap({ rows?.lackOfRoom(for: $0) }) {
            return .record(record(of: push, fault))
        }
        if let encoded = push.encoded {
            change = .applyEncoded([recorded], encoded, learningRate: rate)
        } else if let keys = push.keys {
            change = .applyRows([recorded], RowGradient(keys: keys, values: push.gradient), learningRate: rate)
        } else {
            change = .apply([recorded], gradient: push.gradient, learningRate: rate)
        }
        return .record(PartitionRecord(position: position + 1, epoch: epoch, change: change))
    }

    /// The record of a push that is answered and changes nothing, by what is wrong with it.
    func record(of push: PartitionPush, _ fault: PushFault) -> PartitionRecord {
        let message = "partition \(name): \(fault.message)"
        return PartitionRecord(
            position: position + 1, epoch: epoch,
            change: table.skips(fault)
                ? .skip(push.recorded, message) : .reject(push.recorded, fault.code, message))
    }

    /// Executes the log's next record, and gives the replies to its pushes.
    ///
    /// - Parameter outcome: what the record's function has made of the partition as it is; default: it runs now.
    /// - Throws: what the update rule or the function throws; then nothing has changed.
    @discardableResult
    mutating func execute(
        _ record: PartitionRecord, prepared outcome: FunctionOutcome? = nil
    ) throws(TensorError) -> [PushReply] {
        precondition(
            record.position == position + 1, "record \(record.position) of \(name) follows \(position)")
        var replies: [PushReply] = []
        switch record.change {
        case .apply(let pushes, let gradient, let learningRate):
            try apply(gradient, learningRate: learningRate)
            for push in pushes { replies.append(finish(push)) }
        case .applyEncoded(let pushes, let encoded, let learningRate):
            let values = try values(of: encoded)
            if let keys = encoded.keys {
                try apply(RowGradient(keys: keys, values: values), learningRate: learningRate)
            } else {
                try apply(values, learningRate: learningRate)
            }
            for push in pushes { replies.append(finish(push)) }
        case .applyRows(let pushes, let gradient, let learningRate):
            try apply(gradient, learningRate: learningRate)
            for push in pushes { replies.append(finish(push)) }
        case .call(let push, let call):
            do throws(ParameterServerError) {
                if let outcome { take(outcome) } else if let outcome = try prepared(record) { take(outcome) }
            } catch {
                throw TensorError(.valueOutOfRange, error.message, cause: error)
            }
            replies.append(finish(push, answer: call.answer))
        case .round(let step): replies = try close(step)
        case .leader(let change): leader?.execute(change)
        case .reject(let push, let code, let message):
            replies.append(
                remember(push, PushReply(partition: id, outcome: .refused(code, message), version: version)))
        case .skip(let push, let message):
            replies.append(remember(push, PushReply(partition: id, outcome: .skipped(message), version: version)))
        case .tick(let session, let tick):
            clocks.take(tick, of: session, fence)
        case .fence(let newer):
            for entry in fence.merge(newer) { ledger.forgetAnswers(of: entry.session) }
            leader?.leaveOut(fence)
        case .epoch(let intactSince):
            epoch = record.epoch
            self.intactSince = intactSince
        case .restore(let snapshot, let request):
            let before = account
            try goBack(to: snapshot, epoch: record.epoch)
            wentBack = (request, RestoredPartition(from: before, to: account, fence: fence))
        }
        position = record.position
        return replies
    }

    private mutating func apply(_ gradient: AnyTensor, learningRate: Float) throws(TensorError) {
        try table.updateRule.apply(
            to: &parameters, gradient: gradient, state: &optimizer, learningRate: learningRate)
    }

    /// - Throws: for a gradient that the head would not have recorded. Then nothing has changed.
    private mutating func apply(_ gradient: RowGradient, learningRate: Float) throws(TensorError) {
        let clock = applied
        let width = table.shape.elementCount
        guard rows != nil, gradient.rowCount > 0, gradient.values.dtype == .float32,
            gradient.values.elementCount == gradient.rowCount * width
        else {
            throw TensorError(
                .shapeMismatch,
                "\(gradient.values.elementCount) elements of \(gradient.rowCount) rows for partition \(name)")
        }
        gradient.keys.withKeys { keys in
            gradient.values.withBytes { values in
                // Safe: the gradient has `width` floats for each key, and one key or more, by the lines above.
                unsafe rows!.apply(
                    keys, values.baseAddress!.assumingMemoryBound(to: Float.self), learningRate: learningRate,
                    clock: clock)
            }
        }
        optimizer.stepCount += 1
        rowSnapshots.changed(copiedBytes: rows!.copiedBytes)
    }

    /// Takes what a function has made of the partition.
    private mutating func take(_ outcome: FunctionOutcome) {
        guard let keys = outcome.keys else {
            (parameters, optimizer.slots) = (outcome.parameters, outcome.slots)
            return
        }
        rows?.overwrite(keys, with: outcome.parameters)
        rowSnapshots.changed(copiedBytes: rows?.copiedBytes ?? 0)
    }

    /// The elements, or the rows of `keys`, which were checked; with one axis.
    func values(of keys: AnyTensor?) throws(TensorError) -> AnyTensor {
        guard let keys, let rows else { return parameters }
        return try table.values(of: keys, in: rows, clock: applied)
    }

    private mutating func goBack(to snapshot: PartitionSnapshot, epoch: UInt64) throws(TensorError) {
        let earlier: PartitionState
        do throws(ParameterServerError) {
            earlier = try PartitionState(
                snapshot, id: id, name: name, of: table, epoch: epoch, intactSince: epoch, limits: ledger.limits,
                functions: functions)
        } catch {
            throw TensorError(.shapeMismatch, error.message, cause: error)
        }
        self.epoch = epoch
        intactSince = epoch
        (parameters, optimizer) = (earlier.parameters, earlier.optimizer)
        clocks = earlier.clocks
        if let made = earlier.rows {
            rowSnapshots.replaced(byteCount: rows?.byteCount ?? 0, copiedBytes: made.copiedBytes)
            rows = made
        }
        (applied, auditCounter) = (earlier.applied, earlier.auditCounter)
        ledger.goBack(to: snapshot.accounts)
        round = nil
        let living = Set(fence.entries.lazy.filter { !$0.hasEnded }.map(\.session))
        for account in snapshot.accounts where !living.contains(account.session) {
            ledger.forgetAnswers(of: account.session)
        }
    }

    /// Closes a round. Every push of it is of the version before, so that none is stale to another.
    private mutating func close(_ step: RoundStep) throws(TensorError) -> [PushReply] {
        if let gradient = step.gradient {
            try table.updateRule.apply(
                to: &parameters, gradient: gradient, state: &optimizer, learningRate: step.learningRate)
        }
        let before = applied
        applied += UInt64(step.pushes.count)
        round = step.number
        var replies: [PushReply] = []
        for push in step.pushes {
            auditCounter &+= push.increment
            let staleness = ledger.staleness(of: push.session, basis: push.basis.applied, applied: before)
            replies.append(PushReply(partition: id, outcome: .applied, version: version, staleness: staleness))
        }
        for _ in step.late { replies.append(lateReply) }
        return zip(step.pushes + step.late, replies).map { remember($0, $1) }
    }

    private mutating func finish(_ push: PartitionRecord.Push, answer: [UInt8]? = nil) -> PushReply {
        let staleness = ledger.staleness(of: push.session, basis: push.basis.applied, applied: applied)
        applied += 1
        auditCounter &+= push.increment
        var reply = PushReply(partition: id, outcome: .applied, version: version, staleness: staleness)
        reply.answer = answer
        return remember(push, reply)
    }

    /// Takes down what became of a push, and how far its worker is; gives the reply with that.
    private mutating func remember(_ push: PartitionRecord.Push, _ reply: PushReply) -> PushReply {
        var reply = reply
        if let tick = push.tick { reply.clock = clocks.take(tick, of: push.session, fence) }
        #if DEBUG
            if ledger.limits.mutation == .appliesCopies { ledger.forget(push.sequence, of: push.session) }
        #endif
        ledger.finishedPush(
            push.session, sequence: push.sequence, acknowledgedThrough: push.acknowledgedThrough,
            basis: push.basis.applied, with: reply)
        return reply
    }

    /// Whether the fence counts: always, but for a negative control.
    private var isFenceInForce: Bool {
        #if DEBUG
            ledger.limits.mutation != .takesFencedSessions
        #else
            true
        #endif
    }

    func refused(_ code: ParameterServerError.Code, _ message: String) -> PushReply {
        PushReply(partition: id, outcome: .refused(code, "partition \(name): \(message)"), version: version)
    }
}

/// What is wrong with a gradient.
struct PushFault: Sendable, Hashable {
    var code: ParameterServerError.Code
    var message: String
}

extension SessionFence {
    /// Why `session` may not push, or `nil` if it may.
    func refusal(of session: SessionID, slot: Int, peer: SPIFFEID) -> PushFault? {
        switch decision(for: session, slot: slot, peer: peer) {
        case .current:
            return nil
        case .fenced(let newer):
            return PushFault(
                code: .sessionFenced, message: "session \(session) of slot \(slot) made way for \(newer)")
        case .expired:
            return PushFault(code: .sessionExpired, message: "session \(session) of slot \(slot) has ended")
        case .notOwner(let owner):
            return PushFault(
                code: .notOwner, message: "session \(session) of slot \(slot) belongs to \(owner), not to \(peer)")
        case .unknown:
            return PushFault(code: .sessionUnknown, message: "slot \(slot) has had no session \(session)")
        }
    }
}
