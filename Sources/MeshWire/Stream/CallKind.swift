/// How many requests and responses a call has.
public enum CallKind: UInt32, Sendable, Hashable, CaseIterable {
    /// One request, one response.
    case unary = 0
    /// Any number of requests, then one response.
    case clientStreaming = 1
    /// One request, any number of responses.
    case serverStreaming = 2
    /// Any number of each, in any order.
    case bidirectional = 3

    /// Whether the client sends any number of requests.
    public var streamsRequests: Bool { self == .clientStreaming || self == .bidirectional }
    /// Whether the server sends any number of responses.
    public var streamsResponses: Bool { self == .serverStreaming || self == .bidirectional }
}
