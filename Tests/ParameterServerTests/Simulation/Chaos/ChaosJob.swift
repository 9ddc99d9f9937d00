import Coordination
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import Synchronization
import Tensor

@testable import ParameterServer

/// A job of a coordinator with its store, three servers with logs, followers or both, and three workers, each on a host
/// of its own, which goes on under a schedule of disturbances: what dies is started again.
struct ChaosJob: Sendable {
    /// What a job is made of and how long it runs.
    struct Shape: Sendable {
        var servers = 3
        var workers = 3
        /// How safe the servers' logs are; `nil` where they have none. Then they are disturbed one at a time, and only
        /// while every partition has its followers: what a head alone had in memory would be lost with it.
        var sync: PartitionLogConfiguration.Sync? = .disk
        /// The followers of each partition.
        var replicas = 0
        /// When the last disturbance begins at the latest.
        var length = Duration.seconds(4)
        /// Changes to the servers' configuration.
        var adjust: @Sendable (inout ParameterServerConfiguration) -> Void = { _ in }
    }

    let runtime: SimulatedRuntime
    let cluster: TestCluster
    let shape: Shape
    let model: ChaosModel
    let tables: [TableDeclaration]
    let processes: ChaosProcesses

    /// Runs a job; `shape` and `seed` say all about it.
    static func run(seed: UInt64, _ shape: Shape = Shape()) async throws -> ChaosOutcome {
        try await SimulatedRuntime.run(seed: seed, limit: .seconds(600)) { runtime in
            let processes = ChaosProcesses()
            let cluster = try await TestCluster.start(
                runtime, servers: 0, adjust: { $0 = coordinatorConfiguration(shape) },
                on: { runtime.host(processes.host(of: $0)) })
            let job = ChaosJob(
                runtime: runtime, cluster: cluster, shape: shape,
                model: ChaosModel(durabilities: durabilities(shape)),
                tables: [
                    try Example.table("weight", shape: [8, 5], partitions: 3, replicas: shape.replicas),
                    try Example.table("bias", shape: [5], replicas: shape.replicas),
                ], processes: processes)
            processes.coordinatorRuns(cluster.coordinator)
            return try await job.run()
        }
    }

    /// What acknowledgements may name: a chain that has lost its followers says what the head alone survives.
    private static func durabilities(_ shape: Shape) -> Set<Durability> {
        let alone: Durability =
            switch shape.sync {
            case .disk: .loggedSynced
            case .process: .loggedProcessOnly
            case nil: .memory
            }
        return Set([alone] + (0..<shape.replicas).map { .replicated($0 + 1) })
    }

