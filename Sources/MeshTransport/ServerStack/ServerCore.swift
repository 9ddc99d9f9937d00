import Identity
import Logging
import MeshWire
import Synchronization

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
    /// What calls pass on their way, the outermost first.
    let interceptors: [any ServerInterceptor]
    /// Those of them that calls wait for.
    let waitingInterceptors: [any AsyncServerInterceptor]
    /// Tells of handlers that hold a loop, if the host wants to know.
    let watchdog: LoopWatchdog?
    private let policyInForce: Mutex<AuthorizationPolicy?>
    private let policies = Atomic<UInt64>(0)
    /// Lets connections go whose peers are trusted no more.
    private let trustObservation: IdentityObservation

    /// - Parameter policy: who may call what; `nil` serves every caller, which only the join listener does.
    init(
        instance: ServerInstance, configuration: MeshConfiguration, runtime: any Runtime, identity: any IdentitySource,
        registry: MethodRegistry, table: ConnectionTable, policy: AuthorizationPolicy?, metrics: ServerMetrics,
        logger: Logger
    ) {
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
        interceptors = configuration.serverInterceptors
        waitingInterceptors = configuration.serverInterceptors.compactMap { $0 as? any AsyncServerInterceptor }
        watchdog = configuration.loopHoldWarning.map { LoopWatchdog(limit: $0, runtime, metrics, logger) }
        policyInForce = Mutex(policy)
    }

    /// Whether `peer` may call the method at `path`, a mesh method's or an HTTP request's. A refusal is logged and
    /// counted for the operator; the caller learns only that it was refused.
    func isAllowed(_ path: String, peer: SPIFFEID?) -> Bool {
        guard let policy = policyInForce.withLock({ $0 }) else { return true }
        let decision = policy.decide(method: path, peer: peer)
        if !decision.isAllowed { refused(path, peer, decision) }
        return decision.isAllowed
    }

    private func refused(_ path: String, _ peer: SPIFFEID?, _ decision: AuthorizationPolicy.Decision) {
        metrics.refused(peer)
        logger.warning(
            "call refused by policy",
            metadata: ["method": "\(path)", "peer": "\(peer?.description ?? "none")", "decision": "\(decision)"])
    }

    /// Replaces the policy; calls that are under way are not asked again.
    func setPolicy(_ policy: AuthorizationPolicy) {
        policyInForce.withLock { $0 = policy }
        // Counted afterwards: who reads the new number and then asks gets the new policy.
        policies.wrappingAdd(1, ordering: .releasing)
    }

    /// Changes with the policy: what an earlier one allowed is asked again.
    var policyNumber: UInt64 { policies.load(ordering: .acquiring) }
}
