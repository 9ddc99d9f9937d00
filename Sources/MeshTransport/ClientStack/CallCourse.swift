import MeshWire
import Telemetry

/// The way of one call through its attempts, whatever its kind: what each sends and until when, and what follows one that
/// has failed.
///
/// Not copied: it is large, and each call has one.
struct CallCourse: ~Copyable {
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
    /// The lanes that the attempt may go on; `nil` until the balancer has picked a server.
    private var route: LaneRoute?
    /// The lane that it goes on now; `nil` until the balancer has picked a server.
    var lane: ConnectionKeeper? { route?.lane }
    /// Whether that is asked only for a connection that is there.
    var isDetour: Bool { route?.isDetour == true }
    /// The servers that earlier attempts went to.
    private(set) var tried = Balancer.Tried()
    /// When the next attempt begins.
    private(set) var now: RuntimeInstant
    /// What the interceptors have made of the attempt.
    private(set) var passage: AttemptInterception?
    /// The server that may have run the call, if there is one: no other may have it that does not share its store.
    private(set) var bound: ServerInstance?
    /// The server of the attempt, once the balancer has picked one.
    private var placement: EndpointPlacement?
    /// Where somebody wants to know what is decided.
    private let recording: CallRecording?
    private let start: RuntimeInstant
    /// How long the attempt has waited for its place, if it had to.
    private var waited: Duration?
    private var hasBegun = false
    private var mayHaveRun = false
    private var isShed = false
    private var hasRepeatedAtOnce = false

    init(_ stack: ClientStack, _ interception: ClientInterception?, until deadline: RuntimeInstant, now: RuntimeInstant)
    {
        self.stack = stack
        self.interception = interception
        self.now = now
        start = now
        recording = CallRecorder.current?.begin(
            CallRecord(
                method: stack.request.method.path, destination: stack.request.method.destination,
                route: stack.way?.route.name))
        retry = RetryState(stack.request.method.retry, stack.retry, deadline: deadline)
        route = stack.pool.only.map { LaneRoute($0.lanes, stack.request, now: now) }
    }

    /// The server that the balancer has picked for the attempt.
    mutating func tookPlace(_ placement: EndpointPlacement?, _ taken: LaneRoute? = nil) {
        guard let placement else { return }
        self.placement = placement
        route = taken ?? LaneRoute(placement.endpoint.lanes, stack.request, now: now)
        tried.note(placement.slot)
    }

    /// The number of the attempt that is under way.
    private var attemptNumber = 1

    /// The attempts that have been made, the one that begins included.
    var attempts: Int { retry.attempts }

    /// Begins the next attempt: what it sends, and until when it waits.
    ///
    /// - Parameter limit: how long it may take; by default as long as an attempt may that can be repeated.
    mutating func begin(until limit: RuntimeInstant? = nil) -> (request: CallRequest, deadline: RuntimeInstant) {
        if !hasBegun {
            // A call that gets no place loads nobody, and pays for nobody's retry.
            stack.pool.retryBudget.deposit(now: now)
            hasBegun = true
        }
        attemptNumber = retry.attempts
        let limit = limit ?? retry.attemptDeadline(from: now)
        passage = interception?.attempt(retry.attempts, until: limit)
        return (passage?.request ?? stack.request, passage?.deadline ?? limit)
    }

    /// The next attempt asks for its place among those under way.
    mutating func asksForPlace() {
        attemptNumber = retry.attempts
        waited = nil
    }

    /// It has waited for it.
    mutating func hasPlace(at now: RuntimeInstant) {
        waited = self.now.duration(to: now)
        self.now = now
    }

    /// It was given none, and is not to ask again: what the caller is told.
    mutating func shed(_ error: MeshError) -> MeshError {
        isShed = error.code != .cancelled
        if case .failed(let error) = ended(error, .final, nil, nil) { return error }
        preconditionFailure("an attempt that is final is not followed by another")
    }

    /// Why the attempt is not made, if an interceptor has refused it, and what that means for the next one.
    var refusal: (error: MeshError, failure: AttemptFailure)? {
        guard let passage, let error = passage.refusal else { return nil }
        return (error, passage.refusalMayPass ? .notRun : .final)
    }

    /// Begins anew after a wait.
    mutating func retries(now: RuntimeInstant) {
        self.now = now
        leaves()
        route?.begin(now: now)
    }

    /// Another server may be next, unless there is no other, or no other may have the call.
    private mutating func leaves() {
        placement = nil
        if stack.pool.only == nil, bound.map({ $0.store != nil }) ?? true { route = nil }
    }

