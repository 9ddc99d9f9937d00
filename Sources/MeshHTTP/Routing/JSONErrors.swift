import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// Turns the errors of handlers into answers with a JSON object that has one member, `error`.
struct JSONErrors: RouterMiddleware {
    typealias Context = MeshRequestContext

    @concurrent func handle(
        _ request: Request, context: MeshRequestContext,
        next: @concurrent (Request, MeshRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            return Self.response(to: error, context.logger)
        }
    }

    /// The answer to an error. What is no `HTTPResponseError` is logged here, and its text is not shown to the caller.
    static func response(to error: any Error, _ logger: Logger) -> Response {
        switch error {
        case let error as HTTPError:
            return response(error.status, error.body ?? error.status.reasonPhrase, error.headers)
        case let error as any HTTPResponseError:
            return response(error.status, error.status.reasonPhrase)
        case is CancellationError:
            return response(.serviceUnavailable, "the server is shutting down")
        default:
            logger.error("handler failed", metadata: ["error": "\(error)"])
            return response(.internalServerError, "the handler failed")
        }
    }

    /// An answer that says `message`.
    static func response(
        _ status: HTTPResponse.Status, _ message: String, _ headers: HTTPFields = [:]
    ) -> Response {
        var json = JSONWriter()
        json.object { json in json.member("error") { $0.string(message) } }
        var headers = headers
        headers[.contentType] = JSONWriter.contentType
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: json.bytes)))
    }
}
