import MeshWire

/// The way of one call through its attempts, whatever its kind: what each sends and until when, and what follows one that
/// has failed.
struct CallCourse {
    /// What follows an attempt that has failed.
    enum Next {
        /// Another attempt, at once and uncounted: the last one was run nowhere, and there is another lane, or the
        /// connection has ended and there will be another one.
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
    /// What the interceptors have made of the attempt.
    private(set) var passage: AttemptInterception?
    /// The only server instance that the call may go to, if there is one that may have it.
    private(set) var bound: InstanceID?
    private var mayHaveRun = false
    private var hasRepeatedAtOnce = false

    init(_ stack: ClientStack, _ interception: ClientInterception?, until deadline: RuntimeInstant, now: RuntimeInstant)
    {
        self.stack = stack
        self.interception = interception
        self.now = now
        retry = RetryState(stack.request.method.retry, stack.core.configuration.retry, deadline: deadline)
        route = LaneRoute(stack.lanes, stack.request, now: now)
    }

    /// Begins the next attempt: what it sends, and until when it waits.
    ///
    /// - Parameter limit: how long it may take; by default as long as an attempt may that can be repeated.
    mutating func begin(until limit: RuntimeInstant? = nil) -> (request: CallRequest, deadline: RuntimeInstant) {
        let limit = limit ?? retry.attemptDeadline(from: now)
        passage = interception?.attempt(retry.attempts, until: limit)
        return (passage?.request ?? stack.request, passage?.deadline ?? limit)
    }

    /// Why the attempt is not made, if an interceptor has refused it, and what that means for the next one.
    var refusal: (error: MeshError, failure: AttemptFailure)? {
        guard let passage, let error = passage.refusal else { return nil }
        return (error, passage.refusalMayPass ? .notRun : .final)
    }

    /// Begins anew after a wait.
    mutating func retries(now: RuntimeInstant) {
        self.now = now
        route.begin(now: now)
    }

    /// What follows an attempt that a server has answered with a failure, at `instance`.
    mutating func failed(_ answer: Attempt.Answer, at instance: InstanceID?) -> Next {
        let mayPass = answer.head.hasNotRun && answer.head.status.mayPass
        let error = MeshError(answer.head, progress: mayPass ? .notSent : .answered, peer: answer.peer)
        return ended(error, mayPass ? .notRun : .final, instance)
    }

    /// What follows an attempt that has failed on its way, to `instance` if it was sent to one.
    mutating func failed(_ error: MeshError, _ failure: AttemptFailure, at instance: InstanceID?) -> Next {
        guard failure == .notRun else {
            // Without an instance there is none that could be asked whether it knows the call.
            let isLost = isDeduplicated && failure == .mayHaveRun && instance == nil
            return ended(error, isLost ? .final : failure, instance)
        }
        if passage?.refusal == nil, route.moves(after: error) || repeatsAtOnce(after: error) {
            now = stack.runtime.now
            return .again
        }
        return ended(route.error(error), .notRun, instance)
    }

    /// A server that refuses a stream, or goes away, has seen nothing of the call: once it is repeated without more ado, as
    /// gRPC has it (gRFC A6, transparent retries).
    private mutating func repeatsAtOnce(after error: MeshError) -> Bool {
        guard error.code == .draining, !hasRepeatedAtOnce else { return false }
        hasRepeatedAtOnce = true
        return true
    }

    private var isDeduplicated: Bool { stack.request.method.retry == .deduplicated }

    private mutating func ended(_ failed: MeshError, _ failure: AttemptFailure, _ instance: InstanceID?) -> Next {
        var error = failed
        // What the caller learns is about the call, not about its last attempt.
        mayHaveRun = mayHaveRun || error.progress == .mayHaveRun
        if mayHaveRun, error.progress == .notSent { error.progress = .mayHaveRun }
        // An instance that has certainly not seen the call has no claim on it.
        bound = isDeduplicated && mayHaveRun ? bound ?? instance : nil
        switch retry.failed(failure, at: stack.runtime.now, chance: stack.chance) {
        case .retry(let time): return .retry(time, error)
        case .giveUp: return .failed(error)
        }
    }
}
