import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Synchronization
import Telemetry
import Tensor

@testable import ParameterServer

/// A coordinator, servers that follow each other and workers that train, each on a simulated host of its own.
struct ReplicatedJob: Sendable {
    let runtime: SimulatedRuntime
    let cluster: TestCluster
    let replicas: Int
    let configuration: @Sendable (Int) -> ParameterServerConfiguration
    /// What the host of the server of a number registers.
    let functions: @Sendable (Int) -> [RegisteredFunction]
    let notes = PushNotebook()
    private let running = Running()

    /// The servers that run, guarded by a mutex.
    private final class Running: Sendable {
        private let servers = Mutex<[Int: ParameterServer]>([:])
        subscript(index: Int) -> ParameterServer? {
            get { servers.withLock { $0[index] } }
            set { servers.withLock { $0[index] = newValue } }
        }
        var all: [ParameterServer] { servers.withLock { $0.sorted { $0.key < $1.key }.map(\.value) } }
    }

    /// Runs `body` beside a coordinator and so many servers.
    ///
    /// - Parameter single: the configuration of the server of a number, where they are not all alike.
    static func run<Result: Sendable>(
        seed: UInt64, servers: Int = 3, replicas: Int,
        configuration: ParameterServerConfiguration = ParameterServerConfiguration(),
        of single: (@Sendable (Int) -> ParameterServerConfiguration)? = nil,
        functions: @escaping @Sendable (Int) -> [RegisteredFunction] = { _ in [] },
        _ body: @escaping @Sendable @concurrent (ReplicatedJob) async throws -> Result
    ) async throws -> Result {
        try await SimulatedRuntime.run(seed: seed) { runtime in
            let cluster = try await TestCluster.start(
                runtime, servers: 0,
                adjust: { configuration in
                    configuration.serversBeforePlacement = servers
                    configuration.lease = .seconds(300)
                },
                on: { runtime.host($0) })
            let job = ReplicatedJob(
                runtime: runtime, cluster: cluster, replicas: replicas, configuration: single ?? { _ in configuration },
                functions: functions)
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await runtime.host("/coordinator").run { try await cluster.coordinator.run() } }
                for index in 0..<servers { try await job.start(index) }
                let result = try await body(job)
                group.cancelAll()
                return result
            }
        }
    }

    private init(
        runtime: SimulatedRuntime, cluster: TestCluster, replicas: Int,
        configuration: @escaping @Sendable (Int) -> ParameterServerConfiguration,
        functions: @escaping @Sendable (Int) -> [RegisteredFunction]
    ) {
        self.runtime = runtime
        self.cluster = cluster
        self.replicas = replicas
        self.configuration = configuration
        self.functions = functions
    }

    // MARK: Servers

    func host(_ index: Int) -> SimulatedHost { runtime.host("/server/\(index)") }

    /// Starts the server of this number on its host.
    func start(_ index: Int) async throws {
        running[index] = try await host(index).run {
            let (server, address) = try await cluster.listeningServer(
                index, configuration: configuration(index), functions: functions(index))
            try await server.register(at: address)
            return server
        }
    }

    /// Has a server leave in good order.
    func drain(_ index: Int) async throws {
        guard let server = running[index] else { return }
        try await host(index).run { await server.drain() }
    }

    /// Kills a server, without a word.
    func kill(_ index: Int) {
        running[index] = nil
        host(index).kill()
    }

    /// Starts a dead server again, with nothing of its life before.
    func restart(_ index: Int) async throws {
        _ = host(index).restart()
        try await start(index)
    }

    /// What a running server holds up and who holds it up.
    func stallReport(of index: Int) -> StallReport? { running[index]?.stallReport() }

    var entries: [PartitionMap.Partition] { cluster.coordinator.map.tables.flatMap(\.partitions) }

    /// The number of the server that has a place in the chain of the first partition: 0 for its head.
    func server(atPlace place: Int) -> Int? {
        guard let chain = entries.first?.chain, place < chain.count else { return nil }
        return Int(chain[place].dropFirst("server-".count))
    }

    // MARK: Workers

    /// A worker's life on its host: so many steps, one after the other.
    ///
    /// - Returns: the errors of its pushes and pulls, and the durabilities that its pushes were answered with.
    @concurrent
    func work(
        slot: Int, steps: Int, pause: Duration = .zero
    ) async throws -> (errors: [ParameterServerError], durabilities: Set<Durability>) {
        let host = runtime.host("/worker/\(slot)")
        return try await host.run {
            let client = try await cluster.client(
                cluster.mesh("/worker/\(slot)"), slot: slot, observer: notes.observer)
            try await client.declare(tables())
            var (errors, durabilities) = ([ParameterServerError](), Set<Durability>())
            for step in 0..<steps {
                do throws(ParameterServerError) { _ = try await client.pull() } catch { errors.append(error) }
                let value = Float(slot + step % 7) / 8
                let report = try await client.push(
                    NamedTensors([("weight", .full([8, 5], value)), ("bias", .full([5], value))]))
                errors += report.failed.map(\.error)
                durabilities.formUnion(report.acknowledged.map(\.durability))
                runtime.record("worker \(slot) has \(report.acknowledged.count) answers")
                if pause > .zero { try await host.sleep(for: pause) }
            }
            client.close()
            return (errors, durabilities)
        }
    }

    func tables() throws -> [TableDeclaration] {
        [
            try TableDeclaration(
                name: "weight", shape: [8, 5], initializer: .uniform(low: -1, high: 1), key: RandomKey(seed: 5),
                updateRule: .adam(), partitioning: .count(3), replicas: replicas),
            try TableDeclaration(
                name: "bias", shape: [5], initializer: .zeros, key: RandomKey(seed: 5),
                updateRule: .sgd(learningRate: 0.5, momentum: 0.9), replicas: replicas),
        ]
    }

    // MARK: What has become of it

    /// The metrics of the servers, which share a registry.
    var metrics: MetricsRegistry? { running.all.first?.mesh.metrics }

    /// What the running servers hold.
    var chains: ServerChains { ServerChains(entries: entries, servers: running.all) }

    /// Waits until every partition has its followers, and they have all that its head has.
    ///
    /// - Returns: false if that takes longer than so much of the simulated time.
    func isSettled(within limit: Duration = .seconds(30)) async throws -> Bool {
        let end = runtime.now.advanced(by: limit)
        while runtime.now < end {
            if chains.areSettled(replicas: replicas) { return true }
            try await runtime.sleep(for: .milliseconds(20))
        }
        return false
    }

    /// A partition as a running server has it.
    func partition(_ id: PartitionID, at server: String) -> Partition? { chains.partition(id, at: server) }

    /// What is not alike, bit by bit, at the servers of a partition.
    func differences() async -> [String] { await chains.differences() }

    /// The equality of sent, applied and acknowledged pushes, by the accounts of the heads in the map.
    func audit() async throws -> PushAudit {
        var accounts: [PartitionAccount] = []
        for entry in entries {
            guard let head = running.all.first(where: { $0.name == entry.head })?.hosted.known(entry.id),
                let account = await head.account()
            else { continue }
            runtime.record("\(account.name) \(account.version) counter \(account.counter)")
            accounts.append(account)
        }
        return PushAudit(accounts: accounts, sent: notes.all.sent, acknowledged: notes.all.acknowledged)
    }
}
