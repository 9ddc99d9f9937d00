public import Identity
public import MeshWire
public import Telemetry

/// What a handler knows of the call that it answers.
public struct CallContext: Sendable {
    /// What all calls of a connection share.
    final class Caller: Sendable {
        let info: ConnectionInfo
        let runtime: any Runtime
        /// Who it is, for logs: the verified identity, or the address where there is none.
        let name: String

        init(_ info: ConnectionInfo, _ runtime: any Runtime) {
            name = info.peer?.description ?? info.remoteAddress
            self.info = info
            self.runtime = runtime
        }
    }

    private let caller: Caller

    init(
        _ caller: Caller, method: String, deadline: RuntimeInstant, deduplication: Deduplication?, metadata: Metadata,
        trace: TraceContext? = nil
    ) {
        self.trace = trace
        self.caller = caller
        self.method = method
        self.deadline = deadline
        self.deduplication = deduplication
        self.metadata = metadata
    }

    /// Who calls: the identity that the peer's certificate proved. `nil` on a listener that takes callers without
    /// one: one in plain text, and the join listener.
    public var peer: SPIFFEID? { caller.info.peer }
    /// ``peer`` as its certificate says, for what is judged by the leaf.
    package var verifiedPeer: VerifiedPeer? { caller.info.verified }
    /// The address that the connection comes from.
    public var remoteAddress: String { caller.info.remoteAddress }
    /// `service/method`.
    public let method: String
    /// When the caller stops waiting.
    public internal(set) var deadline: RuntimeInstant
    /// The session and sequence numbers of a deduplicated method's call.
    public let deduplication: Deduplication?
    /// What the caller sent beside the request.
    public let metadata: Metadata
    /// Where the call stands in its trace, if calls are traced (``MeshConfiguration/telemetry``). Calls that the handler
    /// makes are part of it by themselves.
    public let trace: TraceContext?
    /// Where the handler was started; a handler that goes on elsewhere returns here by itself.
    package var runtime: any Runtime { caller.runtime }

    /// The time that is left for an answer; never negative.
    public var timeRemaining: Duration {
        max(.zero, runtime.now.duration(to: deadline))
    }
}

/// What a handler throws to answer with a status of its choice.
///
/// Other errors are answered with ``CallStatus/unknown`` and a message that does not show them to the caller; the
/// server logs them.
public struct CallFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The status, not `ok`.
    public var status: CallStatus
    /// What the caller is told.
    public var message: String
    /// True if the handler promises that it has changed nothing: the caller may try again elsewhere.
    public var hasNotRun: Bool
    /// More about the failure, in a form that caller and handler agree on: an encoded `google.rpc.Status` for callers over
    /// gRPC. At most 16 KiB; longer ones are left out.
    public var details: [UInt8]
    /// What the caller is told beside it.
    public var trailers: Metadata
    /// When the caller may try again, where that is up to the handler: it takes the place of the caller's own wait. To
    /// ``CallStatus/resourceExhausted`` it also tells balancers for how long to leave this server alone.
    public var pushback: RetryPushback?

    /// Makes a failure.
    public init(
        _ status: CallStatus, _ message: String, hasNotRun: Bool = false, details: [UInt8] = [],
        trailers: Metadata = Metadata(), pushback: RetryPushback? = nil
    ) {
        self.pushback = pushback
        precondition(status != .ok, "a failure's status cannot be ok")
        self.details = details
        self.trailers = trailers
        self.status = status
        self.message = message
        self.hasNotRun = hasNotRun
    }

    /// One line for a log.
    public var description: String { "\(status): \(message)" }
}
