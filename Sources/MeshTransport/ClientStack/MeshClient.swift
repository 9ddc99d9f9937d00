import Identity
public import MeshWire
import NIOCore
import Synchronization
import Telemetry

/// Calls the services of one destination, over connections that it makes when they are needed and keeps: one for small
/// calls to each server, and a second one, on another event loop, once there are calls with large payloads (``CallLane``).
/// Where only one of them can be made, all calls go over that.
///
/// Calls of a destination that is a service are spread over its servers, all of which it connects to, with the first call.
/// A client sees how its own calls fare, and nobody else's: keep one and share it.
///
/// Safe to use from any task. A small call from a task that prefers ``executor`` is sent, answered and resumed on its
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
    let pool: EndpointPool
    /// The same, for routes that lead to it.
    private let own: RoutedPool
    /// The pools that routes lead to besides.
    private let routed = Mutex(RoutedPools())
    private let methods: Mutex<KnownMethods>
    private let sessions: any SessionSource
    private let numbers = CallNumbers()

    init(
        _ core: ClientCore, _ destination: Destination, sessions: (any SessionSource)? = nil, on loop: any EventLoop
    ) {
        self.sessions = sessions ?? RandomSession(core.runtime)
        self.core = core
        self.destination = destination
        methods = Mutex(KnownMethods(snapshot: core.inForce.current))
        pool = EndpointPool(core, destination, on: loop)
        own = RoutedPool(pool, isOwned: false)
    }

    deinit {
        // Nobody else can end the connections any more.
        pool.close()
    }

    /// Runs tasks on the event loop of the client's connections for small calls.
    public var executor: LoopExecutor { pool.executor }

    /// Calls a method and returns its response. The request is encoded, and the response decoded, where the caller runs.
    ///
    /// - Parameters:
    ///   - timeout: how long the call may take in all, retries included; ``MeshConfiguration/callTimeout`` if `nil`.
    ///   - metadata: what travels with the call.
    ///   - priority: what of a connection's large messages leaves first, on both sides (not over gRPC), and which calls
    ///     have their turn first where the destination has a limit (``AdmissionPolicy``).
    ///   - lane: which of the client's connections it goes on; default by size.
    ///   - affinity: a key of the host's choosing, whose calls go to one server if
    ///     ``BalancingConfiguration/Policy/consistentHash`` balances them.
    ///   - deduplication: session and sequence numbers of a deduplicated method whose service counts them by itself;
    ///     `nil` for the client's session and its next number.
    /// - Throws: a ``MeshError`` that says how far the call came.
    nonisolated(nonsending) public func call<Request: MeshMessage, Response: MeshMessage>(
        _ method: UnaryMethod<Request, Response>, _ request: Request, timeout: Duration? = nil,
        metadata: Metadata = Metadata(), priority: CallPriority = .normal, lane: CallLane = .automatic,
        affinity: String? = nil, deduplication: Deduplication? = nil
    ) async throws(MeshError) -> Response {
        try decode(
            try await answer(method, request, timeout, metadata, priority, lane, affinity, deduplication), of: method)
    }

    /// Calls a method and returns its response with what the server said beside it.
    ///
    /// The parameters are those of ``call(_:_:timeout:metadata:priority:lane:affinity:deduplication:)``.
    nonisolated(nonsending) public func answer<Request: MeshMessage, Response: MeshMessage>(
        _ method: UnaryMethod<Request, Response>, _ request: Request, timeout: Duration? = nil,
        metadata: Metadata = Metadata(), priority: CallPriority = .normal, lane: CallLane = .automatic,
        affinity: String? = nil, deduplication: Deduplication? = nil
    ) async throws(MeshError) -> Answer<Response> {
        let answer = try await answer(method, request, timeout, metadata, priority, lane, affinity, deduplication)
        return Answer(
            try decode(answer, of: method), metadata: answer.metadata, trailers: answer.head.metadata)
    }

    nonisolated(nonsending) private func answer<Request: MeshMessage, Response: MeshMessage>(
        _ method: UnaryMethod<Request, Response>, _ request: Request, _ timeout: Duration?, _ metadata: Metadata,
        _ priority: CallPriority, _ lane: CallLane, _ affinity: String?, _ deduplication: Deduplication?
    ) async throws(MeshError) -> Attempt.Answer {
        var number: Deduplication?
        if method.retry == .deduplicated, deduplication == nil {
            number = numbers.begin(in: try await sessions.session())
        }
        defer { if let number { numbers.end(number) } }
        // Encoded once: every attempt sends identical bytes.
        let call = try stack(
            method, Payload(request), metadata, priority, lane, affinity, number ?? deduplication)
        return try await call.run(timeout: timeout ?? call.callTimeout)
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

    var runtime: any Runtime { core.runtime }
    /// What is in force now; a call finds it with its method.
    var configuration: DynamicConfiguration { core.inForce.current.configuration }

    /// A method as its calls share it, and the routes that may be for them.
    func resolved<Kind, Request, Response>(
        _ method: MeshMethod<Kind, Request, Response>
    ) -> (method: ClientMethod, routes: [ClientRoute]) {
        let known = known(method)
        return (known.method, known.routes)
    }

    /// The path of one call, whatever its kind.
    func stack<Kind, Request, Response>(
        _ method: MeshMethod<Kind, Request, Response>, _ payload: Payload, _ metadata: Metadata,
        _ priority: CallPriority, _ lane: CallLane, _ affinity: String?, _ deduplication: Deduplication? = nil
    ) throws(MeshError) -> ClientStack {
        let known = known(method)
        var (shared, place, way) = (known.method, pool, nil as ClientRoute?)
        if !known.routes.isEmpty, let found = known.routes.first(where: { $0.compiled.matches(metadata) }) {
            let backend = found.backend(pool.shard.randomBits())
            backend.calls.increment()
            (shared, place, way) = (backend.method, backend.place.pool, found)
        }
        let trace = core.tracer?.begin(shared.path, metadata, by: place.shard)
        do throws(MeshError) {
            let request = try CallRequest(
                shared, payload, metadata, priority, lane, deduplication,
                affinity: affinity.map { StableHash.of($0) }, trace: trace, by: known.snapshot,
                within: core.configuration.limits)
            return ClientStack(core, place, request, on: way)
        } catch {
            core.tracer?.end(shared.path, trace, error)
            throw error
        }
    }

    /// A connection for small calls, made if there is none: who is at the other end, and how that is known. To any one of
    /// a service's servers.
    public func connection() async throws(MeshError) -> ConnectionInfo {
        let pool = pool
        let result: Result<ConnectionInfo, MeshError> = await withCheckedContinuation { continuation in
            let loop = pool.executor.eventLoop
            let ask: @Sendable () -> Void = {
                pool.withConnection { continuation.resume(returning: $0.map(\.info)) }
            }
            if loop.inEventLoop { ask() } else { loop.execute(ask) }
        }
        return try result.get()
    }

    /// Closes the connections; calls that are under way fail, and so do later ones.
    public func close() {
        pool.close()
        let routed = routed.withLock { routed in
            routed.isClosed = true
            return routed.pools.values.compactMap(\.pool)
        }
        for place in routed { place.pool.close() }
    }

    /// Two services may mean different things by one path: the server will tell.
    private struct MethodKey: Hashable {
        let path: String
        let request: ObjectIdentifier
        let response: ObjectIdentifier
        let kind: CallKind
        let retry: RetrySafety
    }

    /// A method, and the routes that may be for its calls.
    private final class KnownMethod: Sendable {
        let method: ClientMethod
        let routes: [ClientRoute]
        /// What all this was found by.
        let snapshot: ConfigurationSnapshot

        init(method: ClientMethod, routes: [ClientRoute], by snapshot: ConfigurationSnapshot) {
            self.method = method
            self.routes = routes
            self.snapshot = snapshot
        }
    }

    /// The methods that have been called. Most calls are of the method of the one before.
    private struct KnownMethods {
        var all: [MethodKey: KnownMethod] = [:]
        var last: (key: MethodKey, method: KnownMethod)?
        /// What all this was found by.
        var snapshot: ConfigurationSnapshot
        /// What connections know as one method, whichever route leads to it.
        var shared: [SharedKey: ClientMethod] = [:]
    }

    /// What makes two methods one for a connection, and for the metrics.
    private struct SharedKey: Hashable {
        let original: ObjectIdentifier
        let path: String
        let retry: RetrySafety
        let place: Destination
    }

    /// The pools that routes lead to, each there for as long as a route or a call leads to it.
    private struct RoutedPools {
        var pools: [Destination: WeakPool] = [:]
        var isClosed = false
    }

    private struct WeakPool {
        weak var pool: RoutedPool?
    }

    /// What the calls of a method share, resolved once for as long as the configuration stays.
    private func known<Kind, Request, Response>(_ method: MeshMethod<Kind, Request, Response>) -> KnownMethod {
        let key = MethodKey(
            path: method.path, request: ObjectIdentifier(Request.self), response: ObjectIdentifier(Response.self),
            kind: Kind.kind, retry: method.retry)
        let number = core.inForce.number
        // The pools that no route leads to any more are closed when the lock is not held.
        var outdated: [MethodKey: KnownMethod] = [:]
        defer { withExtendedLifetime(outdated) {} }
        return methods.withLock { methods in
            if methods.snapshot.number != number { outdated = follow(core.inForce.current, &methods) }
            if let last = methods.last, last.key == key { return last.method }
            let known = methods.all[key] ?? resolved(clientMethod(method), &methods)
            methods.all[key] = known
            methods.last = (key, known)
            return known
        }
    }

    /// Looks all methods up again, while those before hold the pools that both lead to; returns those before.
    private func follow(
        _ snapshot: ConfigurationSnapshot, _ methods: inout KnownMethods
    ) -> [MethodKey: KnownMethod] {
        let outdated = methods.all
        methods.snapshot = snapshot
        methods.last = nil
        for (key, known) in outdated.sorted(by: { $0.key.path < $1.key.path }) {
            methods.all[key] = resolved(known.method, &methods)
        }
        return outdated
    }

    private func clientMethod<Kind, Request, Response>(_ method: MeshMethod<Kind, Request, Response>) -> ClientMethod {
        ClientMethod(
            method, series: core.metrics.series(method.path, destination: destination.expected),
            destination: "\(destination)", bulkPayloadBytes: core.configuration.bulkPayloadBytes)
    }

    private func resolved(_ own: ClientMethod, _ methods: inout KnownMethods) -> KnownMethod {
        let snapshot = methods.snapshot
        let found = snapshot.routes(method: own.path, destination: "\(destination)")
        return KnownMethod(method: own, routes: found.map { route(own, $0, &methods) }, by: snapshot)
    }

    private func route(
        _ method: ClientMethod, _ compiled: RouteTable.Compiled, _ methods: inout KnownMethods
    ) -> ClientRoute {
        let route = compiled.route
        var through: UInt64 = 0
        var places = route.backends.filter { $0.weight > 0 }
        if places.isEmpty { places = [RouteBackend(destination)] }
        let backends = places.map { backend in
            through += UInt64(backend.weight)
            return ClientRoute.Backend(
                method: shared(
                    method, route.redirect ?? method.path, method.retry, at: backend.destination, &methods),
                place: place(of: backend.destination),
                calls: core.metrics.routeCalls(route.name, to: "\(backend.destination)"), weightsThrough: through)
        }
        let mirror = route.mirror.map { mirror in
            ClientRoute.Mirror(
                mirror, shared(method, method.path, .never, at: mirror.destination, &methods),
                place(of: mirror.destination), running: compiled.copies, copies: core.metrics.mirrored(route.name),
                drops: core.metrics.mirrorDrops(route.name))
        }
        return ClientRoute(compiled, backends, mirror, faults: core.metrics.routeFaults(route.name))
    }

    /// `method` at another path or place; the same one each time.
    private func shared(
        _ method: ClientMethod, _ path: String, _ retry: RetrySafety, at place: Destination,
        _ methods: inout KnownMethods
    ) -> ClientMethod {
        if path == method.path, retry == method.retry, place == destination { return method }
        let key = SharedKey(original: ObjectIdentifier(method), path: path, retry: retry, place: place)
        if let known = methods.shared[key] { return known }
        let made = ClientMethod(
            method, path: path, retry: retry, series: core.metrics.series(path, destination: place.expected),
            destination: "\(place)", bulkPayloadBytes: core.configuration.bulkPayloadBytes)
        methods.shared[key] = made
        return made
    }

    private func place(of other: Destination) -> RoutedPool {
        if other == destination { return own }
        return routed.withLock { routed in
            // Its own pool says that the client is closed.
            if routed.isClosed { return own }
            if let known = routed.pools[other]?.pool { return known }
            let made = RoutedPool(EndpointPool(core, other, on: pool.executor.eventLoop), isOwned: true)
            routed.pools = routed.pools.filter { $0.value.pool != nil }
            routed.pools[other] = WeakPool(pool: made)
            return made
        }
    }
}
