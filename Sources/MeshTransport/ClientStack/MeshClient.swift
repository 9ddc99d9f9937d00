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

    init(_ core: ClientCore, _ destination: Destination, on loop: any EventLoop) {
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

    /// Calls a method and returns its answer.
    ///
    /// - Parameters:
    ///   - timeout: how long the call may take in all, retries included; ``MeshConfiguration/callTimeout`` if `nil`.
    ///   - metadata: text that travels with the call.
    ///   - deduplication: session and sequence numbers; a deduplicated method needs them.
    /// - Throws: a ``MeshError`` that says how far the call came.
    public func call<Request: MeshMessage, Response: MeshMessage>(
        _ method: UnaryMethod<Request, Response>, _ request: Request, timeout: Duration? = nil,
        metadata: Metadata = Metadata(), deduplication: Deduplication? = nil
    ) async throws(MeshError) -> Response {
        guard method.retry != .deduplicated || deduplication?.entries.isEmpty == false else {
            throw MeshError(
                .missingDeduplication, "\(method.path) is deduplicated: its calls carry a session and sequence numbers",
                progress: .notSent, peer: "\(destination)")
        }
        // Encoded once: every attempt sends identical bytes.
        let request = try CallRequest(
            known(method), Payload(request), metadata, deduplication, within: core.configuration.limits)
        let (payload, peer) = try await ClientStack(core, keeper, request).run(
            timeout: timeout ?? core.configuration.callTimeout)
        do throws(WireError) {
            return try payload.decode()
        } catch {
            throw MeshError(
                .malformedMessage, "\(method.path) answered what is no \(Response.messageName): \(error.message)",
                progress: .answered, peer: peer, cause: error)
        }
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
        let retry: RetrySafety
    }

    /// What the calls of a method share, resolved once.
    private func known<Request: MeshMessage, Response: MeshMessage>(
        _ method: UnaryMethod<Request, Response>
    ) -> ClientMethod {
        let key = MethodKey(
            path: method.path, request: ObjectIdentifier(Request.self), response: ObjectIdentifier(Response.self),
            retry: method.retry)
        return methods.withLock { methods in
            if let known = methods[key] { return known }
            let made = ClientMethod(
                path: method.path, requestName: Request.messageName, responseName: Response.messageName,
                retry: method.retry, series: core.metrics.series(method.path, destination: destination.expected),
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
