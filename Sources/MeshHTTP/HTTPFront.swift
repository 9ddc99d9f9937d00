public import Hummingbird
import HummingbirdCore
import Identity
public import Logging
public import MeshTransport
import MeshWire
public import NIOCore
import Synchronization

/// Answers plain HTTP on a mesh's own listener, HTTP/1.1 and, where the mesh speaks gRPC, HTTP/2: the same port, the
/// same mutual TLS, the same policy as the mesh's calls, with Hummingbird's router behind them.
///
/// ```swift
/// try HTTPFront(on: mesh) { router in
///     router.addMetrics(mesh.metrics)
///     router.get("hello") { _, context in "Hello \(context.peer?.description ?? "nobody")" }
/// }
/// try await mesh.listen(host: "0.0.0.0", port: 8443)
/// try await mesh.run()
/// ```
///
/// **Policy.** The mesh's ``AuthorizationPolicy`` is asked for each request, before its body is read: may this peer
/// reach this path? The path is asked as it stands in the request line, without its query (`/v2/models/digits/infer`),
/// and without the method: rules name paths (`/metrics`, `/v2/*`). Of a target in absolute form the path counts; other
/// targets are refused with 400. Who may not reach a path learns that with a 403 and nothing else. Bearer tokens and
/// the like are verified as those of calls are, by the mesh's `ClaimsInterceptor`s (`MeshJWT` has one), and the policy
/// is given their claims: a request with a token that is not good, or with none where one might do, is answered with
/// 401 and `WWW-Authenticate`.
///
/// **Errors** are JSON objects with one member, `error`. A handler throws Hummingbird's `HTTPError` to choose status
/// and text; other errors are logged and answered with 500.
///
/// **Ends.** A connection ends as the mesh's others do: when a certificate of it ends, when its peer is no longer trusted,
/// when the mesh stops. The request that is under way is answered, with `Connection: close`, if that takes no longer than
/// the mesh's `drainTimeout`. When a connection closes, its handler's task is cancelled.
///
/// Safe to use from any task; what changes is guarded by one mutex.
public final class HTTPFront: HTTPExchangeAcceptor {
    private let configuration: HTTPConfiguration
    private let responder: RouterResponder<MeshRequestContext>
    /// How many connections are answered.
    private let connections = Mutex(0)
    private let runtime: any Runtime
    private let logger: Logger

    /// Makes a front end and registers it with `mesh`, which keeps it, for the listeners that the mesh opens afterwards.
    ///
    /// - Parameter routes: adds handlers to the router, which answers `HEAD` wherever there is a `GET`.
    /// - Throws: ``MeshHTTPError/Code/invalidConfiguration``.
    @discardableResult
    public init(
        on mesh: Mesh, configuration: HTTPConfiguration = HTTPConfiguration(),
        logger: Logger = Logger(label: "meshwork.http"), routes: (Router<MeshRequestContext>) -> Void
    ) throws(MeshHTTPError) {
        try configuration.validate()
        let router = Router(context: MeshRequestContext.self, options: .autoGenerateHeadEndpoints)
        // First, so that it sees the errors of every route and of requests without one.
        router.add(middleware: JSONErrors())
        routes(router)
        self.configuration = configuration
        self.logger = logger
        responder = router.buildResponder()
        runtime = mesh.runtime
        mesh.serveHTTP(self)
    }

    /// Takes a connection; called by the mesh's listener on the channel's event loop.
    ///
    /// - Throws: ``MeshHTTPError/Code/tooManyConnections``.
    public func accept(_ channel: any Channel, _ connection: ConnectionInfo, gate: HTTPGate) throws {
        let peer = connection.peer?.description ?? connection.remoteAddress
        try reserve(for: peer)
        let exchanges = HTTPExchanges(
            connection: connection, gate: gate, responder: responder, configuration: configuration, logger: logger)
        var settings = HTTP1Channel.Configuration(
            idleTimeout: .nanoseconds(configuration.idleTimeout.inNanoseconds))
        settings.httpDecoder.maxHeaderFieldSize = configuration.headerBytes
        settings.httpDecoder.maxHeaderListSize = configuration.headerBytes
        let http = HTTP1Channel(
            responder: { request, writer, channel in try await exchanges.answer(request, writer, on: channel) },
            configuration: settings)
        // The future is complete when it is returned: set-up happens here, before the first byte is passed on.
        http.setup(channel: channel, logger: logger).whenComplete { [self] result in
            switch result {
            case .success(let value):
                // Ends with the channel.
                let task = runtime.spawn(on: runtime.taskExecutor) { [self] in
                    await http.handle(value: value, logger: logger)
                    connections.withLock { $0 -= 1 }
                }
                channel.closeFuture.whenComplete { _ in task.cancel() }
            case .failure(let error):
                connections.withLock { $0 -= 1 }
                channel.pipeline.fireErrorCaught(
                    MeshHTTPError(.channelSetUpFailed, "the channel does not take HTTP", peer: peer, cause: error))
            }
        }
    }

    /// Answers a request on a stream of HTTP/2; called by the connection's wire on its event loop.
    package func accept(_ exchange: HTTPExchange, _ connection: ConnectionInfo, gate: HTTPGate) {
        do {
            try reserve(for: connection.peer?.description ?? connection.remoteAddress)
        } catch {
            return exchange.respond(503, [], isWhole: true)
        }
        let exchanges = HTTPExchanges(
            connection: connection, gate: gate, responder: responder, configuration: configuration, logger: logger)
        let task = runtime.spawn(on: runtime.taskExecutor) { [self] in
            await exchanges.answer(exchange)
            connections.withLock { $0 -= 1 }
        }
        exchange.whenAborted { task.cancel() }
    }

    private func reserve(for peer: String) throws(MeshHTTPError) {
        let limit = configuration.connections
        try connections.withLock { connections throws(MeshHTTPError) in
            guard connections < limit else {
                throw MeshHTTPError(
                    .tooManyConnections, "there are \(limit) connections, as many as are allowed", peer: peer)
            }
            connections += 1
        }
    }
}
