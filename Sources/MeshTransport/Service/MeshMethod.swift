public import MeshWire

/// A method, as caller and server know it: its path, the types of its messages, how many of them a call has, and whether
/// it bears repetition.
///
/// Made by ``MeshService/unary(_:_:_:retry:)`` and its siblings.
public struct MeshMethod<Kind: MethodKind, Request: MeshMessage, Response: MeshMessage>: Sendable {
    /// `service/method`, which policies and metrics name it by.
    public let path: String
    /// Whether a call may be made again when its answer did not come.
    public let retry: RetrySafety

    /// Makes a method of `service`.
    public init(service: ServiceName, method: String, retry: RetrySafety) {
        precondition(!method.isEmpty && !method.contains("/"), "\"\(method)\" is not a method name")
        precondition(
            retry != .deduplicated || Kind.kind == .unary,
            "\(service)/\(method) streams: only calls of one request and one response can be deduplicated")
        path = "\(service)/\(method)"
        self.retry = retry
    }
}

/// How many requests and responses a method's calls have, as a type.
public protocol MethodKind: Sendable {
    /// The same as a value.
    static var kind: CallKind { get }
}

/// One request, one response.
public enum Unary: MethodKind {
    /// Unary.
    public static let kind = CallKind.unary
}

/// Any number of requests, then one response.
public enum ClientStreaming: MethodKind {
    /// Client streaming.
    public static let kind = CallKind.clientStreaming
}

/// One request, any number of responses.
public enum ServerStreaming: MethodKind {
    /// Server streaming.
    public static let kind = CallKind.serverStreaming
}

/// Any number of requests and responses, in any order.
public enum Bidirectional: MethodKind {
    /// Bidirectional.
    public static let kind = CallKind.bidirectional
}

/// A method with one request and one response.
public typealias UnaryMethod<Request: MeshMessage, Response: MeshMessage> = MeshMethod<Unary, Request, Response>
/// A method with any number of requests, then one response.
public typealias ClientStreamingMethod<Request: MeshMessage, Response: MeshMessage> =
    MeshMethod<ClientStreaming, Request, Response>
/// A method with one request and any number of responses.
public typealias ServerStreamingMethod<Request: MeshMessage, Response: MeshMessage> =
    MeshMethod<ServerStreaming, Request, Response>
/// A method with any number of requests and responses.
public typealias BidirectionalMethod<Request: MeshMessage, Response: MeshMessage> =
    MeshMethod<Bidirectional, Request, Response>
