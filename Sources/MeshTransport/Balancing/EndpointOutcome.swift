import MeshWire

/// What a call that an endpoint was given came to, as far as that says something about the endpoint.
package enum EndpointOutcome: Equatable {
    case success
    /// It failed there: the time that took says nothing about how long a success takes.
    case failure
    /// It was refused for now, for at least that long if the server said so.
    case rateLimited(retryAfter: Duration?)
    /// Another endpoint was faster with the same call, and this one's answer was not waited for: it takes at least so long.
    case outrun
    /// The caller gave it up before there was an answer, or it was never sent.
    case unknown
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
