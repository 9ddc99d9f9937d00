public import Hummingbird
import HummingbirdCore
import Identity
public import Logging
public import MeshTransport
import MeshWire
public import NIOCore
public import ServiceLifecycle

/// Answers HTTP/1.1 requests on a mesh's own listener: the same port, the same mutual TLS, the same policy as the
/// mesh's calls, with Hummingbird's router behind them.
///
/// ```swift
/// let front = try HTTPFront(on: mesh) { router in
///     router.addMetrics(mesh.metrics)
///     router.get("hello") { _, context in "Hello \(context.peer?.description ?? "nobody")" }
/// }
/// try await mesh.listen(host: "0.0.0.0", port: 8443)
/// try await ServiceGroup(services: [mesh, front], logger: logger).run()
/// ```
///
/// **Policy.** The mesh's ``AuthorizationPolicy`` is asked for each request, before its body is read: may this peer
/// reach this path? The path is asked as it stands in the request line, without its query (`/v2/models/digits/infer`),
/// and without the method: rules name paths (`/metrics`, `/v2/*`). Of a target in absolute form the path counts; other
/// targets are refused with 400. Who may not reach a path learns that with a 403 and nothing else.
///
/// **Errors** are JSON objects with one member, `error`. A handler throws Hummingbird's `HTTPError` to choose status
/// and text; other errors are logged and answered with 500.
///
/// Safe to use from any task; what changes is guarded by one mutex.
public final class HTTPFront: HTTPAcceptor, Service {
    private let configuration: HTTPConfiguration
    private let responder: RouterResponder<MeshRequestContext>
    private let connections: HTTPConnections
    private let runtime: any Runtime
    private let logger: Logger

    /// Makes a front end and registers it with `mesh`, for the listeners that the mesh opens afterwards.
    ///
    /// - Parameter routes: adds handlers to the router, which answers `HEAD` wherever there is a `GET`.
    /// - Throws: ``MeshHTTPError/Code/invalidConfiguration``.
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
        connections = HTTPConnections(limit: configuration.connections)
        mesh.serveHTTP(self)
    }

    /// Takes a connection; called by the mesh's listener on the channel's event loop.
    ///
    /// - Throws: ``MeshHTTPError/Code/tooManyConnections``, ``MeshHTTPError/Code/stopping``.
    public func accept(_ channel: any Channel, _ connection: ConnectionInfo, gate: HTTPGate) throws {
        let peer = connection.peer?.description ?? connection.remoteAddress
        let number = try connections.reserve(for: peer)
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
                connections.start(number, on: channel, runtime) { [logger] in
                    await http.handle(value: value, logger: logger)
                }
            case .failure(let error):
                connections.end(number)
                channel.pipeline.fireErrorCaught(
                    MeshHTTPError(.channelSetUpFailed, "the channel does not take HTTP", peer: peer, cause: error))
            }
        }
    }

    /// Waits until the service group shuts down or the task is cancelled, and then stops the connections.
    public func run() async throws {
        // Throws when the task is cancelled, which ends the service as a shutdown does.
        try? await gracefulShutdown()
        await stop()
    }

    /// Takes no new connection, closes those without a request, lets the others finish within
    /// ``HTTPConfiguration/drainTimeout`` and returns when all are closed; ``run()`` does this at its end.
    public func stop() async {
        await connections.stop(within: configuration.drainTimeout, runtime)
    }
}
