import Identity
import MeshWire
import Telemetry

/// What a mesh's listeners count, besides the requests.
struct ServerMetrics: Sendable {
    /// Handshakes that failed, and connections that spoke nothing that is served.
    let handshakeFailures: Counter
    /// Connections that were closed because the peer did not keep to the protocol.
    let protocolErrors: Counter
    /// Connections that were closed at once because their listener had as many as it may have.
    let refusedConnections: Counter
    /// Methods that peers declared and nobody serves. Not by name: peers choose it.
    let unknownMethods: Counter
    private let allowed: MetricFamily<Counter>
    private let denied: MetricFamily<Counter>
    private let audited: MetricFamily<Counter>
    private let rateLimited: MetricFamily<Counter>
    /// Calls that were refused because as many ran as may.
    let overloads: Counter
    private let loopHolds: MetricFamily<Counter>
    private let longestLoopHolds: MetricFamily<Gauge>
    private let requests: RequestMetrics
    private let traffic: TrafficMetrics
    /// The calls whose handlers wait for their turn, by where those run.
    private let queues: (task: Gauge, onLoop: Gauge, compute: Gauge)
    /// Connections and their handshakes.
    let connections: ConnectionMetrics
    /// What the event loops record on.
    let shards: LoopShards

    init(_ registry: MetricsRegistry, _ shards: LoopShards) {
        self.shards = shards
        requests = RequestMetrics(registry)
        traffic = TrafficMetrics(registry)
        connections = ConnectionMetrics(registry)
        let queues = registry.gauge(
            "mesh_handler_queue_depth", help: "Calls whose handlers have been given to an executor and do not run yet.",
            labels: "executor")
        self.queues = (queues.series("task"), queues.series("loop"), queues.series("compute"))
        handshakeFailures = registry.counter(
            "mesh_handshake_failures_total", help: "Accepted connections that failed before a protocol was agreed on."
        ).series([])
        protocolErrors = registry.counter(
            "mesh_protocol_errors_total",
            help: "Connections closed, and calls ended, because the peer did not keep to the protocol."
        ).series([])
        refusedConnections = registry.counter(
            "mesh_connections_refused_total", help: "Connections closed at once because there were too many."
        ).series([])
        unknownMethods = registry.counter(
            "mesh_unknown_methods_total", help: "Methods that peers asked for and that are not served here."
        ).series([])
        allowed = registry.counter(
            "mesh_authorization_allowed_total", help: "Calls that the policy allowed, by its rule.", labels: "rule")
        denied = registry.counter(
            "mesh_authorization_denied_total", help: "Calls that the policy refused.", labels: "peer")
        audited = registry.counter(
            "mesh_authorization_audited_total",
            help: "Calls that the policy, which is being tried out, would have refused.",
            labels: "peer")
        rateLimited = registry.counter(
            "mesh_rate_limited_total", help: "Calls refused because there were too many, by the rule.", labels: "rule")
        overloads = registry.counter(
            "mesh_overload_refusals_total", help: "Calls refused because as many ran as may at a time."
        ).series([])
        loopHolds = registry.counter(
            "mesh_loop_held_total", help: "Times that a handler held an event loop for longer than it may.",
            labels: "method")
        longestLoopHolds = registry.gauge(
            "mesh_loop_held_longest_seconds", help: "The longest of those times.", labels: "method")
    }

    /// The calls whose handlers wait for their turn there.
    func queue(_ execution: HandlerExecution) -> Gauge {
        switch execution {
        case .task: queues.task
        case .onLoop: queues.onLoop
        case .compute: queues.compute
        }
    }

    /// Counts what a rule allows.
    func allowed(by rule: String) -> Counter { allowed.series(rule) }

    /// Counts a refusal.
    func refused(_ peer: SPIFFEID?) { denied.series(peer?.description ?? "none").increment() }

    /// Counts what would have been a refusal.
    func audited(_ peer: SPIFFEID?) -> Counter { audited.series(peer?.description ?? "none") }

    /// Counts a call that was too many.
    func rateLimited(by rule: String) { rateLimited.series(rule).increment() }

    /// Counts a handler that held an event loop.
    func loopHeld(_ method: String) { loopHolds.series(method).increment() }

    /// Notes the longest time that a method's handlers have held an event loop.
    func setLongestHold(_ method: String, _ duration: Duration) {
        longestLoopHolds.series(method).set(duration.inSeconds)
    }

    /// The requests of a peer to a method: resolved once for a connection.
    func series(_ method: String, peer: SPIFFEID?) -> ServerSeries {
        let peer = peer?.description ?? "none"
        return ServerSeries(
            requests: requests.series(.inbound, method: method, peer: peer),
            traffic: traffic.series(.inbound, method: method, peer: peer))
    }
}

/// What a mesh's clients count, besides the requests.
struct ClientMetrics: Sendable {
    /// Connections that could not be made.
    let connectFailures: Counter
    private let retries: MetricFamily<Counter>
    private let retryOverflows: MetricFamily<Counter>
    private let hedges: MetricFamily<Counter>
    private let hedgesWon: MetricFamily<Counter>
    private let routeCalls: MetricFamily<Counter>
    private let routeFaults: MetricFamily<Counter>
    private let mirrored: MetricFamily<Counter>
    private let mirrorDrops: MetricFamily<Counter>
    private let endpoints: MetricFamily<Gauge>
    private let ejections: MetricFamily<Counter>
    /// What the limits on calls count.
    let admission: AdmissionMetrics
    private let waiting: MetricFamily<Gauge>
    /// The calls that wait for a connection to their server, or for room on it.
    let awaitingConnection: Gauge
    /// Connections and their handshakes.
    let connections: ConnectionMetrics
    private let requests: RequestMetrics
    private let attempts: RequestMetrics
    private let traffic: TrafficMetrics
    /// What the event loops record on.
    let shards: LoopShards

