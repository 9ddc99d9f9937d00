import Coordination
import Identity
import MeshWire
import Synchronization
import Tensor

/// How a partition at its head takes steps in rounds: pushes wait, the leader decides, one record closes the round, and
/// whoever waits for an answer finds it in the ledger.
extension Partition {
    /// Has a push that was decided about wait for its round, or takes down that it will not come.
    func take(_ push: PartitionPush, _ answer: Answer, into guarded: inout Guarded) -> Answer {
        guard push.round > guarded.state.round ?? 0 else { return answer }
        switch answer.reply.outcome {
        case .refused(.held, _):
            // What came is not needed any more once it is decoded.
            var decoded = push
            decoded.encoded = nil
            let isNew = !guarded.round.holds(push.sequence, of: push.worker)
            switch guarded.round.receive(decoded, limit: roundBytes) {
            case .held: if isNew { guarded.gathering = (guarded.gathering?.since ?? meter.now, push.slot) }
            case .overtaken:
                return Answer(
                    reply: guarded.state.refused(
                        .acknowledged, "push \(push.sequence) has made way for a later one of its session"))
            case .full(let bytes):
                return Answer(
                    reply: guarded.state.refused(
                        .busy,
                        "the gradients of round \(push.round) have \(bytes) bytes, \(roundBytes) may wait: set roundBytes for all workers' gradients of a partition, or cut the table into more"
                    ))
            }
        case .skipped, .refused(.nonFinite, _), .refused(.shapeMismatch, _), .refused(.dtypeMismatch, _),
            .refused(.malformedRequest, _), .refused(.rolledBack, _):
            guarded.round.refuse(push.worker, for: push.round)
        default: return answer
        }
        advanceRounds(&guarded)
        return answer
    }

    /// Takes what the leader has decided.
    func take(_ decisions: [RoundDecision], decided: UInt64) async {
        await turns.takeWithoutLimit()
        defer { turns.pass() }
        state.withLock { guarded in
            guarded.round.take(decisions, decided: decided)
            advanceRounds(&guarded)
        }
    }

    /// Closes the rounds that can be closed, or decides about them where rounds are led. What the log or the chain does
    /// not take now is tried again by whoever asks for an answer.
    func advanceRounds(_ guarded: inout Guarded) {
        guard table.consistency.hasRounds, chain.withLock({ $0.takesPushes }) else { return }
        if table.leadsRounds { return decideRound(&guarded) }
        while case .close(let number, let pushes, let late) = guarded.round.step(
            after: guarded.state.round, guarded.state.fence, needsAll: table.consistency.needsAll)
        {
            guard close(number, pushes, late, &guarded) else { break }
        }
        gate.reached(guarded.state.version)
        rounds.reached(guarded.state.roundLevel)
    }

    private func close(
        _ number: UInt64, _ pushes: [PartitionPush], _ late: [PartitionPush], _ guarded: inout Guarded
    ) -> Bool {
        do throws(TensorError) {
            let record = try guarded.state.record(ofRound: number, pushes, late: late)
            let bytes = record.memoryBytes
            let waits = chain.withLock { $0.waitsForSuccessor }
            if waits, let driver {
                guard driver.reserve(bytes) else { return false }
            }
            defer { if waits { driver?.release(bytes) } }
            guard (try? append(record, on: &guarded)) != nil else { return false }
            do throws(TensorError) {
                let start = meter.now
                let replies = try guarded.state.execute(record)
                meter.applied(start.duration(to: meter.now))
                chained { $0.execute() }
                tellClocks(guarded.state)
                for reply in replies { meter.count(reply) }
            } catch {
                log?.fail(ParameterServerError(.applyFailed, error.message))
                chained { $0.withdraw() }
                return false
            }
        } catch {
            // No memory for the mean: as above, it is tried again.
            return false
        }
        guarded.round.begin(after: number)
        if let gathered = guarded.gathering, !pushes.isEmpty {
            meter.closed(after: gathered.since.duration(to: meter.now), last: gathered.last)
        }
        guarded.gathering = nil
        return true
    }

    // MARK: Answers

    /// The answer to a push that waits for a round, once that is closed and safe.
    ///
    /// At the deadline it is refused with `roundStalled`, which names whose gradients are missing here; with `notHeld`
    /// if nothing of the push is here.
    func collect(
        _ sequence: UInt64, of worker: RoundDecision.Worker, peer: SPIFFEID, round: UInt64,
        until deadline: RuntimeInstant, on runtime: any Runtime
    ) async -> PushReply {
        var answer = await found(sequence, of: worker, peer)
        if answer.reply.outcome.code == .roundStalled {
            let start = runtime.now
            let patience = min(RoundService.patience, start.duration(to: deadline) * 3 / 4)
            if await rounds.wait(for: round, until: start.advanced(by: patience), on: runtime) {
                answer = await found(sequence, of: worker, peer)
            }
        }
        return await settled(answer, until: deadline, on: runtime)
    }

    private func found(_ sequence: UInt64, of worker: RoundDecision.Worker, _ peer: SPIFFEID) async -> Answer {
        let answer = await withTurn {
            state.withLock { guarded in
                let (takesPushes, waits) = chain.withLock { ($0.takesPushes, $0.waitsForSuccessor) }
                guard takesPushes else { return Answer(reply: guarded.state.refused(notHead.code, notHead.message)) }
                advanceRounds(&guarded)
                return found(sequence, of: worker, peer, waits, guarded)
            }
        }
        return answer ?? Answer(reply: PushReply(refusing: id, .busy, "partition \(name): too many pushes wait"))
    }

    private func found(
        _ sequence: UInt64, of worker: RoundDecision.Worker, _ peer: SPIFFEID, _ waits: Bool, _ guarded: Guarded
    ) -> Answer {
        let state = guarded.state
        if let refusal = state.fence.refusal(of: worker.session, slot: worker.slot, peer: peer) {
            return Answer(reply: state.refused(refusal.code, refusal.message))
        }
        if let reply = state.ledger.answer(to: sequence, of: worker.session) { return answer(reply, guarded, waits) }
        guard guarded.round.holds(sequence, of: worker) else {
            return Answer(reply: state.refused(.notHeld, "push \(sequence) of \(worker) is not here"))
        }
        var missing: [RoundDecision.Worker] = []
        if case .wait(let senders) = guarded.round.step(
            after: state.round, state.fence, needsAll: table.consistency.needsAll)
        {
            missing = senders
        }
        let why =
            missing.isEmpty
            ? "waits for the round leader's decision"
            : "waits for the gradient of \(missing.map(\.description).joined(separator: ", "))"
        return Answer(reply: state.refused(.roundStalled, "round \((state.round ?? 0) + 1) \(why)"))
    }

    /// Waits until a round is closed; false if `deadline` comes before, or another server is its head.
    func reaches(round: UInt64, before deadline: RuntimeInstant, on runtime: any Runtime) async -> Bool {
        await rounds.wait(for: round, until: deadline, on: runtime)
    }
}

extension PushReply.Outcome {
    /// Why the push was refused; `nil` if it was not.
    var code: ParameterServerError.Code? {
        if case .refused(let code, _) = self { code } else { nil }
    }
}
