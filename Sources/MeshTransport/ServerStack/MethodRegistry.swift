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
    typealias Handler = @Sendable @concurrent (Payload, CallContext) async -> Reply

    let path: String
    let requestName: String
    let responseName: String
    let execution: HandlerExecution
    let handle: Handler

    init(
        path: String, requestName: String, responseName: String, execution: HandlerExecution, handle: @escaping Handler
    ) {
        self.path = path
        self.requestName = requestName
        self.responseName = responseName
        self.execution = execution
        self.handle = handle
    }
}

/// The methods that a listener serves, by path.
final class MethodRegistry: Sendable {
    private let methods = Mutex<[String: ServedMethod]>([:])

    /// Adds a method; each is served by one handler.
    func register<Request: MeshMessage, Response: MeshMessage>(
        _ method: UnaryMethod<Request, Response>, execution: HandlerExecution,
        _ handler: @escaping @Sendable (Request, CallContext) async throws -> Response
    ) {
        let served = ServedMethod(
            path: method.path, requestName: Request.messageName, responseName: Response.messageName,
            execution: execution,
            handle: { payload, context in await Self.answer(payload, context, handler) })
        methods.withLock { methods in
            precondition(methods[method.path] == nil, "\(method.path) is served already")
            methods[method.path] = served
        }
    }

    /// The method at a path.
    func method(at path: String) -> ServedMethod? { methods.withLock { $0[path] } }

    private static func answer<Request: MeshMessage, Response: MeshMessage>(
        _ payload: Payload, _ context: CallContext,
        _ handler: @Sendable (Request, CallContext) async throws -> Response
    ) async -> Reply {
        let request: Request
        do throws(WireError) {
            request = try payload.decode()
        } catch {
            return Reply(
                status: .invalidArgument, message: "\(Request.messageName): \(error.message)", hasNotRun: true)
        }
        do {
            return Reply(payload: Payload(try await handler(request, context)))
        } catch let failure as CallFailure {
            return Reply(status: failure.status, message: failure.message, hasNotRun: failure.hasNotRun)
        } catch is CancellationError {
            return Reply(status: .cancelled, message: "the handler was cancelled")
        } catch {
            return Reply(status: .unknown, message: "the handler failed", detail: "\(error)")
        }
    }
}
