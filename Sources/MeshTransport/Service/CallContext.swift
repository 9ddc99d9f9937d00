public import Identity
public import MeshWire

/// What a handler knows of the call that it answers.
public struct CallContext: Sendable {
    /// Who calls: the identity that the peer's certificate proved. `nil` on a listener that takes callers without
    /// one, which only the join listener does.
    public let peer: SPIFFEID?
    /// The address that the connection comes from.
    public let remoteAddress: String
    /// `service/method`.
    public let method: String
    /// When the caller stops waiting.
    public let deadline: RuntimeInstant
    /// The session and sequence numbers of a deduplicated method's call.
    public let deduplication: Deduplication?
    /// What the caller sent beside the request.
    public let metadata: Metadata
    /// Where the handler was started; a handler that goes on elsewhere returns here by itself.
    package let runtime: any Runtime

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

    /// Makes a failure.
    public init(_ status: CallStatus, _ message: String, hasNotRun: Bool = false) {
        precondition(status != .ok, "a failure's status cannot be ok")
        self.status = status
        self.message = message
        self.hasNotRun = hasNotRun
    }

    /// One line for a log.
    public var description: String { "\(status): \(message)" }
}
