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
/// 2. what the request shows beside the certificate is verified, if an interceptor does that, and the policy decides
///    whether this peer may reach the path;
/// 3. the body is read, up to the limit;
/// 4. the router answers;
/// 5. the answer is written; if the connection is to end, it is the last;
/// 6. the request is measured, traced, logged and shown to those who watch.
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
        guard !gate.hasEnded else { throw ConnectionEnds() }
        let start = gate.runtime.now
        let timer = channel.eventLoop.scheduleTask(in: .nanoseconds(configuration.requestTimeout.inNanoseconds)) {
            channel.close(promise: nil)
        }
        defer { timer.cancel() }
        var route = Self.unmatched
        var body = HTTPBodyReader(request, limit: configuration.requestBodyBytes)
        let trace = gate.trace(request.method.rawValue, request.metadata)
        let isLast: Bool
        do {
            let response: Response
            switch admission(of: request, body) {
            case .refused(let refusal):
                response = refusal
            case .admitted(let claims):
                if request.expectsContinue { try await writer.writeInformationalHead(HTTPResponse(status: .continue)) }
                (response, route) = try await self.response(to: request, claims, &body, in: trace)
            }
            isLast = gate.isDraining
            try await write(response, with: writer, isHead: request.method == .head, isLast: isLast)
            answered(route, request, "HTTP/1.1", response, body.count, since: start, trace)
        } catch {
            gate.gaveUp(route, after: start.duration(to: gate.runtime.now), trace: trace)
            throw error
        }
        try await body.discardRest()
        if isLast { throw ConnectionEnds() }
    }

    /// Answers one request on a stream of its own; an error ends the stream.
    @concurrent func answer(_ exchange: HTTPExchange) async {
        let start = gate.runtime.now
        let timer = exchange.eventLoop.scheduleTask(in: .nanoseconds(configuration.requestTimeout.inNanoseconds)) {
            exchange.abort("the request took longer than \(configuration.requestTimeout)")
        }
        defer { timer.cancel() }
        var route = Self.unmatched
        let response: Response
        let request = Request(exchange)
        let trace = request.flatMap { gate.trace($0.method.rawValue, $0.metadata) }
        do {
            var bodyBytes = 0
            if let request {
                var body = HTTPBodyReader(request, limit: configuration.requestBodyBytes)
                defer { bodyBytes = body.count }
                switch admission(of: request, body) {
                case .refused(let refusal):
                    response = refusal
                case .admitted(let claims):
                    if request.expectsContinue { exchange.respond(100, [], isWhole: false) }
                    (response, route) = try await self.response(to: request, claims, &body, in: trace)
                }
            } else {
                response = JSONErrors.response(.badRequest, "the request's method is none of HTTP's")
            }
            let head = self.head(of: response)
            let isWhole = exchange.request.method == "HEAD" || response.body.contentLength == 0
            exchange.respond(
                head.status.code, head.headerFields.map { HTTPHeaderField($0.name.canonicalName, $0.value) },
                isWhole: isWhole)
            if !isWhole { try await response.body.write(HTTPExchangeBodyWriter(exchange: exchange)) }
            if let request { answered(route, request, "HTTP/2.0", response, bodyBytes, since: start, trace) }
        } catch {
            logger.debug("request given up", metadata: ["peer": "\(peer)", "error": "\(error)"])
            gate.gaveUp(route, after: start.duration(to: gate.runtime.now), trace: trace)
            exchange.abort("the answer cannot be sent")
        }
    }

    private var peer: String { connection.peer?.description ?? connection.remoteAddress }

    /// Steps 3 and 4: the answer, and the route that gave it.
    @concurrent private func response(
        to request: Request, _ claims: [String: [String]], _ body: inout HTTPBodyReader, in trace: HTTPTrace?
    ) async throws -> (Response, String) {
        guard let content = try await body.collect() else { return (tooLarge(), Self.unmatched) }
        guard let trace else { return await handle(request, claims, content) }
        return await trace.around { await handle(request, claims, content) }
    }

    /// Step 6: measures, traces and logs the request.
    private func answered(
        _ route: String, _ request: Request, _ version: String, _ response: Response, _ bodyBytes: Int,
        since start: RuntimeInstant, _ trace: HTTPTrace?
    ) {
        var answer = HTTPAnswer(
            method: request.method.rawValue, target: request.head.path ?? "", version: version,
            status: response.status.code)
        answer.requestBytes = bodyBytes
        answer.responseBytes = response.body.contentLength ?? 0
        answer.userAgent = request.headers[.userAgent]
        answer.referrer = request.headers[.referer]
        gate.answered(
            route, answer, status: CallStatus(response.status), after: start.duration(to: gate.runtime.now),
            trace: trace)
    }

    /// The connection's last request has been answered. What its peer has sent after it, it may send again elsewhere.
    private struct ConnectionEnds: Error {}

    /// Whether a request goes on to its handler.
    private enum Admission {
        /// With what has been verified of its caller.
        case admitted([String: [String]])
        case refused(Response)
    }

    /// Steps 1 and 2, and what the head says about 3.
    private func admission(of request: Request, _ body: HTTPBodyReader) -> Admission {
        let target = request.head.path ?? ""
        let path = String(target.prefix { $0 != "?" })
        guard path.first == "/" else {
            return .refused(JSONErrors.response(.badRequest, "the request's target is not a path"))
        }
        let allowed: [String: [String]]
        switch gate.authorize(path, request.metadata) {
        case .allowed(let claims):
            allowed = claims
        case .unauthenticated(let challenges):
            var headers = HTTPFields()
            for challenge in challenges { headers.append(HTTPField(name: .wwwAuthenticate, value: challenge)) }
            return .refused(JSONErrors.response(.unauthorized, "the request needs a credential that is good", headers))
        case .forbidden:
            return .refused(JSONErrors.response(.forbidden, "not allowed for this caller"))
        case .failed(let status):
            return .refused(
                JSONErrors.response(.init(code: status.httpStatus), "the request's credential cannot be verified now"))
        }
        if let wait = gate.wait(for: path) {
            let seconds = max(1, Int(wait.inSeconds.rounded(.up)))
            return .refused(
                JSONErrors.response(
                    .tooManyRequests, "too many requests, come again later", [.retryAfter: "\(seconds)"]))
        }
        return body.isDeclaredTooLarge ? .refused(tooLarge()) : .admitted(allowed)
    }

    private func tooLarge() -> Response {
        JSONErrors.response(
            .contentTooLarge, "the body is larger than the limit of \(configuration.requestBodyBytes) bytes")
    }

    /// Step 4: the answer, and the route that gave it.
    @concurrent private func handle(
        _ request: Request, _ claims: [String: [String]], _ content: ByteBuffer
    ) async -> (Response, String) {
        var request = request
        request.body = RequestBody(buffer: content)
        var logger = logger
        logger[metadataKey: "hb.request.id"] = .stringConvertible(RequestID())
        logger[metadataKey: "peer"] = "\(connection.peer?.description ?? "none")"
        let context = MeshRequestContext(
            source: MeshRequestSource(
                logger: logger, connection: connection, claims: claims,
                requestBodyBytes: configuration.requestBodyBytes))
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
        var head = self.head(of: response)
        if isLast { head.headerFields[.connection] = "close" }
        if isHead {
            try await writer.writeResponse(head)
        } else {
            try await writer.write(response: head, body: response.body)
        }
    }
}

extension HTTPExchanges {
    private func head(of response: Response) -> HTTPResponse {
        var head = response.head
        head.headerFields[.date] = HTTPDate.text(gate.runtime.timeSince1970)
        return head
    }
}

extension Request {
    /// Whether the client waits for word before it sends the body (RFC 9110, 10.1.1).
    fileprivate var expectsContinue: Bool { headers[.expect]?.lowercased() == "100-continue" }

    /// The header fields, as calls have them.
    fileprivate var metadata: Metadata {
        var metadata = Metadata()
        for field in headers { metadata.append(Metadata.Entry(key: field.name.canonicalName, value: field.value)) }
        return metadata
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
