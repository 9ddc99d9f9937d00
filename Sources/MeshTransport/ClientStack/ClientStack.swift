import Identity
import MeshWire
import NIOCore
import Telemetry

/// What happens to a call on the client's side, outermost first:
///
/// 1. the deadline is set: nothing below waits past it;
/// 2. the call is measured, as its caller sees it;
/// 3. failed attempts are repeated, if the method bears it and time is left;
/// 4. each attempt gets its own deadline and its messages' fates, if a fault injector decides them;
/// 5. the keeper gives a connection to the destination;
/// 6. a deduplicated call goes to the server instance of its first attempt or nowhere;
/// 7. the connection sends it and waits.
struct ClientStack: Sendable {
    let core: ClientCore
    let keeper: ConnectionKeeper
    let request: CallRequest
    let safety: RetrySafety
    let series: RequestSeries

    private var runtime: any Runtime { core.runtime }

    /// Steps 1 to 3.
    func run(timeout: Duration) async throws(MeshError) -> (Payload, peer: String) {
        series.began()
        let start = runtime.now
        let deadline = start.advanced(by: timeout)
        var bound = InstanceBinding(isRequired: safety == .deduplicated)
        var mayHaveRun = false
        var retry = RetryState(safety, core.configuration.retry, deadline: deadline)
        while true {
            let outcome = await attempt(until: retry.attemptDeadline(from: runtime.now), bound)
            var error: MeshError
            let failure: AttemptFailure
            switch outcome {
            case .replied(let head, let payload, let peer) where head.status == .ok:
                series.ended(.success, after: start.duration(to: runtime.now))
                return (payload, peer)
            case .replied(let head, _, let peer):
                let mayPass = head.hasNotRun && head.status.mayPass
                error = MeshError(
                    .status, head.message, progress: mayPass ? .notSent : .answered, status: head.status, peer: peer)
                failure = mayPass ? .notRun : .final
            case .failed(let found, let kind):
                (error, failure) = (found, kind)
            }
            // What the caller learns is about the call, not about its last attempt.
            mayHaveRun = mayHaveRun || error.progress == .mayHaveRun
            if mayHaveRun, error.progress == .notSent { error.progress = .mayHaveRun }
            // An instance that has certainly not seen the call has no claim on it.
            if !mayHaveRun { bound = InstanceBinding(isRequired: safety == .deduplicated) }
            let chance = Double(runtime.randomBits() >> 11) * 0x1p-53
            guard case .retry(let next) = retry.failed(failure, at: runtime.now, chance: chance) else {
                throw ended(error, after: start.duration(to: runtime.now))
            }
            guard (try? await runtime.sleep(until: next)) != nil else {
                throw ended(cancelled(after: error), after: start.duration(to: runtime.now))
            }
            core.metrics.retried(request.path)
        }
    }

    /// Measures a call that failed.
    private func ended(_ error: MeshError, after duration: Duration) -> MeshError {
        let status = error.status ?? (error.code == .cancelled ? .cancelled : .unavailable)
        series.ended(status.classification, after: duration)
        return error
    }

    private func cancelled(after error: MeshError) -> MeshError {
        MeshError(
            .cancelled, "\(request.path): the caller was cancelled between two attempts", progress: error.progress,
            peer: error.peer, cause: error)
    }

    /// Steps 4 to 7.
    private func attempt(until deadline: RuntimeInstant, _ bound: InstanceBinding) async -> AttemptOutcome {
        let faults = core.configuration.faults
        let attempt = Attempt(request, deadline: deadline) { faults?.fate(ofReply: request.path) ?? .deliver }
        let loop = keeper.executor.eventLoop
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let start: @Sendable () -> Void = {
                    attempt.begin(continuation, now: runtime.now, on: loop)
                    send(attempt, bound)
                }
                if loop.inEventLoop { start() } else { loop.execute(start) }
            }
        } onCancel: {
            loop.execute { attempt.abandon(.cancelled, "the caller was cancelled", .final) }
        }
    }

    private func send(_ attempt: Attempt, _ bound: InstanceBinding) {
        keeper.withConnection { connection, error in
            guard attempt.isOpen else { return }
            guard let connection else {
                let error = error ?? MeshError(.connectFailed, "no connection", progress: .notSent)
                return attempt.finish(.failed(error, error.code.mayPass ? .notRun : .final))
            }
            guard bound.allows(connection.instance) else {
                return attempt.finish(
                    .failed(
                        MeshError(
                            .instanceChanged,
                            "\(request.path): the server was restarted and does not know what it has applied",
                            progress: .mayHaveRun, peer: connection.info.peer?.description), .final))
            }
            let fate = core.configuration.faults?.fate(ofRequest: request.path) ?? .deliver
            // Lost on the way, on purpose: nothing is sent, and nobody knows.
            guard fate != .lose else { return attempt.withdraw = {} }
            let now = runtime.now
            if fate == .duplicate {
                _ = connection.send(Attempt(request, deadline: attempt.deadline) { .lose }, now: now)
            }
            guard !connection.send(attempt, now: now) else { return }
            attempt.finish(
                .failed(
                    MeshError(
                        .draining, "the connection takes no calls", progress: .notSent, peer: "\(request.destination)"),
                    .notRun))
        }
    }
}

/// The server instance that a deduplicated call belongs to, from its first attempt on.
///
/// Sendable: touched on the client's event loop alone.
private final class InstanceBinding: @unchecked Sendable {
    private let isRequired: Bool
    private var instance: InstanceID?

    init(isRequired: Bool) { self.isRequired = isRequired }

    /// Whether the call may be sent to `candidate`; the first one asked about is the one.
    func allows(_ candidate: InstanceID?) -> Bool {
        guard isRequired else { return true }
        if instance == nil { instance = candidate }
        return instance == candidate
    }
}

extension MeshError.Code {
    /// Whether there may be a connection a moment later although there is none now: not if it is the destination, its
    /// server or a closed client that rules it out.
    fileprivate var mayPass: Bool {
        self != .peerNotTrusted && self != .noExpectedIdentity && self != .draining && self != .invalidConfiguration
    }
}

extension CallStatus {
    /// Whether a refusal with this status may not be repeated a moment later.
    fileprivate var mayPass: Bool { self == .unavailable || self == .resourceExhausted }
}
