package import Coordination
package import MeshWire
import NIOCore
import Synchronization
package import Tensor

/// One partition of a table: a range of its elements, or its share of the rows, with their optimizer state, the ledger
/// of the pushes that made them what they are, the audit counter, and the server's place in the chain of those who hold
/// the same.
///
/// Guarded by one mutex, with one queue before it: pushes are applied one at a time, in the order in which they took
/// their turn. A loop never waits for the mutex. ``pushIfFree(_:)`` and ``pullIfFree(_:)`` are for loops and give up at
/// once if somebody else is at it; ``push(_:)`` and ``pull(_:)`` take a turn, and whoever has it waits for readers at
/// most, who hold the mutex for a few instructions, or while they copy the rows that they ask for. A second mutex,
/// taken inside the first or alone and for a few instructions, has the chain's state: records are sent on while they
/// are executed here.
package final class Partition: Sendable {
    package let id: PartitionID
    package let name: PartitionName
    /// What it is a part of.
    let table: TableDeclaration
    /// What the mutex guards.
    struct Guarded {
        var state: PartitionState
        /// What to wait for in the log, to know that all that was executed is safe.
        var logged: UInt64 = 0
        /// True while the partition is about to go back, in an epoch that the map may tell of before it is begun here.
        var isGoingBack = false
        /// The epoch that was to begin meanwhile.
        var heldEpoch: (epoch: UInt64, intactSince: UInt64)?
        /// What a head has for the open round.
        var round = PartitionRound()
        /// When the open round's first gradient came, and whose the last one is so far.
        var gathering: (since: RuntimeInstant, last: Int)?
        /// Who has arrived for the open round, at the head that leads rounds.
        var arrived: Set<RoundDecision.Worker> = []
    }

    /// A reply, and what to wait for before it is given.
    package struct Answer: Sendable {
        package var reply: PushReply
        /// A position of the server's log.
        package var logged: UInt64?
        /// The record that every member of the chain must have.
        package var recorded: UInt64?

        /// Whether it may be given at once.
        var isSettled: Bool { logged == nil && recorded == nil }
    }

    /// What to wait for until all that the partition had executed is safe.
    struct Mark: Sendable {
        /// The record that every member of the chain must have.
        var recorded: UInt64
        /// A position of the server's log.
        var logged: UInt64
    }

    let state: Mutex<Guarded>
    let turns: TurnQueue
    let log: ServerLog?
    let chain: Mutex<ChainMember>
    let driver: (any ChainDriver)?
    /// Records that a predecessor sent and that are not executed yet.
    let arrivals = ArrivalQueue()
    /// The pieces of a snapshot for a joining server that are about to be sent, by their numbers.
    let pieces = Mutex<[Int: ByteBuffer]>([:])
    let gate: LevelGate<PartitionVersion>
    let commits: LevelGate<UInt64>
    /// Where calls wait for rounds.
    let rounds: LevelGate<UInt64>
    /// The most bytes of gradients that wait for the open round.
    let roundBytes: Int
    let clockGate: ClockGate
    let meter: TableMeter

    /// A partition that goes on from a state, in the server's place of its chain, and whose records go to a log if
    /// there is one. A head takes pushes after ``open()``.
    init(
        _ first: PartitionState, in place: ChainPlace?, configuration: ParameterServerConfiguration, meter: ApplyMeter,
        log: ServerLog?, driver: (any ChainDriver)?
    ) {
        id = first.id
        name = first.name
        table = first.table
        first.rowSnapshots.limit(configuration.rowSnapshots)
        state = Mutex(Guarded(state: first))
        turns = TurnQueue(limit: configuration.queuedPushes)
        var member = ChainMember(
            standingAt: first.position, epoch: first.epoch, isLogged: log != nil,
            limits: ChainMember.Limits(joiningBytes: configuration.replication.joiningBytes))
        if let place { member.take(place) }
        chain = Mutex(member)
        gate = LevelGate(first.version, limit: configuration.queuedPushes)
        commits = LevelGate(first.position, limit: configuration.queuedPushes)
        rounds = LevelGate(first.roundLevel, limit: configuration.ledgerSessions)
        roundBytes = configuration.roundBytes
        clockGate = ClockGate(limit: configuration.queuedPushes)
        self.meter = meter.table(first.name.table, takesRounds: table.takesRounds)
        self.log = log
        self.driver = driver
        tellClocks(first)
    }

    // MARK: Pushes

    /// Answers a push, if that can be done without waiting; ``settled(_:until:on:)`` waits for the log and the chain.
    package func pushIfFree(_ push: PartitionPush) -> Answer? {
        guard turns.tryTake() else { return nil }
        defer { turns.pass() }
        let (push, fault) = checked(push)
        return state.withLockIfAvailable { apply(push, fault, to: &$0) }.map(finished)
    }

    /// Answers a push when its turn comes. Computes; not for loops.
    ///
    /// A push that has been taken is finished even if its caller has gone: its copy will ask for the answer.
    /// - Parameter deadline: when the caller has gone: a push whose turn comes later is refused as `busy`.
    package func push(_ push: PartitionPush, until deadline: RuntimeInstant? = nil) async -> Answer {
        // Looked at before the turn, so that looking at one push and applying another overlap.
        let (push, fault) = checked(push)
        let answer = await withTurn { () -> Answer? in
            if let deadline, meter.now >= deadline { return nil }
            return state.withLock { apply(push, fault, to: &$0) }
        }
        guard let answer = answer ?? nil else {
            return Answer(
                reply: PushReply(refusing: id, .busy, "partition \(name): too many pushes wait, or for too long"))
        }
        return finished(answer)
    }

    /// The reply, once the chain has the push's record and the log is as safe as it shall be: it names what it
    /// survives. A push that is not safe at the deadline is answered so, and its copy may ask again; so is one whose
    /// partition has another head meanwhile.
    package func settled(
        _ answer: Answer, until deadline: RuntimeInstant, on runtime: any Runtime
    ) async -> PushReply {
        var reply = answer.reply
        #if DEBUG
            let mutation = state.withLock { $0.state.ledger.limits.mutation }
            if let log, mutation == .answersBeforeLog {
                reply.durability = log.durability
                return reply
            }
            if mutation == .answersBeforeFollowers { return reply }
        #endif
        do throws(ParameterServerError) {
            if let position = answer.recorded {
                let start = runtime.now
                try await committed(position, until: deadline, on: runtime)
                driver?.waited(start.duration(to: runtime.now))
            }
            if let log, let position = answer.logged {
                try await log.settled(through: position, until: deadline)
                reply.durability = log.durability
            }
            let followers = chain.withLock { $0.place?.followers ?? 0 }
            if answer.recorded != nil, followers > 0 { reply.durability = .replicated(followers) }
        } catch {
            reply.outcome = .refused(error.code, "partition \(name): \(error.message)")
        }
        return reply
    }

    /// Waits until every member of the chain has what was executed until now.
    ///
    /// - Throws: ``ParameterServerError`` with `unconfirmed` at the deadline, `notRegistered` where another server
    ///   heads the partition.
    func committed(until deadline: RuntimeInstant, on runtime: any Runtime) async throws(ParameterServerError) {
        let position = state.withLock { guarded in
            chain.withLock { $0.waitsForSuccessor } ? guarded.state.position : nil
        }
        guard let position else { return }
        try await committed(position, until: deadline, on: runtime)
    }

    /// Waits until what was executed is at every server of the chain, and in the log as safe as it shall be.
    ///
    /// - Throws: ``ParameterServerError`` with `unconfirmed` at the deadline, `notRegistered` if another server is
    ///   the head meanwhile, and `logFailed`.
    func settled(
        _ mark: Mark, until deadline: RuntimeInstant, on runtime: any Runtime
    ) async throws(ParameterServerError) {
        try await committed(mark.recorded, until: deadline, on: runtime)
        try await log?.settled(through: mark.logged, until: deadline)
    }

    private func committed(
        _ position: UInt64, until deadline: RuntimeInstant, on runtime: any Runtime
    ) async throws(ParameterServerError) {
        guard await commits.wait(for: position, until: deadline, on: runtime) else { throw uncommitted }
    }

    private var uncommitted: ParameterServerError {
        isHead
            ? ParameterServerError(
                .unconfirmed,
                "executed, and not yet at every server of its chain: too slow, or too many wait; the same request may come again"
            ) : notHead
    }

    var notHead: ParameterServerError {
        ParameterServerError(
            .notRegistered, "this server does not head it in the newest epoch, or does not know that yet; ask its head")
    }

    private func apply(_ push: PartitionPush, _ fault: PushFault?, to guarded: inout Guarded) -> Answer {
        meter.timed {
            let answer = decideAndExecute(push, fault, on: &guarded)
            return table.takesRounds ? take(push, answer, into: &guarded) : answer
        }
    }

    private func decideAndExecute(_ push: PartitionPush, _ fault: PushFault?, on guarded: inout Guarded) -> Answer {
        let (takesPushes, waits) = chain.withLock { ($0.takesPushes, $0.waitsForSuccessor) }
        // A gradient of a later epoch is of a map that this server has not heard of yet.
        guard takesPushes, push.basis.epoch <= guarded.state.epoch else {
            return Answer(reply: guarded.state.refused(notHead.code, notHead.message))
        }
        switch guarded.state.decide(push, fault: fault) {
        case .refuse(let reply):
            return Answer(reply: reply)
        case .answered(let reply):
            return answer(reply, guarded, waits)
        case .hold:
            return Answer(reply: guarded.state.refused(.held, "waits for round \(push.round)"))
        case .record(let record):
            return execute(record, of: push, waits, on: &guarded)
        case .call(let record, let outcome):
            return execute(record, prepared: outcome, of: push, waits, on: &guarded)
        }
    }

    private func execute(
        _ record: PartitionRecord, prepared outcome: FunctionOutcome? = nil, of push: PartitionPush, _ waits: Bool,
        on guarded: inout Guarded
    ) -> Answer {
        let bytes = record.memoryBytes
        // Known only now: the function's answer is in the record.
        if outcome != nil, let fault = log?.fault(ofRecordBytes: bytes) {
            return Answer(reply: guarded.state.refused(fault.code, fault.message))
        }
        if waits, let driver {
            guard driver.reserve(bytes) else {
                return Answer(
                    reply: guarded.state.refused(
                        .busy, "too many bytes wait for the followers of this server's partitions")
                )
            }
        }
        defer { if waits { driver?.release(bytes) } }
        let mustWait: Bool
        do throws(ParameterServerError) {
            // Before it is executed: what the log does not take has not been done.
            mustWait = try append(record.asReceived, on: &guarded)
        } catch {
            return Answer(reply: guarded.state.refused(error.code, error.message))
        }
        do throws(TensorError) {
            let reply = try guarded.state.execute(record, prepared: outcome)[0]
            chained { $0.execute() }
            if push.tick != nil { tellClocks(guarded.state) }
            return answer(reply, guarded, mustWait)
        } catch {
            // Not the push's own doing (no memory, say): it is not held against it, and may come again.
            log?.fail(ParameterServerError(.applyFailed, error.message))
            chained { $0.withdraw() }
            return Answer(reply: guarded.state.refused(.applyFailed, error.message))
        }
    }

    func answer(_ reply: PushReply, _ guarded: Guarded, _ waits: Bool) -> Answer {
        Answer(
            reply: reply, logged: log == nil ? nil : guarded.logged, recorded: waits ? guarded.state.position : nil)
    }

    /// Gives a record to the log and to the chain.
    ///
    /// - Returns: whether its push has to wait for the chain: as it is now, since a server that joins may just have
    ///   begun to count.
    @discardableResult
    func append(
        _ record: PartitionRecord, on guarded: inout Guarded, ifFull: ServerLog.IfFull = .refuse
    ) throws(ParameterServerError) -> Bool {
        if let log { guarded.logged = try log.append(.record, of: id, record, ifFull: ifFull) }
        return chained {
            $0.append(record, at: meter.now)
            return $0.waitsForSuccessor
        }
    }

    /// Executes a record that nothing may stop; where the log does not take it, though it has room, the log has failed.
    ///
    /// - Returns: false if the record is to wait for room in the log: then nothing has been done.
    @discardableResult
    func executeAlways(
        _ record: PartitionRecord, on guarded: inout Guarded, ifFull: ServerLog.IfFull = .take
    ) -> Bool {
        do throws(ParameterServerError) {
            try append(record, on: &guarded, ifFull: ifFull)
        } catch {
            if ifFull == .wait, error.code == .busy { return false }
            log?.fail(error)
            chained { $0.append(record, at: meter.now) }
        }
        // It computes nothing, and so cannot fail.
        _ = try? guarded.state.execute(record)
        chained { $0.execute() }
        tellClocks(guarded.state)
        return true
    }

    private func finished(_ answer: Answer) -> Answer {
        if answer.reply.outcome == .applied, !answer.reply.isReplay { gate.reached(answer.reply.version) }
        return answer
    }

    /// What is wrong with a gradient, before anything is touched.
    func fault(in push: PartitionPush) -> PushFault? {
        if let log, let fault = log.fault(ofGradientBytes: push.byteCount) { return fault }
        if push.call != nil { return table.fault(ofKeys: push.keys, partition: name.index, areSorted: true) }
        return table.fault(in: push.gradient, keys: push.keys, partition: name.index)
    }

    // MARK: Reading

    /// The parameters and their version, or those of the rows of `keys`, which have no fault; `nil` if somebody is at
    /// them, another server heads the partition, or there is no memory for the rows. Parameters are not copied: the
    /// next push copies, if this value is still alive then.
    package func pullIfFree(_ keys: AnyTensor? = nil) -> (AnyTensor, PartitionVersion, round: UInt64?)? {
        guard isHead else { return nil }
        return state.withLockIfAvailable { pulled($0.state, keys) } ?? nil
    }

    /// The parameters and their version, or those of the rows of `keys`, which have no fault, when the turn comes;
    /// `nil` if too many wait or there is no memory for the rows.
    package func pull(_ keys: AnyTensor? = nil) async -> (AnyTensor, PartitionVersion, round: UInt64?)? {
        await withTurn { state.withLock { pulled($0.state, keys) } } ?? nil
    }

    private func pulled(_ state: PartitionState, _ keys: AnyTensor?) -> (AnyTensor, PartitionVersion, round: UInt64?)? {
        (try? state.values(of: keys)).map { ($0, state.version, state.round) }
    }

    /// Waits until the partition has reached a version; false if `deadline` comes before, or another server is its
    /// head.
    package func reaches(
        _ minimum: PartitionVersion, before deadline: RuntimeInstant, on runtime: any Runtime
    ) async -> Bool {
        await gate.wait(for: minimum, until: deadline, on: runtime)
    }

    /// What the partition begins with in a log, and all that it holds.
    func snapshot() async -> (PartitionOrigin, PartitionSnapshot) {
        await turns.takeWithoutLimit()
        defer { turns.pass() }
        return state.withLock { ($0.state.origin, $0.state.snapshot) }
    }

    /// What the partition says of its pushes; `nil` if too many wait.
    package func account() async -> PartitionAccount? {
        await withTurn { state.withLock { $0.state.account } }
    }

    func withTurn<Result>(_ body: () -> Result) async -> Result? {
        guard await turns.take() else { return nil }
        defer { turns.pass() }
        return body()
    }

    // MARK: Fences and epochs

    /// Puts a newer fence in force and returns what `session` has applied. After this returns, nothing of a session
    /// that the fence shuts out is applied.
    ///
    /// Waits for its turn however many pushes wait: a partition that is too busy to apply more must still learn who may
    /// push. Fences come one a session that begins or ends. It waits for room in the log, too, before all that may be
    /// refused, and is taken without where that lasts.
    package func install(_ fence: SessionFence, reportOn session: SessionID?) async -> SequenceSet {
        if let applied = await install(fence, reportOn: session, ifFull: .wait) { return applied }
        let applied = await log?.whenThereIsRoom {
            driver?.makeRoom()
        } _: {
            await install(fence, reportOn: session, ifFull: .wait)
        }
        if let applied { return applied }
        return await install(fence, reportOn: session, ifFull: .take) ?? SequenceSet()
    }

    private func install(
        _ fence: SessionFence, reportOn session: SessionID?, ifFull: ServerLog.IfFull
    ) async -> SequenceSet? {
        await turns.takeWithoutLimit()
        defer { turns.pass() }
        return state.withLock { guarded in
            if let record = guarded.state.record(of: fence), !executeAlways(record, on: &guarded, ifFull: ifFull) {
                return nil
            }
            advanceRounds(&guarded)
            return session.map { guarded.state.ledger.applied(of: $0) } ?? SequenceSet()
        }
    }

    /// Begins the epoch in which the map has this server as the partition's head.
    func begin(epoch: UInt64, intactSince: UInt64) {
        let version = state.withLock { guarded in
            begin(epoch: epoch, intactSince: intactSince, on: &guarded)
            return guarded.state.version
        }
        gate.reached(version)
    }

    func begin(epoch: UInt64, intactSince: UInt64, on guarded: inout Guarded) {
        guard !guarded.isGoingBack else {
            guarded.heldEpoch = (epoch, intactSince)
            return
        }
        guard let record = guarded.state.record(ofEpoch: epoch, intactSince: intactSince) else { return }
        executeAlways(record, on: &guarded)
    }

    // MARK: The chain

    /// Whether this server heads the partition, as far as it knows.
    var isHead: Bool { chain.withLock { $0.isHead } }

    /// Takes the server's place in a newer map; a head begins its epoch by a record.
    func take(_ place: ChainPlace, intactSince: UInt64) {
        let (version, round) = state.withLock { guarded in
            chained { $0.take(place) }
            if place.role == .head { begin(epoch: place.epoch, intactSince: intactSince, on: &guarded) }
            return (guarded.state.version, guarded.state.roundLevel)
        }
        gate.reached(version)
        rounds.reached(round)
    }

    /// Has a head take pushes: it knows of every session that may not.
    func open() { chained { $0.open() } }

    /// Has a head take no pushes, or take them again. When this returns, what it takes is in ``committed(until:on:)``.
    func pause(_ isPaused: Bool) { chained { $0.pause(isPaused) } }

    /// Has the server hold the partition no more: whoever waits here is told to ask the head.
    func leave() {
        chained { $0.leave() }
        gate.close()
        rounds.close()
        commits.close()
        clockGate.close()
    }

    /// Changes the chain's state, and says what has come of it.
    @discardableResult
    func chained<Result>(_ body: (inout ChainMember) -> Result) -> Result {
        let (result, committed, news) = chain.withLock { member in
            let (records, bytes, uncommitted) = (member.window.count, member.window.bytes, member.uncommittedBytes)
            let result = body(&member)
            let news = ChainNews(
                partition: id, successor: member.hasNext ? member.place?.successor : nil,
                replyStream: member.replyStream, hasWish: member.wish != nil,
                waitsForLog: member.waitsForLog,
                records: member.window.count - records, bytes: member.window.bytes - bytes,
                uncommittedBytes: member.uncommittedBytes - uncommitted)
            return (result, member.committed, news)
        }
        commits.reached(committed)
        driver?.take(news)
        return result
    }
}
