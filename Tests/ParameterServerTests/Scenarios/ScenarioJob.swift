import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Tensor

@testable import ParameterServer

/// A coordinator, servers and workers of a scenario, each on a simulated host of its own.
struct ScenarioJob: Sendable {
    let runtime: SimulatedRuntime
    let cluster: TestCluster
    let notes = PushNotebook()
    private let hasLogs: Bool

    /// Runs `body` beside a coordinator and servers.
    ///
    /// - Parameter hasLogs: whether servers keep logs, and so go on with what they had when they start again.
    static func run<Result: Sendable>(
        seed: UInt64, servers: Int = 2, hasLogs: Bool = false,
        _ body: @escaping @Sendable @concurrent (ScenarioJob) async throws -> Result
    ) async throws -> Result {
        try await SimulatedRuntime.run(seed: seed) { runtime in
            let cluster = try await TestCluster.start(
                runtime, servers: 0, adjust: { $0.serversBeforePlacement = servers }, on: { runtime.host($0) })
            let job = ScenarioJob(runtime: runtime, cluster: cluster, hasLogs: hasLogs)
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await runtime.host("/coordinator").run { try await cluster.coordinator.run() } }
                for server in 0..<servers { try await job.startServer(server) }
                let result = try await body(job)
                group.cancelAll()
                return result
            }
        }
    }

    private init(runtime: SimulatedRuntime, cluster: TestCluster, hasLogs: Bool) {
        self.runtime = runtime
        self.cluster = cluster
        self.hasLogs = hasLogs
    }

    static func tables() throws -> [TableDeclaration] {
        [try Example.table("weight", shape: [4, 3], partitions: 3), try Example.table("bias", shape: [3])]
    }

    static func gradients(_ value: Float = 1) throws -> NamedTensors {
        try NamedTensors([("weight", .full([4, 3], value)), ("bias", .full([3], value))])
    }

    // MARK: Processes

    func server(_ server: Int) -> SimulatedHost { runtime.host("/server/\(server)") }

    func worker(_ slot: Int) -> SimulatedHost { runtime.host("/worker/\(slot)") }

    /// Starts a server, in its first or another life.
    func startServer(_ server: Int) async throws {
        let cluster = cluster
        var configuration = ParameterServerConfiguration()
        if hasLogs { configuration.log = PartitionLogConfiguration(folder: "/log") }
        let settings = configuration
        try await self.server(server).run { _ = try await cluster.startServer(server, configuration: settings) }
    }

    /// Runs `body` on a slot's host with a client that has declared the tables, in a session that is kept alive.
    @concurrent
    func work<Result: Sendable>(
        _ slot: Int, timeout: Duration = .seconds(60), faults: (any FaultInjector)? = nil,
        _ body: @escaping @Sendable @concurrent (ParameterClient) async throws -> Result
    ) async throws -> Result {
        try await worker(slot).run {
            var configuration = ParameterClientConfiguration()
            configuration.timeout = timeout
            let settings = configuration
            let coordination = try cluster.coordination(cluster.mesh("/worker/\(slot)", faults: faults))
            return try await coordination.withSession(slot: slot) { session in
                let client = try ParameterClient(
                    session, coordination, configuration: settings, observer: notes.observer)
                defer { client.close() }
                try await client.declare(Self.tables())
                return try await body(client)
            }
        }
    }

    /// So many steps, one after the other.
    ///
    /// - Returns: the errors of their pushes.
    @concurrent
    func steps(_ count: Int, slot: Int) async throws -> [ParameterServerError] {
        try await work(slot) { client in
            var errors: [ParameterServerError] = []
            for _ in 0..<count {
                _ = try await client.pull()
                errors += try await client.push(Self.gradients()).failed.map(\.error)
            }
            return errors
        }
    }

    /// Runs `body` on a slot's host until the host is killed.
    ///
    /// - Returns: whether it died before `body` was done.
    func dies(_ body: () async throws -> Void) async throws -> Bool {
        do {
            try await body()
            return false
        } catch is SimulatedHostDied {
            return true
        }
    }

    // MARK: What is true at the end

    /// The equality of sent, applied and acknowledged pushes.
    func audit() async throws -> PushAudit {
        PushAudit(
            accounts: try await cluster.reader().accounts(), sent: notes.all.sent,
            acknowledged: notes.all.acknowledged)
    }
}
