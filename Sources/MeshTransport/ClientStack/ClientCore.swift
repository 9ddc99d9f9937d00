import Identity
import Logging
import MeshWire
import Synchronization
import Telemetry

/// What all clients of a mesh share.
final class ClientCore: Sendable {
    let instance: InstanceID
    let configuration: MeshConfiguration
    let runtime: any Runtime
    /// Our own identity; `nil` for a client that joins to get one.
    let identity: (any IdentitySource)?
    let trust: ChannelSecurity.Trust
    let applicationProtocol: String
    let verifier: PeerVerifier
    /// Our own identity as TLS takes it, for all connections.
    let credentials = TLSCredentials()
    let table: ConnectionTable
    let metrics: ClientMetrics
    let logger: Logger
    /// What calls pass on their way, the outermost first.
    let interceptors: [ClientPassage]
    /// How many calls of each destination may be repeated.
    let retryBudgets: RetryBudgets
    /// How many calls of each destination may be under way.
    let admissions: AdmissionControls
    /// The connections of all clients.
    let connections = OutboundConnections()
    /// What may change while calls run.
    let inForce: ConfigurationInForce
    /// Traces the calls; `nil` if nobody wants that.
    let tracer: Tracer?
    /// Shows calls to those who watch.
    let tap: Tap
    private let wires = Mutex<[any WireProtocol]>([])
    private let generation: Generation
    private let observation: IdentityObservation?

    init(
        instance: InstanceID, configuration: MeshConfiguration, _ inForce: ConfigurationInForce,
        runtime: any Runtime,
        identity: (any IdentitySource)?, trust: ChannelSecurity.Trust, applicationProtocol: String,
        verifier: PeerVerifier, table: ConnectionTable, metrics: ClientMetrics, logger: Logger
    ) {
        self.instance = instance
        self.configuration = configuration
        self.runtime = runtime
        self.identity = identity
        self.trust = trust
        self.applicationProtocol = applicationProtocol
        self.verifier = verifier
        self.table = table
        self.metrics = metrics
        self.logger = logger
        self.inForce = inForce
        let budgets = RetryBudgets(inForce.current.configuration.retry.budget)
        retryBudgets = budgets
        let admissions = AdmissionControls(inForce.current.configuration.admission, runtime, metrics.admission)
        self.admissions = admissions
        // For as long as the mesh is there, which is what is observed.
        _ = inForce.observe { old, new in
            let admission = new.configuration.admission
            if admission != old.configuration.admission { admissions.follow(admission) }
            let budget = new.configuration.retry.budget
            if budget != old.configuration.retry.budget { budgets.follow(budget) }
        }
        interceptors = configuration.clientInterceptors.map { ClientPassage($0) }
        tracer = configuration.telemetry.tracing.map { Tracer($0, runtime) }
        tap = configuration.telemetry.tap
        let generation = Generation()
        self.generation = generation
        guard let identity else {
            observation = nil
            return
        }
        let connections = self.connections
        observation = identity.onChange {
            generation.rise(to: identity.current.generation)
            connections.review()
        }
        generation.rise(to: identity.current.generation)
    }

    /// Speaks `wire` where a server does not speak the mesh's own.
    func add(_ wire: any WireProtocol) { wires.withLock { $0.append(wire) } }

    /// What servers may choose from, the first rather than the last.
    var applicationProtocols: [String] {
        [applicationProtocol] + wires.withLock { $0.map(\.applicationProtocol) }
    }

    /// The wire that a server chose, if it is not the mesh's own.
    func wire(named name: String) -> (any WireProtocol)? {
        wires.withLock { wires in wires.first { $0.applicationProtocol == name } }
    }

    /// Counts the changes of our identity and of whom it trusts; 0 without one.
    var identityGeneration: UInt64 { generation.value }

    /// The newest generation of an identity that was heard of.
    private final class Generation: Sendable {
        private let newest = Atomic<UInt64>(0)

        var value: UInt64 { newest.load(ordering: .acquiring) }

        /// Two changes at once may be told in either order.
        func rise(to generation: UInt64) { newest.max(generation, ordering: .acquiringAndReleasing) }
    }
}
