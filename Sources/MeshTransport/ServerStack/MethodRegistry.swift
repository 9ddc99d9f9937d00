package import MeshWire
import Synchronization

/// What a method's handler made of a call.
package struct Reply: Sendable {
    package var status: CallStatus = .ok
    package var message = ""
    package var hasNotRun = false
    /// What the caller is told before the response, if nothing has been said yet.
    package var metadata = Metadata()
    /// What the caller is told at the end.
    package var trailers = Metadata()
    /// More about a status other than `ok`.
    package var details: [UInt8] = []
    /// When the call may be tried again, if that is up to us.
    package var pushback: RetryPushback?
    package var payload = Payload()
    /// What the operator is told and the caller is not.
    var detail: String?

    package init(
        status: CallStatus = .ok, message: String = "", hasNotRun: Bool = false, payload: Payload = Payload()
    ) {
        self.status = status
        self.message = message
        self.hasNotRun = hasNotRun
        self.payload = payload
    }

    /// A response, with what is said beside it.
    init(_ answer: Answer<some MeshMessage>) {
        self.init(payload: Payload(answer.message))
        metadata = answer.metadata
        trailers = answer.trailers
    }

    /// What a handler's error means to its caller.
    init(to error: any Error) {
        switch error {
        case let failure as CallFailure:
            self.init(status: failure.status, message: failure.message, hasNotRun: failure.hasNotRun)
            details = failure.details
            trailers = failure.trailers
            pushback = failure.pushback
        case is CancellationError:
            self.init(status: .cancelled, message: "the handler was cancelled")
        default:
            self.init(status: .unknown, message: "the handler failed")
            detail = "\(error)"
        }
    }
}

/// A method that is served.
package final class ServedMethod: Sendable {
    /// How a call is answered.
    enum Handler: Sendable {
        /// In a task, which runs where the execution says.
        case task(HandlerExecution, @Sendable (Payload, CallContext) async -> Reply)
        /// At once, on the connection's event loop.
        case inline(@Sendable (Payload, CallContext) -> Reply)
        /// In a task that reads or writes several messages.
        case streaming(HandlerExecution, @Sendable (CallStream, CallContext) async -> Reply)
    }

    /// `service/method`.
    package let path: String
    package let requestName: String
    package let responseName: String
    package let kind: CallKind
    let handler: Handler

    init<Kind: MethodKind, Request, Response>(_ method: MeshMethod<Kind, Request, Response>, _ handler: Handler) {
        path = method.path
        requestName = Request.messageName
        responseName = Response.messageName
        kind = Kind.kind
        self.handler = handler
    }
}

/// The methods that a mesh serves, by path.
final class MethodRegistry: Sendable {
    private let methods = Mutex<[String: ServedMethod]>([:])

    /// Adds a method; each is served by one handler.
    func register(_ served: ServedMethod) {
        methods.withLock { methods in
            precondition(methods[served.path] == nil, "\(served.path) is served already")
            methods[served.path] = served
        }
    }

    /// The method at a path.
    func method(at path: String) -> ServedMethod? { methods.withLock { $0[path] } }

    /// The paths of all methods, in order.
    var paths: [String] { methods.withLock { $0.keys.sorted() } }
}

extension ServedMethod.Handler {
    /// The same, in a task of the connection's event loop if it had none.
    var thatMayWait: Self {
        guard case .inline(let handler) = self else { return self }
        return .task(.onLoop) { payload, context in handler(payload, context) }
    }

    /// A handler that may wait.
    static func task<Request: MeshMessage>(
        on execution: HandlerExecution, _ handler: @escaping @Sendable (Request, CallContext) async throws -> Reply
    ) -> Self {
        .task(execution) { payload, context in
            do {
                return try await handler(try payload.request(), context)
            } catch {
                return Reply(to: error)
            }
        }
    }

    /// A handler that does not wait.
    static func inline<Request: MeshMessage, Response: MeshMessage>(
        _ handler: @escaping @Sendable (Request, CallContext) throws -> Response
    ) -> Self {
        .inline { payload, context in
            do {
                return Reply(payload: Payload(try handler(try payload.request(), context)))
            } catch {
                return Reply(to: error)
            }
        }
    }

    /// A handler that reads or writes several messages.
    static func streaming(
        on execution: HandlerExecution, _ handler: @escaping @Sendable (CallStream, CallContext) async throws -> Reply
    ) -> Self {
        .streaming(execution) { stream, context in
            do {
                return try await handler(stream, context)
            } catch {
                return Reply(to: error)
            }
        }
    }
}
