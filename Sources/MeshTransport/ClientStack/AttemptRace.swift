import MeshWire
import NIOCore
import Telemetry

/// An attempt and the one that hedges it: begins the second when the first has taken long, gives the call the first
/// success, and withdraws the other.
///
/// A failure of one waits for the other, unless another attempt would end the same way. Confined to the client's event
/// loop.
final class AttemptRace: DeadlineBound {
    /// When the second begins.
    let deadline: RuntimeInstant
    var position = -1
    private let stack: ClientStack
    private let first: Attempt
    private var second: Attempt?
    private var secondStart: RuntimeInstant
    /// The second's place among the attempts under way, where their number is limited.
    private var permit: AdmissionPermit?
    /// Whether a server may have run the second, which has ended.
    private var secondMayHaveRun = false
    /// How the first has failed, while the second may do better.
    private var heldBack: AttemptOutcome?

    /// Has a second attempt begin `delay` from now, if `first` has not ended by then.
    static func begin(_ stack: ClientStack, _ first: Attempt, after delay: Duration, now: RuntimeInstant) {
        let race = AttemptRace(stack, first, after: delay, now: now)
        first.onEnd = { race.firstEnded($0) }
        stack.pool.deadlines.add(race, now)
    }

    private init(_ stack: ClientStack, _ first: Attempt, after delay: Duration, now: RuntimeInstant) {
        self.stack = stack
        self.first = first
        secondStart = now
        deadline = now.advanced(by: delay)
    }

    func deadlinePassed() {
        guard first.isOpen, let placement = first.placement else { return }
        let (pool, now) = (stack.pool, stack.runtime.now)
        var tried = Balancer.Tried()
        tried.note(placement.slot)
        guard first.deadline > now, pool.hasOther(than: placement.slot) else { return }
        // Beside an attempt that waits for its place nobody is hedged.
        if pool.admission.isLimiting {
            permit = pool.admission.takeFree(now: now)
            if permit == nil { return }
        }
        let other = pool.place(affinity: stack.request.affinity, avoiding: tried, isTimed: true, now: now)
        guard let other else { return isNotMade(at: now) }
        let lane = other.endpoint.lanes.small
        // The budget is asked last: what it gives is spent.
        guard other.slot != placement.slot, let connection = lane.ready, pool.retryBudget.withdraw(now: now) else {
            isNotMade(at: now)
            return other.ended(.unknown)
        }
        let attempt = Attempt(
            first.request, number: first.number, deadline: first.deadline, boundTo: nil, trace: stack.attemptTrace,
            faults: nil)
        attempt.hedge(at: other)
        (second, secondStart) = (attempt, now)
        attempt.onEnd = { [self] outcome in secondEnded(outcome) }
        pool.deadlines.add(attempt, now)
        stack.series.hedges.increment(on: pool.shard.here)
        stack.series.attempts.began(on: pool.shard.here)
        do throws(MeshError) {
            guard try connection.send(attempt, now: now) else {
                return attempt.finish(.failed(stack.noConnection, .notRun))
            }
        } catch {
            attempt.finish(.failed(error, .final))
        }
    }

    /// The second gives its place back.
    private func leaves(tellsTime: Bool) {
        permit.take()?.ended(first.request, tellsTime: tellsTime, at: stack.runtime.now)
    }

    /// The client is closed, or its loop ends: the first attempt is told by itself.
    func stopped(_ error: MeshError) {}

    /// The second gives its place back, and nothing is learnt of it.
    private func isNotMade(at now: RuntimeInstant) {
        permit?.unused(at: now)
        permit = nil
    }

    /// What the call's attempt ends with, now that the first has; `nil` while the second may do better.
    private func firstEnded(_ outcome: AttemptOutcome) -> AttemptOutcome? {
        stack.pool.deadlines.remove(self)
        guard let second, second.isOpen else { return outcome.knowing(ofAnother: secondMayHaveRun) }
        if outcome.mayBeBettered {
            heldBack = outcome
            return nil
        }
        self.second = nil
        secondMayHaveRun = true
        second.withdraw()
        leaves(tellsTime: false)
        let error = MeshError(.cancelled, "the first attempt was faster", progress: .mayHaveRun)
        stack.measured(second, .failed(error, .final), since: secondStart, to: stack.runtime.now)
        return outcome.knowing(ofAnother: true)
    }

    private func secondEnded(_ outcome: AttemptOutcome) -> AttemptOutcome? {
        guard let second else { return outcome }
        self.second = nil
        secondMayHaveRun = outcome.mayHaveRun
        permit.take()?.ended(first.request, outcome, at: stack.runtime.now)
        stack.measured(second, outcome, since: secondStart, to: stack.runtime.now)
        if case .replied(let answer) = outcome, answer.head.status == .ok {
            stack.series.hedgesWon.increment(on: stack.pool.shard.here)
            first.isOutrun(by: outcome, at: second.placement, since: secondStart)
        } else if let heldBack {
            first.endsWith(heldBack.knowing(ofAnother: secondMayHaveRun))
        }
        return outcome
    }
}

extension AttemptOutcome {
    /// Whether a server may have run the attempt.
    fileprivate var mayHaveRun: Bool {
        switch self {
        case .replied(let answer): !answer.head.hasNotRun
        case .failed(let error, let failure): failure != .notRun && error.progress != .notSent
        }
    }

    /// The same, where another attempt of the call, which did no better, may have been run.
    fileprivate func knowing(ofAnother mayHaveRun: Bool) -> AttemptOutcome {
        guard mayHaveRun else { return self }
        switch self {
        case .replied(let answer):
            guard answer.head.status != .ok, answer.head.hasNotRun else { return self }
            return .failed(MeshError(answer.head, progress: .mayHaveRun, peer: answer.peer), .mayHaveRun)
        case .failed(var error, let failure):
            if error.progress == .notSent { error.progress = .mayHaveRun }
            return .failed(error, failure == .notRun ? .mayHaveRun : failure)
        }
    }

    /// Whether another attempt may still have a success.
    fileprivate var mayBeBettered: Bool {
        switch self {
        case .replied(let answer): answer.head.status != .ok && answer.head.status.mayPass
        case .failed(_, let failure): failure != .final
        }
    }
}

extension ClientStack {
    /// How long the call's attempts wait for their answers until another one begins beside them; `nil` if none does.
    func hedgingDelay() -> Duration? {
        guard let hedging = retry.hedging, request.method.retry == .idempotent, request.method.kind == .unary,
            pool.only == nil, !request.isBulk
        else { return nil }
        guard let known = request.method.latencies.value(hedging) else { return hedging.initialDelay }
        return max(hedging.minimumDelay, .nanoseconds(known))
    }
}