    private func run() async throws -> ChaosOutcome {
        let schedule = ChaosSchedule(
            seed: runtime.seed, servers: shape.servers, workers: shape.workers, losesPower: shape.sync == .disk,
            hasLogs: shape.sync != nil, length: shape.length)
        let audit = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await superviseCoordinator() }
            for server in 0..<shape.servers {
                runtime.host("/server/\(server)").disk.setFaults(Self.disk)
                try await startServer(server)
            }
            setFaults()
            try await withThrowingTaskGroup(of: Bool.self) { workers in
                for slot in 0..<shape.workers {
                    workers.addTask {
                        try await superviseWorker(slot)
                        return false
                    }
                }
                try await disturb(schedule, &workers)
                // Nothing more happens; all that lives goes on.
                runtime.setFaults(NetworkFaults())
                let before = (0..<shape.workers).map { model.acknowledgements(ofSlot: $0) }
                runtime.record("the disturbances are over")
                try await runtime.sleep(for: Self.aftermath)
                for slot in 0..<shape.workers where model.acknowledgements(ofSlot: slot) == before[slot] {
                    model.violated("slot \(slot) has had no answer for \(Self.aftermath) after the last disturbance")
                }
                processes.stop()
                try await workers.waitForAll()
            }
            if shape.replicas > 0 { try await compareChains() }
            let reader = try cluster.reader()
            let accounts = try await reader.accounts()
            for account in accounts {
                runtime.record("\(account.name) \(account.version) counter \(account.counter)")
            }
            let audit = try model.finish(accounts, try await reader.pull(), tables: tables)
            group.cancelAll()
            return audit
        }
        return ChaosOutcome(
            seed: runtime.seed, schedule: schedule, audit: audit, violations: model.violations, trace: runtime.trace)
    }

    /// Every partition gets its followers back, and they hold the same bits as its head.
    private func compareChains() async throws {
        let end = runtime.now.advanced(by: .seconds(30))
        while !processes.chains.areSettled(replicas: shape.replicas) {
            guard runtime.now < end else {
                return model.violated("partitions do not get their followers: \(processes.chains.entries)")
            }
            try await runtime.sleep(for: .milliseconds(20))
        }
        for difference in await processes.chains.differences() { model.violated(difference) }
    }

    /// What networks do at all times: some messages come late, and some connections end in the middle of one.
    private func setFaults() {
        var faults = NetworkFaults.Direction()
        faults.delay = .zero ... .milliseconds(30)
        faults.delayShare = 0.05
        faults.truncation = 0.002
        runtime.setFaults(NetworkFaults(both: faults))
    }

    // MARK: The coordinator

    static func coordinatorConfiguration(_ shape: Shape) -> CoordinatorConfiguration {
        var configuration = CoordinatorConfiguration()
        configuration.lease = .seconds(1)
        configuration.restartGrace = .seconds(1)
        configuration.fenceTimeout = .milliseconds(300)
        configuration.serversBeforePlacement = shape.servers
        configuration.folder = "/coordination"
        return configuration
    }

    /// Keeps a coordinator running, a life after the other.
    private func superviseCoordinator() async throws {
        let (cluster, shape, processes) = (cluster, shape, processes)
        do {
            try await runtime.host("/coordinator").run { try await cluster.coordinator.run() }
        } catch {
            runtime.record("the coordinator's life ended: \(error)")
        }
        while !Task.isCancelled {
            try await runtime.sleep(for: max(.milliseconds(1), processes.coordinatorAway))
            let host = runtime.host("/coordinator").restart()
            do {
                try await host.run {
                    let mesh = try cluster.mesh("/coordinator")
                    let coordinator = try await Coordinator(
                        on: mesh, configuration: Self.coordinatorConfiguration(shape),
                        logger: Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() })
                    processes.coordinatorRuns(coordinator)
                    let address = cluster.coordinatorAddress
                    _ = try await mesh.listen(host: address.host, port: address.port)
                    try await coordinator.run()
                }
            } catch {
                runtime.record("the coordinator's life ended: \(error)")
            }
        }
    }

    // MARK: Servers

    /// Starts a server, again and again until it has registered.
    func startServer(_ server: Int) async throws {
        let cluster = cluster
        var configuration = ParameterServerConfiguration()
        configuration.log = shape.sync.map { PartitionLogConfiguration(folder: "/log", sync: $0) }
        shape.adjust(&configuration)
        let settings = configuration
        while true {
            let host = runtime.host("/server/\(server)")
            do {
                let (running, address) = try await host.run {
                    let (running, address) = try await cluster.listeningServer(server, configuration: settings)
                    try await running.register(at: address)
                    return (running, address)
                }
                processes.serverListens(server, running, at: .tcp(host: address.host, port: address.port))
                return
            } catch {
                runtime.record("server \(server) does not start: \(error)")
                host.kill()
                try await runtime.sleep(for: .milliseconds(50))
            }
        }
    }

    /// What a disk does at all times: a sync takes its time, in which power may fail.
    static let disk: LogFaults = {
        var faults = LogFaults()
        faults.syncTime = .zero ... .milliseconds(8)
        return faults
    }()

    private static let aftermath = Duration.seconds(4)
}
