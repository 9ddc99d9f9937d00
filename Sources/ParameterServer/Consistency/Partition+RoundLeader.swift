import Coordination
import Identity
import MeshWire
import Synchronization

/// How the partition that leads rounds decides: by records, which are safe before anybody hears of them.
extension Partition {
    /// Takes a worker in, or takes down that it has arrived, and then waits until its round is closed.
    ///
    /// - Returns: what is decided, and for whom the open round waits if that is not.
    /// - Throws: ``ParameterServerError`` with `notRegistered`, `busy`, `unconfirmed`, `logFailed`,
    ///   `malformedRequest` or why the session may not push.
    func arrived(
        _ arrival: RoundArrival, peer: SPIFFEID, until deadline: RuntimeInstant, on runtime: any Runtime
    ) async throws(ParameterServerError) -> RoundState {
        let outcome = await withTurn {
            state.withLock { guarded in
                Result { () throws(ParameterServerError) in try take(arrival, peer, &guarded) }
            }
        }
        guard let outcome else { throw ParameterServerError(.busy, "partition \(name): too many workers arrive") }
        try outcome.get()
        return try await decided(
            after: arrival.hasArrived ? arrival.standing : nil, until: deadline, on: runtime)
    }

    /// What is decided, once there is more than `known` or the caller has waited long enough; at once for `nil`.
    ///
    /// - Throws: ``ParameterServerError`` with `notRegistered`, `unconfirmed` or `logFailed`.
    func decided(
        after known: UInt64?, until deadline: RuntimeInstant, on runtime: any Runtime
    ) async throws(ParameterServerError) -> RoundState {
        if let known {
            let start = runtime.now
            let patience = min(RoundService.patience, start.duration(to: deadline) * 3 / 4)
            _ = await rounds.wait(for: known + 1, until: start.advanced(by: patience), on: runtime)
        }
        let (answer, mark) = state.withLock { guarded in
            let leader = guarded.state.leader ?? RoundLeader()
            let answer = RoundState(
                decided: leader.decided, decisions: leader.decisions,
                awaited: leader.awaited(table.consistency, arrived: guarded.arrived))
            return (answer, Mark(recorded: guarded.state.position, logged: guarded.logged))
        }
        guard chain.withLock({ $0.takesPushes }) else { throw notHead }
        try await settled(mark, until: deadline, on: runtime)
        return answer
    }

    private func take(
        _ arrival: RoundArrival, _ peer: SPIFFEID, _ guarded: inout Guarded
    ) throws(ParameterServerError) {
        guard chain.withLock({ $0.takesPushes }), let leader = guarded.state.leader else { throw notHead }
        let worker = arrival.worker
        if let refusal = guarded.state.fence.refusal(of: worker.session, slot: worker.slot, peer: peer) {
            throw ParameterServerError(refusal.code, "partition \(name): \(refusal.message)")
        }
        if case .deterministic(let workers) = table.consistency, worker.slot >= workers {
            throw ParameterServerError(
                .malformedRequest,
                "\(worker) takes no part in the rounds of slots 0 to \(workers - 1): open a session in one of them")
        }
        if !leader.isMember(worker) {
            try execute(.join(worker, standing: arrival.standing), &guarded)
        }
        guard arrival.hasArrived else { return }
        let decided = guarded.state.roundLevel
        guard arrival.standing <= decided else {
            throw ParameterServerError(
                .busy, "\(worker) has arrived for round \(arrival.standing + 1), and \(decided + 1) is open: pull again"
            )
        }
        guard arrival.standing == decided else { return }
        // Of sessions that have ended since, nothing stays.
        guarded.arrived = guarded.arrived.filter { guarded.state.leader?.isMember($0) ?? false }
        guarded.arrived.insert(worker)
        decideRound(&guarded)
    }

    /// Closes the open round, if it can be.
    func decideRound(_ guarded: inout Guarded) {
        guard let leader = guarded.state.leader else { return }
        if let decision = leader.decision(table.consistency, arrived: guarded.arrived) {
            // What the log does not take now is decided when the next worker arrives, or asks again.
            guard (try? execute(.decide(decision), &guarded)) != nil else { return }
            guarded.arrived = []
        }
        rounds.reached(guarded.state.roundLevel)
    }

    private func execute(_ change: RoundLeader.Change, _ guarded: inout Guarded) throws(ParameterServerError) {
        let record = PartitionRecord(
            position: guarded.state.position + 1, epoch: guarded.state.epoch, change: .leader(change))
        try append(record, on: &guarded)
        // It computes nothing, and so cannot fail.
        _ = try? guarded.state.execute(record)
        chained { $0.execute() }
    }
}
