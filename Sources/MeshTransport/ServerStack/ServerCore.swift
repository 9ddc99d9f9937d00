import Identity
import Logging
import MeshWire
import Synchronization
import Telemetry

/// What all connections of a server share.
final class ServerCore: Sendable {
    /// This process, and what it remembers deduplicated calls in.
    let instance: ServerInstance
    let configuration: MeshConfiguration
    let runtime: any Runtime
    let registry: MethodRegistry
    let table: ConnectionTable
    let connections: InboundConnections
    let metrics: ServerMetrics
    let logger: Logger
    /// Traces the calls; `nil` if nobody wants that.
    let tracer: Tracer?
    /// Shows calls to those who watch.
    let tap: Tap
    /// Where a line is written for each call; `nil` for nowhere.
    let accessLog: AccessLogConfiguration?
    /// Our own trust domain, whose callers' traces go on here.
    private let trustDomain: TrustDomain
    /// What calls pass on their way, the outermost first.
    let interceptors: [any ServerInterceptor]
    /// Those of them that verify what callers show, of HTTP requests too.
    let claimsInterceptors: [any ClaimsInterceptor]
    /// Those of them that calls wait for.
    let waitingInterceptors: [any AsyncServerInterceptor]
    /// Tells of handlers that hold a loop, if the host wants to know.
    let watchdog: LoopWatchdog?
    /// How many calls run, and may.
    let concurrency: ConcurrencyLimiter
    private let inForce: ConfigurationInForce
    /// Whether there is no policy, which only the join listener does without.
    private let servesAnybody: Bool
    /// Lets connections go whose peers are trusted no more.
    private let trustObservation: IdentityObservation

    /// - Parameter servesAnybody: whether every caller may call everything, whatever the policy in force.
    init(
        instance: ServerInstance, configuration: MeshConfiguration, _ inForce: ConfigurationInForce,
        servesAnybody: Bool = false, runtime: any Runtime, identity: any IdentitySource,
        registry: MethodRegistry, table: ConnectionTable, metrics: ServerMetrics, logger: Logger
    ) {
        self.inForce = inForce
        self.servesAnybody = servesAnybody
        self.instance = instance
        self.configuration = configuration
        self.runtime = runtime
        self.registry = registry
        self.table = table
        let connections = InboundConnections(configuration, runtime, logger)
        self.connections = connections
        trustObservation = identity.onChange {
            // Ends once every connection has been looked at.
            runtime.spawn(on: runtime.taskExecutor) { await connections.review() }
        }
        self.metrics = metrics
        self.logger = logger
        tracer = configuration.telemetry.tracing.map { Tracer($0, runtime) }
        tap = configuration.telemetry.tap
        accessLog = configuration.telemetry.accessLog
        trustDomain = identity.current.svid.spiffeID.trustDomain
        interceptors = configuration.serverInterceptors
        claimsInterceptors = configuration.serverInterceptors.compactMap { $0 as? any ClaimsInterceptor }
        waitingInterceptors = configuration.serverInterceptors.compactMap { $0 as? any AsyncServerInterceptor }
        watchdog = configuration.loopHoldWarning.map { LoopWatchdog(limit: $0, runtime, metrics, logger) }
        let concurrency = ConcurrencyLimiter(inForce.current.configuration.concurrencyLimit, runtime)
        self.concurrency = concurrency
        // For as long as the mesh is there, which is what is observed.
        _ = inForce.observe { old, new in
            concurrency.follow(new.configuration.concurrencyLimit)
            if new.configuration.authorization != old.configuration.authorization { connections.policyChanged() }
        }
    }

    /// What the policy in force says of calls.
    struct Permission {
        let isAllowed: Bool
        /// The rule that allows it, if one does.
        var rule: String?
        /// Counts each call that it holds for.
        let series: Counter?
        /// Whether it is good for the caller's further calls of the method, until the policy changes.
        let isLasting: Bool
    }

