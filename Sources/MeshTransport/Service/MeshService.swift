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
}

/// A method with one request and one response, as caller and server know it.
public struct UnaryMethod<Request: MeshMessage, Response: MeshMessage>: Sendable {
    /// `service/method`, which policies and metrics name it by.
    public let path: String
    /// Whether a call may be made again when its answer did not come.
    public let retry: RetrySafety

    /// Makes a method of `service`.
    public init(service: ServiceName, method: String, retry: RetrySafety) {
        precondition(!method.isEmpty && !method.contains("/"), "\"\(method)\" is not a method name")
        path = "\(service)/\(method)"
        self.retry = retry
    }
}

/// Whether a call may be made again when nobody knows if it has run: a property of the method, which only the service
/// itself can know.
public enum RetrySafety: Sendable, Hashable {
    /// Running it twice is the same as running it once: it is retried, at any server.
    case idempotent
    /// The service applies each call once, however often it arrives: it is retried at the server instance of its first
    /// attempt. Calls carry a ``Deduplication``, which the mesh hands over and does not look up: the service itself
    /// remembers its sessions and numbers and repeats the answers, as a parameter server's ledger does.
    case deduplicated
    /// It is retried only when the server has certainly not run it.
    case never
}

/// Where a method's handler runs.
public enum HandlerExecution: Sendable, Hashable {
    /// In a task of the runtime's pool: for handlers that wait for something.
    case task
    /// On the connection's event loop: for handlers that need less than about 20 µs and do not block.
    case onLoop
    /// On the compute pool: for handlers that compute for longer than that.
    case compute
}
