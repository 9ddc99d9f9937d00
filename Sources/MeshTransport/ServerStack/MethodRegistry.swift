import MeshWire
import Synchronization

/// What a method's handler made of a call.
struct Reply: Sendable {
    var status: CallStatus = .ok
    var message = ""
    var hasNotRun = false
    var payload = Payload()
    /// What the operator is told and the caller is not.
    var detail: String?
}

/// A method that is served.
final class ServedMethod: Sendable {
    /// How a call is answered.
    enum Handler: Sendable {
        /// In a task, which runs where the execution says.
        case task(HandlerExecution, @Sendable (Payload, CallContext) async -> Reply)
        /// At once, on the connection's event loop.
        case inline(@Sendable (Payload, CallContext) -> Reply)
    }

    let path: String
    let requestName: String
    let responseName: String
    let handler: Handler

    init(path: String, requestName: String, responseName: String, handler: Handler) {
        self.path = path
        self.requestName = requestName
        self.responseName = responseName
        self.handler = handler
    }
}

/// The methods that a listener serves, by path.
final class MethodRegistry: Sendable {
    private let methods = Mutex<[String: ServedMethod]>([:])

    /// Adds a method; each is served by one handler.
    func register<Request: MeshMessage, Response: MeshMessage>(
        _ method: UnaryMethod<Request, Response>, _ handler: ServedMethod.Handler
    ) {
        let served = ServedMethod(
            path: method.path, requestName: Request.messageName, responseName: Response.messageName, handler: handler)
        methods.withLock { methods in
            precondition(methods[method.path] == nil, "\(method.path) is served already")
            methods[method.path] = served
        }
    }

    /// The method at a path.
    func method(at path: String) -> ServedMethod? { methods.withLock { $0[path] } }
}

extension ServedMethod.Handler {
    /// A handler that may wait.
    static func task<Request: MeshMessage, Response: MeshMessage>(
        on execution: HandlerExecution,
        _ handler: @escaping @Sendable (Request, CallContext) async throws -> Response
    ) -> Self {
        .task(execution) { payload, context in
            do {
                return Reply(payload: Payload(try await handler(try Self.request(payload), context)))
            } catch {
                return Self.reply(to: error)
            }
        }
    }

    /// A handler that does not wait.
    static func inline<Request: MeshMessage, Response: MeshMessage>(
        _ handler: @escaping @Sendable (Request, CallContext) throws -> Response
    ) -> Self {
        .inline { payload, context in
            do {
                return Reply(payload: Payload(try handler(try Self.request(payload), context)))
            } catch {
                return Self.reply(to: error)
            }
        }
    }

    private static func request<Request: MeshMessage>(_ payload: Payload) throws(CallFailure) -> Request {
        do throws(WireError) {
            return try payload.decode()
        } catch {
            throw CallFailure(.invalidArgument, "\(Request.messageName): \(error.message)", hasNotRun: true)
        }
    }

    private static func reply(to error: any Error) -> Reply {
        switch error {
        case let failure as CallFailure:
            Reply(status: failure.status, message: failure.message, hasNotRun: failure.hasNotRun)
        case is CancellationError:
            Reply(status: .cancelled, message: "the handler was cancelled")
        default:
            Reply(status: .unknown, message: "the handler failed", detail: "\(error)")
        }
    }
}
