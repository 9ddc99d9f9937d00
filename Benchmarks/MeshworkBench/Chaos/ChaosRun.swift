import Coordination
import Foundation
import Identity
import MeshTransport
import MeshWire
import ParameterServer
import Tensor

/// One run of the case: real processes under a schedule of disturbances, and what is true at the end.
struct ChaosRun: Sendable {
    let options: ChaosOptions
    let schedule: ChaosSchedule
    let watch = ChaosWatch()
    let fleet = ChaosFleet()
    let memory = ChaosMemory()
    private let identities: BenchmarkIdentities
    private let folder: URL
    /// Where servers are apart from each other; `nil` where all processes share this one's network.
    let namespaces: ChaosNamespaces?
    /// Before the coordinator, for workers.
    let coordinatorProxy: ChaosProxy
    /// Before the coordinator, for each server: so that one of them alone can be cut off.
    private let outwardProxies: [ChaosProxy]
    private let serverProxies: [ChaosProxy]

    /// Runs it, whatever happens ending every process that it started.
    static func run(_ options: ChaosOptions) async throws -> ChaosReport {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("meshwork-chaos-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let namespaces = try options.namespaces ? ChaosNamespaces(options.servers) : nil
        defer { namespaces?.remove() }
        let run = try await ChaosRun(options, in: folder, namespaces)
        do {
            let result = try await run.run()
            await run.fleet.stop()
            return result
        } catch {
            await run.fleet.stop()
            throw error
        }
    }

    private init(_ options: ChaosOptions, in folder: URL, _ namespaces: ChaosNamespaces?) async throws {
        self.options = options
        self.namespaces = namespaces
        self.folder = folder
        schedule = ChaosSchedule(
            seed: options.seed, servers: options.servers, workers: options.workers,
            length: .seconds(options.seconds) * 4 / 5)
        identities = try BenchmarkIdentities()
        coordinatorProxy = try await ChaosProxy(seed: options.seed &+ 1)
        var (inward, outward): ([ChaosProxy], [ChaosProxy]) = ([], [])
        let host = namespaces?.gateway ?? "127.0.0.1"
        for server in 0..<UInt64(options.servers) {
            inward.append(try await ChaosProxy(seed: options.seed &+ 2 &+ server, host: host))
            outward.append(try await ChaosProxy(seed: options.seed &+ 1_002 &+ server, host: host))
        }
        serverProxies = inward
        outwardProxies = outward
    }

    private var proxies: [ChaosProxy] { [coordinatorProxy] + outwardProxies + serverProxies }

    /// What a server hears comes through these, and what it says to the coordinator.
    func proxies(of server: Int) -> [ChaosProxy] { [serverProxies[server], outwardProxies[server]] }

    private func run() async throws -> ChaosReport {
        let start = ContinuousClock.now
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for proxy in proxies { group.addTask { try await proxy.run() } }
            try await startCoordinator()
            for server in 0..<options.servers { try await startServer(server) }
            group.addTask { try await watchProcesses() }
            try await withThrowingTaskGroup(of: Bool.self) { workers in
                for slot in 0..<options.workers {
                    workers.addTask {
                        try await superviseWorker(slot)
                        return false
                    }
                }
                try await learnHeads()
                group.addTask { try await followHeads() }
                try await disturb(&workers)
                // Nothing more happens; all goes on.
                for proxy in proxies { proxy.setWeather(.clear) }
                try await Task.sleep(until: start + .seconds(options.seconds))
                for what in watch.unrecovered { watch.violated("no push was answered after: \(what)") }
                await fleet.stopWorkers()
                try await workers.waitForAll()
            }
            let result = try await finish(after: start.duration(to: .now))
            group.cancelAll()
            return result
        }
    }

    // MARK: Processes

    func startCoordinator() async throws {
        var role = ChaosRole()
        role.folder = folder.appendingPathComponent("coordination").path
        role.servers = options.servers
        let process = try await PeerProcess.start("chaos-coordinator", role, as: identities.server.current)
        for proxy in [coordinatorProxy] + outwardProxies { proxy.setTarget(process.port) }
        fleet.set(process, at: .coordinator)
    }

    func startServer(_ server: Int) async throws {
        var role = ChaosRole()
        role.coordinator = outwardProxies[server].port
        role.ownProxy = serverProxies[server].port
        if let namespaces { (role.proxyHost, role.host) = (namespaces.gateway, namespaces.address(of: server)) }
        role.number = server
        role.folder = folder.appendingPathComponent("server-\(server)").path
        role.isSynced = options.sync == .disk
        let process = try await PeerProcess.start(
            "chaos-server", role, as: identities.server.current,
            by: { namespaces?.command(of: server, $0) ?? $0 })
        serverProxies[server].setTarget(process.port, host: role.host)
        fleet.set(process, at: .server(server))
    }

