import MeshWire
import NIOCore

/// One server that a client's calls may go to.
///
/// Sendable: what is mutable belongs to its ``EndpointPool`` and is touched on that one's event loop alone.
final class ClientEndpoint: @unchecked Sendable {
    let server: ServerAddress
    let lanes: ClientLanes
    /// What discovery said of it; `nil` for the one server of a destination that has no other.
    let found: ServiceEndpoint?
    /// Its number in the balancer; `nil` once it has left the service.
    var slot: Int?
    /// Whether it is left out because its calls fail.
    var accrual: FailureAccrual?
    /// The connections in a row that could not be made, and why the last one could not.
    var failures = 0
    var lastError: MeshError?
    /// When it was last connected to.
    var upSince = RuntimeInstant(nanoseconds: .min)
    /// True while the pool has asked for a connection.
    var isDialing = false
    /// Ends a wait, for the next try at a connection or for the end of a penalty.
    var redial: Scheduled<Void>?
    var penalty: Scheduled<Void>?

    init(_ server: ServerAddress, _ lanes: ClientLanes, found: ServiceEndpoint? = nil) {
        self.server = server
        self.lanes = lanes
        self.found = found
    }

    /// Whether it may be given calls.
    var takesCalls: Bool { lanes.small.isUp && accrual?.takesCalls != false }
}

/// A call's attempt at an endpoint that the balancer picked for it.
struct EndpointPlacement: Sendable {
    let pool: EndpointPool
    let endpoint: ClientEndpoint
    /// The endpoint's number then.
    let slot: Int
    let start: RuntimeInstant
    /// Whether the time until its end is the time until an answer begins: not that of a stream, nor of a large payload.
    let isTimed: Bool
    /// Whether it is the one call that shows how an endpoint does that was left out.
    let isProbe: Bool

    /// An answer has begun to come, of a call that may go on for long. From any thread.
    func answered() {
        guard isProbe else { return }
        let loop = pool.executor.eventLoop
        if loop.inEventLoop { pool.answered(self) } else { loop.execute { pool.answered(self) } }
    }

    /// The attempt has ended. From any thread.
    func ended(_ outcome: EndpointOutcome) {
        let loop = pool.executor.eventLoop
        guard loop.inEventLoop else { return loop.execute { end(outcome) } }
        end(outcome)
    }

    private func end(_ outcome: EndpointOutcome) {
        pool.ended(self, outcome)
    }
}

extension EndpointOutcome {
    /// What an attempt's end says of the endpoint.
    init(_ outcome: AttemptOutcome) {
        switch outcome {
        case .replied(let answer): self.init(answer.head)
        case .failed(let error, _): self.init(error)
        }
    }

    /// What a server's answer says of it.
    init(_ head: ReplyHead) {
        self.init(head.status)
        if case .rateLimited = self, case .after(let time)? = head.pushback { self = .rateLimited(retryAfter: time) }
    }

    private init(_ status: CallStatus) {
        switch status {
        case .unknown, .deadlineExceeded, .permissionDenied, .internalError, .unavailable, .dataLoss: self = .failure
        case .resourceExhausted: self = .rateLimited(retryAfter: nil)
        default: self = .success
        }
    }

    /// What it says that there was no answer.
    init(_ error: MeshError) {
        switch error.code {
        case .deadlineExceeded where error.progress == .mayHaveRun: self = .failure
        case .connectionLost, .protocolViolation, .malformedMessage: self = .failure
        case .status: self = error.status.map { EndpointOutcome($0) } ?? .failure
        default: self = .unknown
        }
    }
}