    /// Whether `caller` may call the method at `path`, a mesh method's or an HTTP request's. A refusal is logged and
    /// counted for the operator; the caller learns only that it was refused.
    func permission(_ path: String, _ caller: ConnectionInfo, claims: [String: [String]] = [:]) -> Permission {
        guard !servesAnybody else { return Permission(isAllowed: true, series: nil, isLasting: true) }
        let policy = inForce.current.configuration.authorization
        let decision = policy.decide(method: path, peer: caller.peer, address: caller.address, claims: claims)
        let isLasting = !policy.looksAtClaims
        switch decision {
        case .allow(let rule):
            return Permission(
                isAllowed: true, rule: rule, series: metrics.allowed(by: rule), isLasting: isLasting)
        case .audit:
            tell("call would be refused by the policy that is tried out", path, caller)
            return Permission(isAllowed: true, series: metrics.audited(caller.peer), isLasting: isLasting)
        case .deny:
            metrics.refused(caller.peer)
            tell("call refused by policy", path, caller)
            return Permission(isAllowed: false, series: nil, isLasting: false)
        }
    }

    /// Whether there may be claims with which `caller` may call the method; a refusal is logged and counted.
    func mayAllow(_ path: String, _ caller: ConnectionInfo) -> Bool? {
        let policy = inForce.current.configuration.authorization
        guard !servesAnybody, policy.looksAtClaims else { return nil }
        if policy.mayAllow(method: path, peer: caller.peer, address: caller.address) { return true }
        metrics.refused(caller.peer)
        tell("call refused by policy", path, caller)
        return false
    }

    /// Whether the policy asks for claims, and might allow `caller` the path with some.
    func mightAllow(_ path: String, _ caller: ConnectionInfo) -> Bool {
        let policy = inForce.current.configuration.authorization
        return policy.looksAtClaims && policy.mayAllow(method: path, peer: caller.peer, address: caller.address)
    }

    /// What the policy in force says of a call, and what its rules miss.
    func explained(
        _ path: String, _ peer: SPIFFEID?, _ address: IPAddress?, _ claims: [String: [String]]
    ) -> (AuthorizationPolicy.Decision, [AuthorizationPolicy.NearMiss]) {
        let policy = inForce.current.configuration.authorization
        let decision = policy.decide(method: path, peer: peer, address: address, claims: claims)
        if case .allow = decision { return (decision, []) }
        return (decision, policy.nearMisses(method: path, peer: peer, address: address, claims: claims))
    }

    /// How long a call would have to wait for each rate limit that it counts in.
    func waits(_ path: String, _ peer: SPIFFEID?) -> [String: Duration] {
        inForce.current.rateLimits?.waits(method: path, peer: peer, now: runtime.now) ?? [:]
    }

    /// What the policy in force is called, for the operator.
    var policyName: String { inForce.current.configuration.version ?? "of no name" }

    /// Whether a caller is of our own trust domain.
    func isOurs(_ caller: ConnectionInfo) -> Bool { caller.peer?.trustDomain == trustDomain }

    private func tell(_ what: String, _ path: String, _ caller: ConnectionInfo) {
        logger.warning(
            "\(what)",
            metadata: [
                "method": "\(path)", "peer": "\(caller.peer?.description ?? "none")",
                "address": "\(caller.remoteAddress)", "policy": "\(policyName)",
            ])
    }

    /// What the calls of `caller` to the method at `path` count in.
    func rateBuckets(_ path: String, _ caller: ConnectionInfo, now: RuntimeInstant) -> RateLimits.Buckets? {
        inForce.current.rateLimits?.buckets(method: path, peer: caller.peer, now: now)
    }

    /// Counts and logs a call that is too many.
    func tell(of excess: RateLimits.Excess, _ path: String, _ caller: ConnectionInfo) {
        metrics.rateLimited(by: excess.rule)
        logger.debug(
            "call over a rate limit",
            metadata: [
                "method": "\(path)", "peer": "\(caller.peer?.description ?? "none")", "rule": "\(excess.rule)",
            ])
    }

    /// Changes with the configuration: what was found by an earlier one is asked again. Who keeps it has read it before it
    /// asks, and so asks again after every change.
    var policyNumber: UInt64 { inForce.number }
}
