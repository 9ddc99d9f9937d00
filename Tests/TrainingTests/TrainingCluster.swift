import Coordination
import Identity
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import ParameterServer
import Synchronization

/// A coordinator and three parameter servers, each on a simulated host of its own, and what workers note of their
/// pushes.
struct TrainingCluster: Sendable {
    let runtime: SimulatedRuntime
    private let authority: TestAuthority
    private let coordinator: Coordinator
    private let address: ListenerAddress
    private let notes = Notes()

    /// Pushes that were sent and acknowledged, guarded by a mutex.
    private final class Notes: Sendable {
        private let state = Mutex((sent: PushNotes(), acknowledged: PushNotes()))
        var all: (sent: PushNotes, acknowledged: PushNotes) { state.withLock { $0 } }
        var observer: PushObserver {
            PushObserver(
                beforeFirstAttempt: { pushes in self.state.withLock { $0.sent.insert(pushes) } },
                afterAcknowledgement: { pushes in self.state.withLock { $0.acknowledged.insert(pushes) } })
        }
    }

    static func run<Result: Sendable>(
        seed: UInt64, functions: [RegisteredFunction] = [],
        _ body: @escaping @Sendable @concurrent (TrainingCluster) async throws -> Result
    ) async throws -> Result {
        try await SimulatedRuntime.run(seed: seed) { runtime in
            let authority = try TestAuthority(runtime: runtime)
            let central = try mesh("/coordinator", authority, runtime)
            var configuration = CoordinatorConfiguration()
            configuration.lease = .seconds(300)
            configuration.serversBeforePlacement = 3
            let coordinator = try await Coordinator(on: central, configuration: configuration, logger: silent)
            let cluster = TrainingCluster(
                runtime: runtime, authority: authority, coordinator: coordinator,
                address: try await central.listen(host: "127.0.0.1", port: 0))
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await runtime.host("/coordinator").run { try await coordinator.run() } }
                for index in 0..<3 { try await cluster.startServer(index, functions) }
                let result = try await body(cluster)
                group.cancelAll()
                return result
            }
        }
    }

    private func startServer(_ index: Int, _ functions: [RegisteredFunction]) async throws {
        let path = "/server/\(index)"
        try await runtime.host(path).run {
            let mesh = try Self.mesh(path, authority, runtime)
            let server = try ParameterServer(
                named: "server-\(index)", on: mesh, coordination: try coordination(mesh), functions: functions,
                logger: Self.silent)
            try await server.register(at: try await mesh.listen(host: "127.0.0.1", port: 0))
        }
    }

    /// Kills the server that heads the partition of a table, without a word.
    func killHead(of table: String) throws {
        guard let head = coordinator.map.table(named: table)?.partitions.first?.head else { return }
        runtime.host("/server/\(head.dropFirst("server-".count))").kill()
    }

    /// Runs a worker's life on its host.
    @concurrent
    func work<Result: Sendable>(
        slot: Int, faults: (any FaultInjector)? = nil, hotRows: HotRowConfiguration? = nil, fragmentBytes: Int? = nil,
        _ body: @escaping @Sendable (ParameterClient, Mesh) async throws -> Result
    ) async throws -> Result {
        let host = runtime.host("/worker/\(slot)")
        return try await host.run {
            let mesh = try Self.mesh("/worker/\(slot)", authority, runtime, faults)
            let coordination = try coordination(mesh)
            var configuration = ParameterClientConfiguration()
            configuration.hotRows = hotRows
            if let fragmentBytes { configuration.fragmentBytes = fragmentBytes }
            let client = try ParameterClient(
                try await coordination.openSession(slot: slot), coordination, configuration: configuration,
                observer: notes.observer)
            defer { client.close() }
            return try await body(client, mesh)
        }
    }

    /// The equality of sent, applied and acknowledged pushes.
    func audit() async throws -> PushAudit {
        let reader = try ParameterReader(try coordination(Self.mesh("/auditor", authority, runtime)))
        return PushAudit(
            accounts: try await reader.accounts(), sent: notes.all.sent, acknowledged: notes.all.acknowledged)
    }

    private func coordination(_ mesh: Mesh) throws -> CoordinationClient {
        CoordinationClient(
            mesh,
            coordinator: try Destination(
                host: address.host, port: address.port, identities: [.exact(authority.id("/coordinator"))]))
    }

    private static func mesh(
        _ path: String, _ authority: TestAuthority, _ runtime: SimulatedRuntime, _ faults: (any FaultInjector)? = nil
    ) throws -> Mesh {
        var configuration = MeshConfiguration()
        configuration.faults = faults
        configuration.retry.attemptTimeout = .milliseconds(40)
        configuration.retry.maximumAttempts = 12
        let policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule("all", methods: ["*"], identities: ["spiffe://test.example/*"])
        ])
        return try Mesh(
            configuration: configuration, identity: authority.identity(path), policy: policy,
            runtime: runtime.host(path), logger: silent)
    }

    private static let silent = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }
}
