import Identity
public import MeshWire
import NIOCore
import Synchronization
import Telemetry

/// Calls the services of one destination, over one connection that it makes when it is needed and keeps.
///
/// Safe to use from any task. A call from a task that prefers ``executor`` is sent, answered and resumed on the
/// connection's event loop, without a thread hop:
/// ```swift
/// try await withTaskExecutorPreference(client.executor) {
///     for basket in baskets { try await client.call(Scoring.score, basket) }
/// }
/// ```
public final class MeshClient: Sendable {
    /// Where the calls go.
    public let destination: Destination
    private let core: ClientCore
    private let keeper: ConnectionKeeper
    private let methods = Mutex<[MethodKey: ClientMethod]>([:])
    private let sessions: any SessionSource
    private let numbers = CallNumbers()

    init(
        _ core: ClientCore, _ destination: Destination, sessions: (any SessionSource)? = nil, on loop: any EventLoop
    ) {
        self.sessions = sessions ?? RandomSession(core.runtime)
        self.core = core
        self.destination = destination
        keeper = ConnectionKeeper(core, destination, executor: core.runtime.loopExecutor(for: loop))
    }

    deinit {
        // Nobody else can end the connection any more.
        let keeper = keeper
        keeper.executor.eventLoop.execute { keeper.close() }
    }

    /// Runs tasks on the event loop of the client's connection.
    public var executor: LoopExecutor { keeper.executor }

    /// Calls a method and returns its response.
    ///
    /// - Parameters:
    ///   - timeout: how long the call may take in all, retries included; ``MeshConfiguration/callTimeout`` if `nil`.
    ///   - metadata: what travels with the call.
    ///   - priority: what of a connection's large messages leaves first, on both sides.
    ///   - deduplication: session and sequence numbers of a deduplicated method whose service counts them by itself;
    ///     `nil` for the client's session and its next number.
    /// - Throws: a ``MeshError`` that says how far the call came.
    public func call<Request: MeshMessage, Response: MeshMessage>(
        _ method: UnaryMethod<Request, Response>, _ request: Request, timeout: Duration? = nil,
        metadata: Metadata = Metadata(), priority: CallPriority = .normal, deduplication: Deduplication? = nil
    ) async throws(MeshError) -> Response {
        try decode(
            try await answer(method, request, timeout, metadata, priority, deduplication), of: method)
    }

    /// Calls a method and returns its response with what the server said beside it.
    ///
    /// The parameters are those of ``call(_:_:timeout:metadata:priority:deduplication:)``.
    public func answer<Request: MeshMessage, Response: MeshMessage>(
        _ method: UnaryMethod<Request, Response>, _ request: Request, timeout: Duration? = nil,
        metadata: Metadata = Metadata(), priority: CallPriority = .normal, deduplication: Deduplication? = nil
    ) async throws(MeshError) -> Answer<Response> {
        let answer = try await answer(method, request, timeout, metadata, priority, deduplication)
        return Answer(
            try decode(answer, of: method), metadata: answer.metadata, trailers: answer.head.metadata)
    }

    private func answer<Request: MeshMessage, Response: MeshMessage>(
        _ method: UnaryMethod<Request, Response>, _ request: Request, _ timeout: Duration?, _ metadata: Metadata,
        _ priority: CallPriority, _ deduplication: Deduplication?
    ) async throws(MeshError) -> Attempt.Answer {
        guard method.retry == .deduplicated, deduplication == nil else {
            return try await run(method, request, timeout, metadata, priority, deduplication)
        }
        let number = numbers.begin(in: try await sessions.session())
        defer { numbers.end(number) }
        return try await run(method, request, timeout, metadata, priority, number)
    }

    private func run<Request: MeshMessage, Response: MeshMessage>(
        _ method: UnaryMethod<Request, Response>, _ request: Request, _ timeout: Duration?, _ metadata: Metadata,
        _ priority: CallPriority, _ deduplication: Deduplication?
    ) async throws(MeshError) -> Attempt.Answer {
        // Encoded once: every attempt sends identical bytes.
        try await stack(method, Payload(request), metadata, priority, deduplication)
            .run(timeout: timeout ?? callTimeout)
    }

    private func decode<Request, Response: MeshMessage>(
        _ answer: Attempt.Answer, of method: UnaryMethod<Request, Response>
    ) throws(MeshError) -> Response {
        do throws(WireError) {
            return try answer.payload.decode()
        } catch {
            throw MeshError(
                .malformedMessage, "\(method.path) answered what is no \(Response.messageName): \(error.message)",
                progress: .answered, peer: answer.peer, cause: error)
        }
    }

    /// How long a call may take whose caller does not say.
    var callTimeout: Duration { core.configuration.callTimeout }

    /// The path of one call, whatever its kind.
    func stack<Kind, Request, Response>(
        _ method: MeshMethod<Kind, Request, Response>, _ payload: Payload, _ metadata: Metadata,
        _ priority: CallPriority, _ deduplication: Deduplication? = nil
    ) throws(MeshError) -> ClientStack {
        let request = try CallRequest(
            known(method), payload, metadata, priority, deduplication, within: core.configuration.limits)
        return ClientStack(core, keeper, request)
    }

    /// The connection to the destination, made if there is none: who is at the other end, and how that is known.
    public func connection() async throws(MeshError) -> ConnectionInfo {
        let result: Result<ConnectionInfo, MeshError> = await withCheckedContinuation { continuation in
            onLoop {
                self.keeper.withConnection { connection, error in
                    if let connection { return continuation.resume(returning: .success(connection.info)) }
                    continuation.resume(returning: .failure(error ?? MeshError(.connectFailed, "no connection")))
                }
            }
        }
        return try result.get()
    }

    /// Closes the connection; calls that are under way fail, and so do later ones.
    public func close() {
        onLoop { self.keeper.close() }
    }

    /// Two services may mean different things by one path: the server will tell.
    private struct MethodKey: Hashable {
        let path: String
        let request: ObjectIdentifier
        let response: ObjectIdentifier
        let kind: CallKind
        let retry: RetrySafety
    }

    /// What the calls of a method share, resolved once.
    private func known<Kind, Request, Response>(_ method: MeshMethod<Kind, Request, Response>) -> ClientMethod {
        let key = MethodKey(
            path: method.path, request: ObjectIdentifier(Request.self), response: ObjectIdentifier(Response.self),
            kind: Kind.kind, retry: method.retry)
        return methods.withLock { methods in
            if let known = methods[key] { return known }
            let made = ClientMethod(
                method, series: core.metrics.series(method.path, destination: destination.expected),
                destination: "\(destination)")
            methods[key] = made
            return made
        }
    }

    private func onLoop(_ body: @escaping @Sendable () -> Void) {
        let loop = keeper.executor.eventLoop
        if loop.inEventLoop { body() } else { loop.execute(body) }
    }
}
