/// How many messages a call has in each direction.
package enum GRPCCallKind: Sendable, Hashable, CaseIterable {
    /// One request, one response.
    case unary
    /// Any number of requests, one response.
    case clientStreaming
    /// One request, any number of responses.
    case serverStreaming
    /// Any number of each.
    case bidirectionalStreaming

    /// Whether there may be another number of requests than one.
    package var streamsRequests: Bool { self == .clientStreaming || self == .bidirectionalStreaming }
    /// Whether there may be another number of responses than one.
    package var streamsResponses: Bool { self == .serverStreaming || self == .bidirectionalStreaming }
}
