package import MeshWire

/// How a call ended for its caller, and what is known of whether it ran.
package struct GRPCOutcome: Sendable, Hashable {
    package enum Knowledge: Sendable, Hashable {
        /// No handler has seen the call: it may be tried again whatever it is.
        case hasNotRun
        /// It may have run, as a whole or in part.
        case mayHaveRun
        /// The server's own status is the answer.
        case answered
    }

    package var status: GRPCStatus
    package var metadata: Metadata
    package var pushback: RetryPushback?
    package var knowledge: Knowledge

    /// The end that the server's trailers tell.
    init(_ trailers: GRPCTrailers) {
        status = trailers.status
        metadata = trailers.metadata
        pushback = trailers.pushback
        knowledge = .answered
    }

    /// An end that is not the server's own.
    init(_ status: GRPCStatus, _ knowledge: Knowledge) {
        self.status = status
        self.knowledge = knowledge
        metadata = Metadata()
    }
}
