import Coordination
import Identity
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import Synchronization
import Telemetry
import Tensor

@testable import ParameterServer

/// A coordinator and parameter servers, and whatever speaks to them: in a simulation, or on the loopback interface.
struct TestCluster: Sendable {
    let runtime: any Runtime
    let coordinator: Coordinator
    /// What the parameter servers say.
    let log = LogCapture()
    /// What the parameter servers count, all together.
    let metrics = MetricsRegistry()
    private let authority: TestAuthority
    private let attemptTimeout: Duration
    private let attempts: Int
    let coordinatorAddress: ListenerAddress
    private let listening = Listening()
    /// Where the process of a path runs, where not all are at one place.
    private let host: (@Sendable (String) -> any Runtime)?
    /// What every mesh accepts of its peers.
    private let limits: WireLimits

    /// The meshes that listen, guarded by a mutex.
    private final class Listening: Sendable {
        private let meshes = Mutex<[Mesh]>([])
        var all: [Mesh] { meshes.withLock { $0 } }
        func add(_ mesh: Mesh) { meshes.withLock { $0.append(mesh) } }
    }

    /// Starts a coordinator and `servers` servers, which run until the simulation ends or ``stop()``.
    ///
    /// - Parameter host: where the process of a path, such as `/server/0`, runs; default: all in `runtime`.
    static func start(
        _ runtime: any Runtime, servers: Int = 2, attemptTimeout: Duration = .milliseconds(40), attempts: Int = 12,
        coordinatorFaults: (any FaultInjector)? = nil,
        limits: WireLimits = WireLimits(), adjust: (inout CoordinatorConfiguration) -> Void = { _ in },
        on host: (@Sendable (String) -> any Runtime)? = nil
    ) async throws -> TestCluster {
        let authority = try TestAuthority(runtime: runtime)
        let mesh = try Self.mesh(
            authority, host?("/coordinator") ?? runtime, "/coordinator", attemptTimeout, attempts, coordinatorFaults,
            limits: limits)
        var configuration = CoordinatorConfiguration()
        configuration.lease = .seconds(5)
        configuration.serversBeforePlacement = max(1, servers)
        adjust(&configuration)
        let cluster = TestCluster(
            runtime: runtime,
            coordinator: try await Coordinator(on: mesh, configuration: configuration, logger: silent),
            authority: authority, attemptTimeout: attemptTimeout, attempts: attempts,
            coordinatorAddress: try await mesh.listen(host: "127.0.0.1", port: 0), host: host, limits: limits)
        cluster.listening.add(mesh)
        for index in 0..<servers { _ = try await cluster.startServer(index) }
        return cluster
    }

    /// Starts the server of this number, in its first or another life.
    func startServer(
        _ index: Int, configuration: ParameterServerConfiguration = ParameterServerConfiguration(),
        functions: [RegisteredFunction] = []
    ) async throws -> ListenerAddress {
        let (server, address) = try await listeningServer(index, configuration: configuration, functions: functions)
        try await server.register(at: address)
        return address
    }

    /// A server of this number that can be called, on any port or this one, and has not registered.
    func listeningServer(
        _ index: Int, port: Int = 0, configuration: ParameterServerConfiguration = ParameterServerConfiguration(),
        identity: RotatableIdentity? = nil, tracing: TracingConfiguration? = nil,
        functions: [RegisteredFunction] = []
    ) async throws -> (ParameterServer, ListenerAddress) {
        let path = "/server/\(index)"
        let mesh = try Self.mesh(
            authority, host?(path) ?? runtime, path, attemptTimeout, attempts, metrics: metrics, identity: identity,
            tracing: tracing, limits: limits)
        let server = try ParameterServer(
            named: "server-\(index)", on: mesh, coordination: coordination(mesh), configuration: configuration,
            functions: functions, logger: log.logger)
        let address = try await mesh.listen(host: "127.0.0.1", port: port)
        listening.add(mesh)
        return (server, address)
    }

    /// Starts a server in the coordinator's process and on its mesh, which needs no other.
    func startStandalone(_ configuration: ParameterServerConfiguration = ParameterServerConfiguration()) async throws {
        let server = try ParameterServer(
            standalone: coordinator, configuration: configuration, logger: log.logger)
        try await server.register(at: coordinatorAddress)
    }

    /// Stops the coordinator, which started first.
    func stopCoordinator() async { await listening.all.first?.stop() }

    /// Stops listening.
    func stop() async {
        for mesh in listening.all { await mesh.stop() }
    }

    /// A process of the mesh that is called `path`.
    func mesh(
        _ path: String, faults: (any FaultInjector)? = nil, identity: RotatableIdentity? = nil,
        tracing: TracingConfiguration? = nil
    ) throws -> Mesh {
        try Self.mesh(
            authority, host?(path) ?? runtime, path, attemptTimeout, attempts, faults, identity: identity,
            tracing: tracing, limits: limits)
    }

    /// An identity at `path`; see ``MeshworkTesting/TestAuthority``.
    func identity(_ path: String, lifetime: Duration? = nil) throws -> RotatableIdentity {
        try authority.identity(path, lifetime: lifetime)
    }

    /// A way to the coordinator.
    func coordination(_ mesh: Mesh) throws -> CoordinationClient {
        let identity = try IdentityPattern.exact(authority.id("/coordinator"))
        return CoordinationClient(
            mesh,
            coordinator: Destination(
                host: coordinatorAddress.host, port: coordinatorAddress.port, identities: [identity]))
    }

    /// A client for the pushes of a new session in `slot`.
    func client(
        _ mesh: Mesh, slot: Int = 0, configuration: ParameterClientConfiguration = ParameterClientConfiguration(),
        observer: PushObserver = PushObserver()
    ) async throws -> ParameterClient {
        let coordination = try coordination(mesh)
        let session = try await coordination.openSession(slot: slot)
        return try ParameterClient(session, coordination, configuration: configuration, observer: observer)
    }

    /// Reads parameters and accounts.
    func reader() throws -> ParameterReader {
        try ParameterReader(try coordination(try mesh("/auditor")))
    }

    /// The applied pushes of each partition.
    func applied() async throws -> [UInt64] {
        try await reader().accounts().map(\.version.applied)
    }

    private static func mesh(
        _ authority: TestAuthority, _ runtime: any Runtime, _ path: String, _ attemptTimeout: Duration,
        _ attempts: Int, _ faults: (any FaultInjector)? = nil, metrics: MetricsRegistry = MetricsRegistry(),
        identity: RotatableIdentity? = nil, tracing: TracingConfiguration? = nil, limits: WireLimits
    ) throws -> Mesh {
        var configuration = MeshConfiguration()
        configuration.limits = limits
        configuration.faults = faults
        configuration.telemetry.tracing = tracing
        configuration.retry.attemptTimeout = attemptTimeout
        configuration.retry.maximumAttempts = attempts
        let policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule("everybody", methods: ["*"], identities: ["spiffe://test.example/*"])
        ])
        return try Mesh(
            configuration: configuration, identity: identity ?? authority.identity(path), policy: policy,
            runtime: runtime,
            metrics: metrics, logger: silent)
    }

    private static let silent = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }
}
