import MeshWire
import NIOCore
import Telemetry

/// An attempt and the one that hedges it: begins the second when the first has taken long, gives the call the first success,
/// and withdraws the other.
///
/// A failure of one waits for the other, unless another attempt would end the same way. Confined to the client's event loop.
final class AttemptRace: DeadlineBound {
    /// When the second begins.
    let deadline: RuntimeInstant
    var position = -1
    private let stack: ClientStack
    private let first: Attempt
    private var second: Attempt?
    private var secondStart: RuntimeInstant
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
        // The budget is asked last: what it gives is spent.
        guard first.deadline > now, pool.hasOther(than: placement.slot),
            pool.retryBudget.withdraw(now: now)
        else { return }
        let other = pool.place(affinity: stack.request.affinity, avoiding: tried, isTimed: true, now: now)
        guard let other else { return }
        let lane = other.endpoint.lanes.small
        guard other.slot != placement.slot, let connection = lane.ready else { return other.ended(.unknown) }
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

    /// The client is closed, or its loop ends: the first attempt is told by itself.
    func stopped(_ error: MeshError) {}

    /// Whether the first attempt's end is the call's now.
    private func firstEnded(_ outcome: AttemptOutcome) -> Bool {
        stack.pool.deadlines.remove(self)
        guard let second, second.isOpen else { return true }
        if outcome.mayBeBettered {
            heldBack = outcome
            return false
        }
        self.second = nil
        second.withdraw()
        let error = MeshError(.cancelled, "the first attempt was faster", progress: .mayHaveRun)
        stack.measured(second, .failed(error, .final), since: secondStart, to: stack.runtime.now)
        return true
    }

    private func secondEnded(_ outcome: AttemptOutcome) -> Bool {
        guard let second else { return true }
        self.second = nil
        stack.measured(second, outcome, since: secondStart, to: stack.runtime.now)
        if case .replied(let answer) = outcome, answer.head.status == .ok {
            stack.series.hedgesWon.increment(on: stack.pool.shard.here)
            first.isOutrun(by: outcome)
        } else if let heldBack {
            first.endsWith(heldBack)
        }
        return true
    }
}

extension AttemptOutcome {
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
