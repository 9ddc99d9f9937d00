public import MeshWire

/// How a call or one of its attempts ended, as its interceptors are told.
public struct CallOutcome: Sendable {
    /// What the server answered. Where a client has no answer: `deadlineExceeded`, `cancelled`, `resourceExhausted` for
    /// what its own limit did not let pass, or else `unavailable`.
    public let status: CallStatus
    /// What the server said before its first response.
    public let metadata: Metadata
    /// What the server said at the end of the call.
    public let trailers: Metadata
    /// How long it took.
    public let elapsed: Duration
    /// Whose answer it is, or who was told: the verified identity, or the address where there is none.
    public let peer: String
    /// What went wrong, and how far the call came; `nil` for one that succeeded. On the server's side, what the caller
    /// is told.
    public let error: MeshError?

    init(
        status: CallStatus, metadata: Metadata, trailers: Metadata, elapsed: Duration, peer: String, error: MeshError?
    ) {
        self.status = status
        self.metadata = metadata
        self.trailers = trailers
        self.elapsed = elapsed
        self.peer = peer
        self.error = error
    }

    /// A call that failed on the client's side.
    init(_ error: MeshError, metadata: Metadata = Metadata(), elapsed: Duration, peer: String) {
        self.init(
            status: error.outcome, metadata: metadata, trailers: error.trailers, elapsed: elapsed,
            peer: error.peer ?? peer, error: error)
    }
}

/// Is told once how a call or an attempt ended.
///
/// It runs where the end is noticed, which is an event loop for attempts of streams and on the server's side: it counts
/// or notes something, and waits for nothing.
public typealias CallObserver = @Sendable (CallOutcome) -> Void

extension [CallObserver] {
    /// Tells the innermost first.
    func tell(_ outcome: CallOutcome) {
        for observer in reversed() { observer(outcome) }
    }
}

extension MeshError {
    /// The status that the call counts as.
    var outcome: CallStatus {
        if let status { return status }
        switch code {
        case .cancelled: return .cancelled
        case .deadlineExceeded: return .deadlineExceeded
        case .loadShed: return .resourceExhausted
        default: return .unavailable
        }
    }
}
