public import MeshWire

/// A service's name, unique in the mesh: `package.Service`.
public struct ServiceName: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The name.
    public let description: String

    /// Makes a name; it has no slash and is not empty.
    public init(_ name: String) {
        precondition(!name.isEmpty && !name.contains("/"), "\"\(name)\" is not a service name")
        description = name
    }

    /// Makes a name of a literal.
    public init(stringLiteral value: String) { self.init(value) }
}

/// A service: a name and a list of method values, shared by those who call it and those who answer.
///
/// ```swift
/// enum Scoring: MeshService {
///     static let name: ServiceName = "shop.Scoring"
///     static let score = unary("Score", Basket.self, Score.self, retry: .idempotent)
///     static let learn = unary("Learn", Feedback.self, Receipt.self, retry: .deduplicated)
///     static let watch = serverStreaming("Watch", Query.self, Score.self, retry: .idempotent)
/// }
/// ```
public protocol MeshService {
    /// The service's name.
    static var name: ServiceName { get }
}

extension MeshService {
    /// A method with one request and one response.
    public static func unary<Request: MeshMessage, Response: MeshMessage>(
        _ method: String, _ request: Request.Type, _ response: Response.Type, retry: RetrySafety
    ) -> UnaryMethod<Request, Response> {
        UnaryMethod(service: name, method: method, retry: retry)
    }

    /// A method with one request and any number of responses; a call is repeated, if at all, before its first response.
    public static func serverStreaming<Request: MeshMessage, Response: MeshMessage>(
        _ method: String, _ request: Request.Type, _ response: Response.Type, retry: RetrySafety
    ) -> ServerStreamingMethod<Request, Response> {
        ServerStreamingMethod(service: name, method: method, retry: retry)
    }

    /// A method with any number of requests, then one response. Its calls are not repeated once a request may have
    /// reached the server: the requests are gone.
    public static func clientStreaming<Request: MeshMessage, Response: MeshMessage>(
        _ method: String, _ request: Request.Type, _ response: Response.Type
    ) -> ClientStreamingMethod<Request, Response> {
        ClientStreamingMethod(service: name, method: method, retry: .never)
    }

    /// A method with any number of requests and responses, in any order. Its calls are not repeated once a request may
    /// have reached the server: the requests are gone.
    public static func bidirectional<Request: MeshMessage, Response: MeshMessage>(
        _ method: String, _ request: Request.Type, _ response: Response.Type
    ) -> BidirectionalMethod<Request, Response> {
        BidirectionalMethod(service: name, method: method, retry: .never)
    }
}

/// Whether a call may be made again when nobody knows if it has run: a property of the method, which only the service
/// itself can know.
public enum RetrySafety: Sendable, Hashable {
    /// Running it twice is the same as running it once: it is retried, at any server.
    case idempotent
    /// Each call is applied once, however often it arrives: it is retried at the server instance of its first attempt,
    /// which remembers its answer (``DeduplicationStore``) until the caller has it.
    case deduplicated
    /// It is retried only when the server has certainly not run it.
    case never
}

/// Where a method's handler runs.
public enum HandlerExecution: Sendable, Hashable {
    /// In a task of the runtime's pool: for handlers that wait for something.
    case task
    /// On the connection's event loop: for handlers that need less than about 20 µs and do not block. A deduplicated
    /// method runs in a task nevertheless where the mesh remembers its answers, as it may have to wait for them.
    case onLoop
    /// On the compute pool: for handlers that compute for longer than that.
    case compute
}
