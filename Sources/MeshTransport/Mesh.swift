public import Identity
public import Logging
public import MeshWire
import NIOCore
public import ServiceLifecycle
import Synchronization
public import Telemetry

/// A process's place in the mesh: its identity, the methods that it serves, and its clients.
///
/// ```swift
/// let mesh = try Mesh(identity: source, policy: policy)
/// mesh.serve(Scoring.score) { basket, call in try await model.score(basket, for: call.peer) }
/// let address = try await mesh.listen(host: "127.0.0.1", port: 0)
/// try await mesh.run()      // or in a ServiceGroup
/// ```
/// Clients can be used without ``run()``; it serves until the service group shuts down or the task is cancelled, and
/// then finishes the calls that are open.
public final class Mesh: Service {
    /// The mesh's surroundings.
    public let runtime: any Runtime
    /// Where calls are counted and timed.
    public let metrics: MetricsRegistry
    /// Who this process is.
    public let identity: any IdentitySource
    /// Which life of which process this is.
    public let instance: InstanceID

    /// Remembers the calls of deduplicated methods.
    let deduplicationStore: any DeduplicationStore
    /// What may change while calls run.
    let inForce: ConfigurationInForce
    /// Counts those changes.
    package let configurationMetrics: ConfigurationMetrics
    package let logger: Logger
    private let configuration: MeshConfiguration
    private let verifier: PeerVerifier
    let server: ServerCore
    private let clientCore: ClientCore
    private let table = ConnectionTable()
    let state = Mutex(State())
    /// What the process needs and does not have.
    let missing = Mutex(Missing())

    struct State {
        var httpAcceptor: (any HTTPAcceptor)?
        var wires: [any WireProtocol] = []
        var listeners: [any Channel] = []
        var isStopped = false
    }

    /// Makes a mesh; nothing runs yet.
    ///
    /// - Parameters:
    ///   - identity: who this process is and whom it trusts.
    ///   - policy: who may call what; nobody may call what it does not name.
    ///   - deduplicationStore: remembers the calls of deduplicated methods; default one in memory, as
    ///     ``MeshConfiguration/deduplication`` says.
    ///   - metrics: where calls are counted and timed.
    /// - Throws: ``MeshError/Code/invalidConfiguration``.
    public init(
        configuration: MeshConfiguration = MeshConfiguration(), identity: any IdentitySource,
        policy: AuthorizationPolicy, deduplicationStore: (any DeduplicationStore)? = nil,
        runtime: any Runtime = SystemRuntime.shared,
        metrics: MetricsRegistry = MetricsRegistry(), logger: Logger = Logger(label: "meshwork")
    ) throws(MeshError) {
        try configuration.validate()
        self.configuration = configuration
        self.identity = identity
        self.runtime = runtime
        self.metrics = metrics
        self.logger = logger
        let store = deduplicationStore ?? MemoryDeduplicationStore(configuration.deduplication, runtime: runtime)
        self.deduplicationStore = store
        instance = InstanceID(high: runtime.randomBits(), low: runtime.randomBits())
        verifier = try PeerVerifier(clockSkew: configuration.clockSkew)
        let inForce = try ConfigurationInForce(DynamicConfiguration(configuration, authorization: policy))
        let configurationMetrics = ConfigurationMetrics(metrics)
        (self.inForce, self.configurationMetrics) = (inForce, configurationMetrics)
        configurationMetrics.isInForce(inForce.number)
        _ = inForce.observe { _, new in configurationMetrics.isInForce(new.number) }
        let shards = LoopShards(metrics, runtime)
        server = ServerCore(
            instance: ServerInstance(id: instance, store: store.id), configuration: configuration, inForce,
            runtime: runtime, identity: identity, registry: MethodRegistry(), table: table,
            metrics: ServerMetrics(metrics, shards), logger: logger)
        clientCore = ClientCore(
            instance: instance, configuration: configuration, inForce, runtime: runtime, identity: identity,
            trust: .bundle,
            applicationProtocol: ApplicationProtocol.mesh, verifier: verifier, table: table,
            metrics: ClientMetrics(metrics, shards),
            logger: logger)
    }

    /// The paths of the methods that are served, in order.
    package var servedPaths: [String] { server.registry.paths }

    /// How calls are traced, for spans of rooms above; `nil` for not at all.
    package var tracing: TracingConfiguration? { configuration.telemetry.tracing }

    /// The limits of each connection.
    package var limits: WireLimits { configuration.limits }

    /// Has `handler` answer the calls of `method`.
    func register<Kind, Request, Response>(
        _ method: MeshMethod<Kind, Request, Response>, _ handler: ServedMethod.Handler
    ) {
        // What an interceptor waits for does not fit between a call's reading and its answer.
        server.registry.register(
            ServedMethod(method, server.waitingInterceptors.isEmpty ? handler : handler.thatMayWait))
    }

    /// Speaks `wire` besides the mesh's own: on listeners and to destinations that are opened afterwards.
    package func add(_ wire: any WireProtocol) {
        state.withLock { $0.wires.append(wire) }
        clientCore.add(wire)
    }