    /// Keeps a worker in a slot until the run is over or another has the slot.
    func superviseWorker(_ slot: Int) async throws {
        var life: UInt64 = 0
        while !fleet.isOver {
            life += 1
            var role = ChaosRole()
            role.coordinator = coordinatorProxy.port
            role.followers = options.followers
            role.number = slot
            role.seed = options.seed &+ UInt64(slot) &* 1_000 &+ life
            let worker = try await PeerProcess.start("chaos-worker", role, as: identities.client.current)
            guard fleet.add(worker, slot: slot) else { return worker.stop() }
            let watch = watch
            try await ChaosFleet.offThePool { worker.forEachLine { watch.take($0, fromSlot: slot) } }
            fleet.remove(worker, slot: slot)
            // A worker that ends by itself has made way for another.
            if try await ChaosFleet.offThePool({ worker.waitForEnd() }) != .killed { return }
            try await Task.sleep(for: .milliseconds(300))
        }
    }

    /// Looks at the processes every second: what they use, and that those that should live do.
    private func watchProcesses() async throws {
        while true {
            try await Task.sleep(for: .seconds(1))
            for place in [.coordinator] + (0..<options.servers).map({ ChaosFleet.Place.server($0) }) {
                guard let process = fleet.process(at: place) else { continue }
                if process.isRunning, let report = try? ProcessReport.of(process.identifier) {
                    memory.add(report.residentBytes, of: place)
                    continue
                }
                // One that was killed on purpose is not here any more.
                guard fleet.process(at: place) === process else { continue }
                fleet.set(nil, at: place)
                watch.violated("\(place) ended by itself: \(process.waitForEnd())")
                switch place {
                case .coordinator: try await startCoordinator()
                case .server(let server): try await startServer(server)
                }
            }
        }
    }

    // MARK: Reading

    private func withReader<Result: Sendable>(
        _ body: (CoordinationClient, ParameterReader) async throws -> Result
    ) async throws -> Result {
        var role = ChaosRole()
        role.coordinator = coordinatorProxy.port
        let coordination = try role.coordination(try role.mesh(identities.client))
        let reader = try ParameterReader(coordination)
        defer {
            reader.close()
            coordination.closeConnection()
        }
        return try await body(coordination, reader)
    }

    /// Waits until the tables are placed and every partition has its followers, and remembers where they are.
    private func learnHeads() async throws {
        let count = try ChaosRole.tables(followers: options.followers).count
        try await withReader { coordination, _ in
            guard let map = try await coordination.wholeMap(within: .seconds(30), where: { $0.tables.count == count })
            else { throw BenchmarkFailure("no table was placed with its followers within 30 s") }
            watch.setHeads(map)
        }
    }

    /// Remembers where partitions are, until the task is cancelled.
    private func followHeads() async throws {
        try await withReader { coordination, _ in
            while true {
                // The coordinator may be away.
                if let map = try? await coordination.fetchMap() { watch.setHeads(map) }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    /// Says so where a partition does not get its followers back within 30 s.
    private func waitForFollowers(_ coordination: CoordinationClient) async throws {
        guard try await coordination.wholeMap(within: .seconds(30)) == nil else { return }
        let map = try await coordination.fetchMap()
        let living = map.living.map(\.name).joined(separator: ", ")
        for partition in map.tables.flatMap(\.partitions) where partition.followers.count < options.followers {
            let joining = partition.joining.isEmpty ? "nobody joins" : "\(partition.joining) joins"
            watch.violated(
                "partition \(partition.id) of epoch \(partition.epoch) at \(partition.head) has the followers \(partition.followers) 30 s after all is over, \(joining), there live \(living)"
            )
        }
    }

    /// Reads the accounts until they stay as they are, and compares them with the notes and the parameters.
    private func finish(after time: Duration) async throws -> ChaosReport {
        let tables = try ChaosRole.tables(followers: options.followers)
        let expected = tables.reduce(0) { $0 + $1.partitionCount }
        return try await withReader { coordination, reader in
            try await waitForFollowers(coordination)
            var last: [PartitionAccount] = []
            for _ in 0..<60 {
                let accounts = (try? await reader.accounts()) ?? []
                if accounts.count == expected, accounts == last {
                    let (sent, acknowledged) = watch.notes
                    let audit = PushAudit(accounts: accounts, sent: sent, acknowledged: acknowledged)
                    for discrepancy in audit.discrepancies { watch.violated("\(discrepancy)") }
                    try check(accounts, try await reader.pull(), tables)
                    if let growth = memory.growth { watch.violated(growth) }
                    return ChaosReport(
                        self, audit, accounts,
                        truncated: proxies.reduce(0) { $0 + $1.truncated }, after: time)
                }
                last = accounts
                try await Task.sleep(for: .milliseconds(500))
            }
            throw BenchmarkFailure("the partitions did not come to rest within 30 s; replay with \(options.replay)")
        }
    }

    /// Every element of a partition is the number of its applied pushes.
    private func check(
        _ accounts: [PartitionAccount], _ parameters: NamedTensors, _ tables: [TableDeclaration]
    ) throws {
        for account in accounts {
            guard let table = tables.first(where: { $0.name == account.name.table }) else { continue }
            let values = try parameters.tensor(named: table.name).scalars(as: Float.self)
            let found = Set(values[table.elements(ofPartition: account.name.index)])
            if found != [-Float(account.version.applied)] {
                watch.violated("\(account.name) has applied \(account.version.applied) pushes and holds \(found)")
            }
        }
    }
}