    /// What follows an attempt that `server` has answered with a failure.
    mutating func failed(_ answer: Attempt.Answer, at server: ServerInstance?) -> Next {
        let failure = Self.failure(answer.head, stack.retry)
        // One that has not run the call does not speak for another that may have.
        let isUnrun = failure == .notRun || mayHaveRun && answer.head.hasNotRun
        let progress: MeshError.Progress = isUnrun ? .notSent : .answered
        let error = MeshError(answer.head, progress: progress, peer: answer.peer)
        // What a deduplicated call was answered it would be answered again.
        let isFinal = failure == .mayHaveRun && isDeduplicated
        return ended(error, isFinal ? .final : failure, server, answer.head.pushback)
    }

    /// What an answer that is no success means for another attempt.
    static func failure(_ head: ReplyHead, _ configuration: RetryConfiguration) -> AttemptFailure {
        if head.hasNotRun, head.status.mayPass { return .notRun }
        return configuration.statuses.contains(head.status) ? .mayHaveRun : .final
    }

    /// What follows an attempt that has failed on its way, to `server` if it was sent to one.
    mutating func failed(
        _ error: MeshError, _ failure: AttemptFailure, at server: ServerInstance?, _ pushback: RetryPushback? = nil
    ) -> Next {
        guard failure == .notRun else {
            // Of a server that does not say which it is nobody could be asked whether it knows the call.
            let isLost = isDeduplicated && failure == .mayHaveRun && server == nil && bound == nil
            return ended(error, isLost ? .final : failure, server, pushback)
        }
        if passage?.refusal == nil {
            if route?.moves(after: error) == true {
                record(error.outcome, error.message, .elsewhere)
                now = stack.runtime.now
                return .again
            }
            if repeatsAtOnce(after: error) {
                record(error.outcome, error.message, .elsewhere)
                now = stack.runtime.now
                leaves()
                return .again
            }
        }
        return ended(route?.error(error) ?? error, .notRun, server, pushback)
    }

    /// A server that refuses a stream, or goes away, has seen nothing of the call: once it is repeated without more ado, as
    /// gRPC has it (gRFC A6, transparent retries).
    private mutating func repeatsAtOnce(after error: MeshError) -> Bool {
        guard error.code == .draining, !hasRepeatedAtOnce else { return false }
        hasRepeatedAtOnce = true
        return true
    }

    private var isDeduplicated: Bool { stack.request.method.retry == .deduplicated }

    private mutating func ended(
        _ failed: MeshError, _ failure: AttemptFailure, _ server: ServerInstance?, _ pushback: RetryPushback?
    ) -> Next {
        var error = failed
        // What the caller learns is about the call, not about its last attempt.
        mayHaveRun = mayHaveRun || error.progress != .notSent
        if mayHaveRun, error.progress == .notSent { error.progress = .mayHaveRun }
        // A server that has certainly not seen the call has no claim on it.
        bound = isDeduplicated && mayHaveRun ? bound ?? server : nil
        let now = stack.runtime.now
        switch retry.failed(failure, at: now, chance: stack.chance, pushback) {
        case .giveUp:
            gaveUp(error, isShed ? .shed : retry.refusal ?? .final)
            return .failed(error)
        case .retry(let time):
            if !stack.pool.retryBudget.withdraw(now: now) {
                gaveUp(error, .budget)
                stack.series.retryOverflows.increment(on: stack.pool.shard.here)
                return .failed(error)
            }
            record(error.outcome, error.message, .again(after: now.duration(to: time)))
            return .retry(time, error)
        }
    }

    // MARK: What is decided, for those who asked

    /// The call has succeeded.
    func succeeded() {
        guard let recording else { return }
        record(.ok, nil, .done)
        recording.ended(.ok, after: start.duration(to: stack.runtime.now))
    }

    /// The caller was cancelled between two attempts.
    func wasCancelled() { recording?.ended(.cancelled, after: start.duration(to: stack.runtime.now)) }

    private func gaveUp(_ error: MeshError, _ reason: RetryRefusal) {
        guard let recording else { return }
        record(error.outcome, error.message, .gaveUp(reason))
        recording.ended(error.outcome, after: start.duration(to: stack.runtime.now))
    }

    private func record(_ status: CallStatus, _ error: String?, _ decision: CallRecord.Decision) {
        guard let recording else { return }
        let only = stack.pool.only.map { "\($0.server)" }
        recording.add(
            CallRecord.Attempt(
                number: attemptNumber, endpoint: placement.map { "\($0.endpoint.server)" } ?? only,
                choice: placement?.choice, waited: waited, elapsed: now.duration(to: stack.runtime.now), status: status,
                error: error,
                decision: decision))
    }
}
