import MeshWire

/// The way of one call through its attempts: makes the next one, and decides what follows when it has ended.
struct CallCourse {
    /// What follows an attempt.
    enum Next {
        case succeeded(Attempt.Answer)
        /// Another attempt, at once: the last one was run nowhere, and there is another lane.
        case again
        /// Another attempt at that time, because of the error.
        case retry(RuntimeInstant, MeshError)
        case failed(MeshError)
    }

    private let stack: ClientStack
    private let interception: ClientInterception?
    private var retry: RetryState
    /// The lanes that the attempt may go on.
    private(set) var route: LaneRoute
    /// When the next attempt begins.
    private(set) var now: RuntimeInstant
    private var passage: AttemptInterception?
    /// The only server instance that the call may go to, if there is one that may have it.
    private var bound: InstanceID?
    private var mayHaveRun = false

    init(_ stack: ClientStack, _ interception: ClientInterception?, until deadline: RuntimeInstant, now: RuntimeInstant)
    {
        self.stack = stack
        self.interception = interception
        self.now = now
        retry = RetryState(stack.request.method.retry, stack.core.configuration.retry, deadline: deadline)
        route = LaneRoute(stack.lanes, stack.request, now: now)
    }

    /// The next attempt; one that an interceptor refuses has ended.
    mutating func begin() -> Attempt {
        let limit = retry.attemptDeadline(from: now)
        passage = interception?.attempt(retry.attempts, until: limit)
        let attempt = Attempt(
            passage?.request ?? stack.request, deadline: passage?.deadline ?? limit, boundTo: bound,
            faults: stack.core.configuration.faults)
        if let passage, let refusal = passage.refusal {
            attempt.finish(.failed(refusal, passage.refusalMayPass ? .notRun : .final))
        }
        return attempt
    }

    /// Begins anew after a wait.
    mutating func retries(now: RuntimeInstant) {
        self.now = now
        route.begin(now: now)
    }

    /// What follows an attempt that has ended.
    mutating func ended(_ attempt: Attempt) -> Next {
        let outcome = attempt.outcome
        passage?.ended(outcome)
        switch outcome {
        case .replied(let answer) where answer.head.status == .ok:
            return .succeeded(answer)
        case .replied(let answer):
            let mayPass = answer.head.hasNotRun && answer.head.status.mayPass
            let error = MeshError(answer.head, progress: mayPass ? .notSent : .answered, peer: answer.peer)
            return failed(error, mayPass ? .notRun : .final, attempt)
        case .failed(let error, .notRun) where passage?.refusal == nil && route.moves(after: error):
            now = stack.runtime.now
            return .again
        case .failed(let error, let failure):
            // Without an instance there is none that could be asked whether it knows the call.
            let isLost =
                stack.request.method.retry == .deduplicated && failure == .mayHaveRun && attempt.instance == nil
            return failed(failure == .notRun ? route.error(error) : error, isLost ? .final : failure, attempt)
        }
    }

    private mutating func failed(_ failed: MeshError, _ failure: AttemptFailure, _ attempt: Attempt) -> Next {
        var error = failed
        // What the caller learns is about the call, not about its last attempt.
        mayHaveRun = mayHaveRun || error.progress == .mayHaveRun
        if mayHaveRun, error.progress == .notSent { error.progress = .mayHaveRun }
        // An instance that has certainly not seen the call has no claim on it.
        bound = stack.request.method.retry == .deduplicated && mayHaveRun ? bound ?? attempt.instance : nil
        switch retry.failed(failure, at: stack.runtime.now, chance: stack.chance) {
        case .retry(let time): return .retry(time, error)
        case .giveUp: return .failed(error)
        }
    }
}