    /// Hands connections that speak HTTP/1.1 to `acceptor`; for listeners that are opened afterwards.
    public func serveHTTP(_ acceptor: any HTTPAcceptor) {
        state.withLock { $0.httpAcceptor = acceptor }
    }

    /// Listens for mutual-TLS connections on `host`, a name or an address.
    ///
    /// - Parameter port: 0 picks a free one.
    /// - Returns: where it listens.
    /// - Throws: ``MeshError/Code/listenFailed``, for example when the port is in use, or the mesh was stopped.
    @discardableResult
    public func listen(host: String, port: Int) async throws(MeshError) -> ListenerAddress {
        let endpoint = try await listen(on: .tcp(host: host, port: port))
        guard case .tcp(_, let port) = endpoint else { preconditionFailure("a TCP listener has a port") }
        return ListenerAddress(host: host, port: port)
    }

    /// Listens on `endpoint`.
    ///
    /// A Unix domain socket's file is made, and removed when the mesh stops. One that is there already is replaced if
    /// nobody listens on it any more; one that is in use, or a file of another kind, is left alone. Who may connect to
    /// the socket, the permissions of its file and its folder say. Of two processes that open listeners at one path in
    /// the same instant, the later one may replace the earlier one's file.
    ///
    /// ```swift
    /// try await mesh.listen(on: .unix(path: "/run/shop/scoring.sock"))
    /// try await mesh.listen(on: .tcp(host: "127.0.0.1", port: 8080), security: .plaintext)    // behind a proxy
    /// ```
    /// - Parameter security: what protects the connections. Anybody may connect to a listener in plain text and call
    ///   what a rule of the policy allows to callers without an identity.
    /// - Returns: where it listens, with the port that was picked where `endpoint`'s is 0.
    /// - Throws: ``MeshError/Code/listenFailed``, for example when the endpoint is in use, or the mesh was stopped.
    @discardableResult
    public func listen(
        on endpoint: Endpoint, security: TransportSecurity = .mutualTLS
    ) async throws(MeshError) -> Endpoint {
        let listener = ListenerCore(
            server: server, identity: identity, verifier: verifier, trust: .bundle,
            meshProtocol: ApplicationProtocol.mesh, wires: state.withLock { $0.wires },
            httpAcceptor: state.withLock { $0.httpAcceptor }, transport: security)
        let (channel, opened) = try await listener.listen(on: endpoint)
        let isStopped = state.withLock { state in
            state.listeners.append(channel)
            return state.isStopped
        }
        guard !isStopped else {
            try? await channel.close()
            throw MeshError(.listenFailed, "cannot listen on \(endpoint): the mesh was stopped")
        }
        return opened
    }

    /// The connections that are open, in and out, in the order in which they were opened.
    public var connections: [OpenConnection] { table.open }

    /// A client of the services at `destination`, on an event loop of its own choosing.
    ///
    /// - Parameter sessions: the session of its deduplicated calls; default a random one for the client's life.
    public func client(_ destination: Destination, sessions: (any SessionSource)? = nil) -> MeshClient {
        MeshClient(clientCore, destination, sessions: sessions, on: runtime.eventLoopGroup.next())
    }

    /// Serves until the service group shuts down or the task is cancelled; then takes no new calls and returns when
    /// the open ones are finished or ``MeshConfiguration/drainTimeout`` is over.
    public func run() async throws {
        let forever = RuntimeInstant(nanoseconds: .max)
        await runtime.untilStopped {
            while !Task.isCancelled { try? await self.runtime.sleep(until: forever) }
        }
        await stop()
    }

    /// Whether ``stop()`` has been called: nobody can call this process any more.
    package var isStopped: Bool { state.withLock { $0.isStopped } }

    /// Stops listening and finishes the open calls and HTTP requests, within ``MeshConfiguration/drainTimeout``;
    /// ``run()`` does this at its end.
    public func stop() async {
        let listeners = state.withLock { state in
            defer { state.listeners = [] }
            state.isStopped = true
            return state.listeners
        }
        for listener in listeners {
            try? await listener.close()
            // Whoever listens there next finds the port free.
            try? await listener.closeFuture.get()
        }
        // A task of its own: open calls are finished also when the caller's task has been cancelled.
        await runtime.spawn(on: runtime.taskExecutor) { await self.server.connections.drain() }.value
    }
}

/// Where a TCP listener accepts connections.
public struct ListenerAddress: Sendable, Hashable, CustomStringConvertible {
    /// The name or address that was asked for.
    public var host: String
    /// The port, also when a free one was picked.
    public var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// The same as an endpoint.
    public var endpoint: Endpoint { .tcp(host: host, port: port) }

    /// `host:port`, with brackets around an IPv6 address.
    public var description: String { "\(endpoint)" }
}

extension PeerVerifier {
    convenience init(clockSkew: Duration) throws(MeshError) {
        do throws(IdentityError) {
            try self.init(configuration: PeerVerifierConfiguration(clockSkew: clockSkew))
        } catch {
            throw MeshError(.invalidConfiguration, error.message, cause: error)
        }
    }
}

extension PeerVerifierConfiguration {
    /// The defaults with another clock skew.
    init(clockSkew: Duration) {
        self.init()
        self.clockSkew = clockSkew
    }
}