    init(_ registry: MetricsRegistry, _ shards: LoopShards) {
        self.shards = shards
        requests = RequestMetrics(registry)
        attempts = RequestMetrics(registry, of: .attempts)
        traffic = TrafficMetrics(registry)
        admission = AdmissionMetrics(registry)
        endpoints = registry.gauge(
            "mesh_endpoints",
            help: "Endpoints of a service, of all clients: ready, ejected as their calls fail, pending otherwise.",
            labels: "service", "state")
        ejections = registry.counter(
            "mesh_endpoint_ejections_total", help: "Times that an endpoint was left out because its calls failed.",
            labels: "service")
        waiting = registry.gauge(
            "mesh_calls_waiting",
            help: "Calls that wait until an endpoint of their service takes calls, of all clients.",
            labels: "service")
        awaitingConnection = registry.gauge(
            "mesh_calls_awaiting_connection",
            help:
                "Calls that wait for a connection to their server, or for room on it, of all clients; one that gave up until that is there or is not."
        ).series([])
        connections = ConnectionMetrics(registry)
        routeCalls = registry.counter(
            "mesh_route_calls_total", help: "Calls that a route decided, by where they went.", labels: "route",
            "backend")
        routeFaults = registry.counter(
            "mesh_route_faults_total", help: "Calls that a route delayed or failed on purpose.", labels: "route")
        mirrored = registry.counter(
            "mesh_route_mirrored_total", help: "Copies of calls that a route's mirror got.", labels: "route")
        mirrorDrops = registry.counter(
            "mesh_route_mirror_drops_total", help: "Copies of calls that were not made, as there were too many.",
            labels: "route")
        connectFailures = registry.counter(
            "mesh_connect_failures_total", help: "Connections that could not be made."
        ).series([])
        retries = registry.counter(
            "mesh_retries_total", help: "Attempts beyond a call's first.", labels: "method")
        hedges = registry.counter(
            "mesh_hedges_total", help: "Second attempts beside a call's first, which took long.", labels: "method")
        hedgesWon = registry.counter(
            "mesh_hedges_won_total", help: "Second attempts that were faster than the first.", labels: "method")
        retryOverflows = registry.counter(
            "mesh_retry_overflow_total", help: "Attempts beyond a call's first that the retry budget did not allow.",
            labels: "method")
    }

    /// Counts the calls that a route sends to a backend.
    func routeCalls(_ route: String, to backend: String) -> Counter { routeCalls.series(route, backend) }

    /// Counts the faults that a route makes.
    func routeFaults(_ route: String) -> Counter { routeFaults.series(route) }

    /// Counts the copies that a route's mirror gets.
    func mirrored(_ route: String) -> Counter { mirrored.series(route) }

    /// Counts the copies that there was no room for.
    func mirrorDrops(_ route: String) -> Counter { mirrorDrops.series(route) }

    /// The endpoints of a service, as one client has them.
    func endpoints(_ service: String) -> EndpointGauges {
        EndpointGauges(endpoints, ejections: ejections, waiting: waiting, service: service)
    }

    /// The requests of one client to a method: resolved once for a client.
    func series(_ method: String, destination: String) -> ClientSeries {
        ClientSeries(
            requests: requests.series(.outbound, method: method, peer: destination),
            attempts: attempts.series(.outbound, method: method, peer: destination),
            traffic: traffic.series(.outbound, method: method, peer: destination),
            retries: retries.series(method), retryOverflows: retryOverflows.series(method),
            hedges: hedges.series(method), hedgesWon: hedgesWon.series(method))
    }
}

/// The instruments of the calls of one method from one peer.
final class ServerSeries: Sendable {
    let requests: RequestSeries
    let traffic: TrafficSeries

    init(requests: RequestSeries, traffic: TrafficSeries) {
        self.requests = requests
        self.traffic = traffic
    }
}

/// The instruments of a client's calls of one method.
final class ClientSeries: Sendable {
    let requests: RequestSeries
    let attempts: RequestSeries
    let traffic: TrafficSeries
    /// Attempts beyond a call's first.
    let retries: Counter
    /// Those that the budget did not allow.
    let retryOverflows: Counter
    /// Second attempts beside a call's first.
    let hedges: Counter
    /// Those that had the call's answer.
    let hedgesWon: Counter

    init(
        requests: RequestSeries, attempts: RequestSeries, traffic: TrafficSeries, retries: Counter,
        retryOverflows: Counter, hedges: Counter, hedgesWon: Counter
    ) {
        self.hedges = hedges
        self.hedgesWon = hedgesWon
        self.requests = requests
        self.attempts = attempts
        self.traffic = traffic
        self.retries = retries
        self.retryOverflows = retryOverflows
    }
}

extension CallStatus {
    /// Whether an answer with this status counts as a success of the server: a refusal of what the caller got wrong
    /// does.
    var classification: RequestMetrics.Classification {
        switch self {
        case .unknown, .deadlineExceeded, .internalError, .unavailable, .dataLoss, .resourceExhausted: .failure
        default: .success
        }
    }
}
