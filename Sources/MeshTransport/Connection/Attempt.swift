import MeshWire
import NIOCore

/// How one attempt of a call ended.
enum AttemptOutcome: Sendable {
    case replied(ReplyHead, Payload, peer: String)
    case failed(MeshError, AttemptFailure)
}

/// One sending of a call: waits on a connection's event loop for its answer, its deadline or its cancellation,
/// whichever comes first.
///
/// Sendable: everything mutable is touched on the client's event loop alone.
final class Attempt: @unchecked Sendable {
    let request: CallRequest
    let deadline: RuntimeInstant

    private var continuation: CheckedContinuation<AttemptOutcome, Never>?
    private var timer: Scheduled<Void>?
    private var earlyOutcome: AttemptOutcome?
    /// What gives the call up on the connection that carries it.
    var withdraw: (() -> Void)?

    private let replyFate: () -> MessageFate

    /// - Parameter replyFate: asked once, when the reply has arrived.
    init(_ request: CallRequest, deadline: RuntimeInstant, replyFate: @escaping () -> MessageFate) {
        self.request = request
        self.deadline = deadline
        self.replyFate = replyFate
    }

    /// Whether somebody still waits for the outcome.
    var isOpen: Bool { earlyOutcome == nil && !isFinished }
    private var isFinished = false

    /// Starts to wait; the timer runs on `loop`.
    func begin(_ continuation: CheckedContinuation<AttemptOutcome, Never>, now: RuntimeInstant, on loop: any EventLoop)
    {
        if let earlyOutcome {
            isFinished = true
            return continuation.resume(returning: earlyOutcome)
        }
        self.continuation = continuation
        timer = loop.scheduleTask(in: .nanoseconds(max(0, now.duration(to: deadline).inNanoseconds))) {
            self.abandon(.deadlineExceeded, "no answer in time", .mayHaveRun)
        }
    }

    /// Gives the call up, telling the server if it has been sent.
    func abandon(_ code: MeshError.Code, _ message: String, _ failure: AttemptFailure) {
        let wasSent = withdraw != nil
        withdraw?()
        let progress: MeshError.Progress = wasSent ? .mayHaveRun : .notSent
        finish(
            .failed(
                MeshError(code, "\(request.path): \(message)", progress: progress, peer: request.destination),
                wasSent ? failure : failure == .final ? .final : .notRun))
    }

    /// Takes the server's answer.
    func answered(_ head: ReplyHead, _ payload: Payload, peer: String) {
        guard isOpen else { return }
        // On purpose: as far as the caller can tell, the reply was lost on its way.
        guard replyFate() != .lose else { return withdraw = {} }
        finish(.replied(head, payload, peer: peer))
    }

    /// Ends the wait; later outcomes are ignored.
    func finish(_ outcome: AttemptOutcome) {
        guard isOpen else { return }
        withdraw = nil
        guard let continuation else {
            earlyOutcome = outcome
            return
        }
        isFinished = true
        timer?.cancel()
        timer = nil
        self.continuation = nil
        continuation.resume(returning: outcome)
    }
}

/// A call as connections see it: encoded once, sent as often as it takes.
struct CallRequest: Sendable {
    let path: String
    let requestName: String
    let responseName: String
    let deduplication: Deduplication?
    let metadata: Metadata
    let payload: Payload
    /// For errors: whom the call is for.
    let destination: String

    /// Throws for a call over the limits: the server's are the same by default, and would refuse it or end the
    /// connection with all other calls.
    func check(_ limits: WireLimits) throws(MeshError) {
        let head = CallHead(
            method: 1, timeRemaining: .zero, deduplication: deduplication, metadata: metadata, layout: payload.layout)
        do throws(WireError) {
            _ = try head.totalBytes(within: limits)
        } catch {
            throw MeshError(
                .callTooLarge, "\(path): \(error.message)", progress: .notSent, peer: destination, cause: error)
        }
    }
}
