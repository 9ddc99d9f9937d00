import HTTPTypes
import Hummingbird
import HummingbirdCore
import Identity
import Logging
import MeshTransport
import MeshWire
import NIOCore

/// What happens to each request of one connection, outermost first:
///
/// 1. the target is checked: a path that begins with a slash;
/// 2. the policy decides whether this peer may reach the path;
/// 3. the body is read, up to the limit;
/// 4. the router answers;
/// 5. the answer is measured and written; if the connection is to end, it is the last.
///
/// A request that 1, 2 or 3 refuse is answered without its handler, and what it still sends is thrown away.
///
/// The asynchronous functions are `@concurrent` because Hummingbird's are: what they pass on must not be held elsewhere.
struct HTTPExchanges: Sendable {
    let connection: ConnectionInfo
    let gate: HTTPGate
    let responder: RouterResponder<MeshRequestContext>
    let configuration: HTTPConfiguration
    let logger: Logger

    /// What requests without a route are called in metrics: their paths are the callers' choice.
    private static let unmatched = "unmatched"

    /// Answers one request; an error ends the connection.
    @concurrent func answer(_ request: Request, _ writer: consuming ResponseWriter, on channel: any Channel)
        async throws
    {
        let start = gate.runtime.now
        let timer = channel.eventLoop.scheduleTask(in: .nanoseconds(configuration.requestTimeout.inNanoseconds)) {
            channel.close(promise: nil)
        }
        defer { timer.cancel() }
        var route = Self.unmatched
        var body = HTTPBodyReader(request, limit: configuration.requestBodyBytes)
        let response: Response
        if let refusal = refusal(of: request, body) {
            response = refusal
        } else {
            if request.headers[.expect]?.lowercased() == "100-continue" {
                try await writer.writeInformationalHead(HTTPResponse(status: .continue))
            }
            if let content = try await body.collect() {
                (response, route) = await handle(request, content)
            } else {
                response = tooLarge()
            }
        }
        let isLast = gate.isDraining
        try await write(response, with: writer, isHead: request.method == .head, isLast: isLast)
        gate.answered(
            route, status: CallStatus(response.status), after: start.duration(to: gate.runtime.now))
        try await body.discardRest()
        if isLast { throw ConnectionEnds() }
    }

    /// The connection's last request has been answered. What its peer has sent after it, it may send again elsewhere.
    private struct ConnectionEnds: Error {}

    /// Steps 1 and 2, and what the head says about 3.
    private func refusal(of request: Request, _ body: HTTPBodyReader) -> Response? {
        let target = request.head.path ?? ""
        let path = target.prefix { $0 != "?" }
        guard path.first == "/" else {
            return JSONErrors.response(.badRequest, "the request's target is not a path")
        }
        guard gate.isAllowed(String(path)) else {
            return JSONErrors.response(.forbidden, "not allowed for this caller")
        }
        return body.isDeclaredTooLarge ? tooLarge() : nil
    }

    private func tooLarge() -> Response {
        JSONErrors.response(
            .contentTooLarge, "the body is larger than the limit of \(configuration.requestBodyBytes) bytes")
    }

    /// Step 4: the answer, and the route that gave it.
    @concurrent private func handle(_ request: Request, _ content: ByteBuffer) async -> (Response, String) {
        var request = request
        request.body = RequestBody(buffer: content)
        var logger = logger
        logger[metadataKey: "hb.request.id"] = .stringConvertible(RequestID())
        logger[metadataKey: "peer"] = "\(connection.peer?.description ?? "none")"
        let context = MeshRequestContext(
            source: MeshRequestSource(
                logger: logger, connection: connection, requestBodyBytes: configuration.requestBodyBytes))
        let response: Response
        do {
            response = try await responder.respond(to: request, context: context)
        } catch {
            response = JSONErrors.response(to: error, logger)
        }
        // The router calls what it has no route for so, in place of a path.
        let route = context.endpointPath.flatMap { $0 == "NotFound" ? nil : $0 }
        return (response, route ?? Self.unmatched)
    }

    /// Step 5.
    @concurrent private func write(
        _ response: Response, with writer: consuming ResponseWriter, isHead: Bool, isLast: Bool
    ) async throws {
        var head = response.head
        head.headerFields[.date] = HTTPDate.text(gate.runtime.timeSince1970)
        if isLast { head.headerFields[.connection] = "close" }
        if isHead {
            try await writer.writeResponse(head)
        } else {
            try await writer.write(response: head, body: response.body)
        }
    }
}

extension CallStatus {
    /// The mesh's status that means what an HTTP status does (gRPC's mapping, where it has one).
    init(_ status: HTTPResponse.Status) {
        self =
            switch status.code {
            case 100..<400: .ok
            case 401: .unauthenticated
            case 403: .permissionDenied
            case 404: .notFound
            case 405, 501: .unimplemented
            case 408, 504: .deadlineExceeded
            case 413, 429: .resourceExhausted
            case 400..<500: .invalidArgument
            case 503: .unavailable
            default: .internalError
            }
    }
}
