import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Synchronization
import Telemetry
import Tensor
import Testing

@testable import ParameterServer

@Suite struct ServerLogTests {
    private static let folder = "/parameters"

    private static func tables() throws -> [TableDeclaration] {
        [
            try Example.table(
                "weight", shape: [6, 3], initializer: .uniform(low: -1, high: 1), rule: .adam(), partitions: 3),
            try Example.table("bias", shape: [3], rule: .sgd(learningRate: 0.1, momentum: 0.9)),
        ]
    }

    private static func gradients(_ value: Float = 1) throws -> NamedTensors {
        try NamedTensors([("weight", .full([6, 3], value)), ("bias", .full([3], value))])
    }

    private static func configuration(
        _ sync: PartitionLogConfiguration.Sync = .disk, folder: String = folder
    ) -> ParameterServerConfiguration {
        var configuration = ParameterServerConfiguration()
        configuration.log = PartitionLogConfiguration(folder: folder, sync: sync)
        return configuration
    }

    private static func bits(_ parameters: NamedTensors) throws -> [[UInt32]] {
        try parameters.map { try Example.bits($0.tensor) }
    }

    /// A job of one server that keeps a log, and ways to end it.
    private struct Job {
        let runtime: SimulatedRuntime
        let cluster: TestCluster
        let configuration: ParameterServerConfiguration

        init(
            _ runtime: SimulatedRuntime, _ configuration: ParameterServerConfiguration = ServerLogTests.configuration()
        ) async throws {
            self.runtime = runtime
            self.configuration = configuration
            cluster = try await TestCluster.start(runtime, servers: 0)
            _ = try await cluster.startServer(0, configuration: configuration)
        }

        /// Ends the server's process, and what it had not given to the system.
        func kill() {
            let server = cluster.coordinator.map.servers[0]
            runtime.kill(host: server.host, port: server.port)
            runtime.disk.killProcess()
        }

        /// Cuts the machine's power.
        func crash() {
            let server = cluster.coordinator.map.servers[0]
            runtime.kill(host: server.host, port: server.port)
            runtime.disk.crash()
        }

        func restart() async throws { _ = try await cluster.startServer(0, configuration: configuration) }
    }

    @Test(
        "a server that starts again goes on with what it had, bit for bit, and takes gradients of before",
        arguments: [PartitionLogConfiguration.Sync.process, .disk])
    func restart(sync: PartitionLogConfiguration.Sync) async throws {
        try await SimulatedRuntime.run(seed: 11) { runtime in
            let job = try await Job(runtime, Self.configuration(sync))
            let client = try await job.cluster.client(job.cluster.mesh("/worker/0"))
            try await client.declare(Self.tables())
            _ = try await client.pull()
            let durability: Durability = sync == .disk ? .loggedSynced : .loggedProcessOnly
            for step in 1...5 {
                let report = try await client.push(Self.gradients(Float(step)))
                #expect(report.failed.isEmpty)
                #expect(Set(report.acknowledged.map(\.durability)) == [durability])
            }
            let before = try Self.bits(try await client.pull())
            job.kill()
            try await job.restart()
            // The gradient is of the earlier life's parameters: nothing was lost, and so it counts.
            let report = try await client.push(Self.gradients(6))
            #expect(report.failed.isEmpty)
            #expect(Set(report.acknowledged.map(\.version)) == [PartitionVersion(epoch: 2, applied: 6)])
            // What was read from the log is what was there, and the next step is what it would have been.
            let twin = try await Self.twin(runtime, steps: 6)
            #expect(try Self.bits(try await client.pull()) == twin)
            #expect(before != twin)
        }
    }

    /// The parameters after so many steps on a server that never ended.
    private static func twin(_ runtime: SimulatedRuntime, steps: Int) async throws -> [[UInt32]] {
        let cluster = try await TestCluster.start(runtime, servers: 1)
        let client = try await cluster.client(cluster.mesh("/worker/0"))
        try await client.declare(tables())
        _ = try await client.pull()
        for step in 1...steps { _ = try await client.push(gradients(Float(step))) }
        return try bits(try await client.pull())
    }

    @Test(
        "whenever the power fails, every acknowledged push is there afterwards, and each was applied once",
        arguments: 1...12 as ClosedRange<UInt64>)
    func crashes(seed: UInt64) async throws {
        let notes = PushNotebook()
        let (accounts, crashes) = try await SimulatedRuntime.run(seed: seed) { runtime in
            var faults = LogFaults()
            faults.syncTime = .zero ... .milliseconds(30)
            runtime.disk.setFaults(faults)
            let job = try await Job(runtime)
            var clients: [ParameterClient] = []
            for slot in 0..<3 {
                let client = try await job.cluster.client(
                    job.cluster.mesh("/worker/\(slot)"), slot: slot, observer: notes.observer)
                try await client.declare(Self.tables())
                clients.append(client)
            }
            let crashes = try await withThrowingTaskGroup(of: Int.self) { group in
                for client in clients {
                    group.addTask {
                        _ = try await client.pull()
                        for step in 0..<30 {
                            let report = try await client.push(Self.gradients(Float(step)))
                            #expect(report.failed.isEmpty, "seed \(seed): \(report.failed.map(\.error))")
                        }
                        return 0
                    }
                }
                group.addTask {
                    var generator = SplitMix64(seed: seed)
                    for _ in 0..<4 {
                        try await runtime.sleep(for: .milliseconds(Int.random(in: 20...400, using: &generator)))
                        if Bool.random(using: &generator) { job.crash() } else { job.kill() }
                        try await runtime.sleep(for: .milliseconds(Int.random(in: 1...100, using: &generator)))
                        try await job.restart()
                    }
                    return 4
                }
                return try await group.reduce(0, +)
            }
            return (try await job.cluster.reader().accounts(), crashes)
        }
        #expect(crashes == 4)
        let audit = PushAudit(accounts: accounts, sent: notes.all.sent, acknowledged: notes.all.acknowledged)
        #expect(audit.discrepancies == [], "seed \(seed)")
        #expect(audit.acknowledged == 3 * 30 * 4, "seed \(seed)")
        #expect(Set(accounts.map(\.version)) == [PartitionVersion(epoch: 5, applied: 90)], "seed \(seed)")
    }

    @Test("a log that has become long is replaced by snapshots, and a server starts from them with the same bits")
    func compaction() async throws {
        try await SimulatedRuntime.run(seed: 13) { runtime in
            var configuration = Self.configuration()
            configuration.log?.waitingBytes = 1 << 20
            configuration.log?.bytes = 2 << 20
            let job = try await Job(runtime, configuration)
            let client = try await job.cluster.client(job.cluster.mesh("/worker/0"))
            try await client.declare([
                try Example.table("large", shape: [40_000], initializer: .uniform(low: -1, high: 1), rule: .adam())
            ])
            _ = try await client.pull()
            for step in 1...40 {
                let report = try await client.push(NamedTensors([("large", .full([40_000], Float(step)))]))
                #expect(report.failed.isEmpty)
            }
            let names = try await runtime.logs.list(Self.folder)
            #expect(names.contains { $0.hasPrefix("snapshot-") })
            // 40 records of 160,000 bytes are more than the log may have.
            let kept = names.reduce(0) { $0 + (runtime.disk.bytes(of: "\(Self.folder)/\($1)")?.count ?? 0) }
            #expect(kept < 4 << 20)
            let before = try Self.bits(try await client.pull())
            job.crash()
            try await job.restart()
            #expect(try Self.bits(try await client.pull()) == before)
            let report = try await client.push(NamedTensors([("large", .full([40_000], Float(1)))]))
            #expect(report.acknowledged.map(\.version.applied) == [41])
        }
    }

    @Test("a log in which a bit has flipped is refused with its place, and the coordinator does not hear of that life")
    func damage() async throws {
        try await SimulatedRuntime.run(seed: 14) { runtime in
            let job = try await Job(runtime)
            let client = try await job.cluster.client(job.cluster.mesh("/worker/0"))
            try await client.declare(Self.tables())
            _ = try await client.pull()
            for _ in 0..<5 { _ = try await client.push(Self.gradients()) }
            job.kill()
            let file = "\(Self.folder)/entries-0000000000000000"
            var bytes = try #require(runtime.disk.bytes(of: file))
            bytes[bytes.count / 2] ^= 4
            runtime.disk.setBytes(of: file, to: bytes)
            let life = job.cluster.coordinator.map.servers[0].life
            let (server, address) = try await job.cluster.listeningServer(0, configuration: job.configuration)
            let error = await #expect(throws: ParameterServerError.self) { try await server.register(at: address) }
            #expect(error?.code == .logFailed)
            #expect(error?.message.contains(file) == true, "\(error?.message ?? "")")
            #expect(job.cluster.coordinator.map.servers[0].life == life)
        }
    }

    @Test("when the disk is full pushes are refused with a reason, and what was acknowledged stays")
    func fullDisk() async throws {
        try await SimulatedRuntime.run(seed: 15) { runtime in
            let job = try await Job(runtime)
            var settings = ParameterClientConfiguration()
            settings.timeout = .seconds(3)
            let client = try await job.cluster.client(job.cluster.mesh("/worker/0"), configuration: settings)
            try await client.declare(Self.tables())
            _ = try await client.pull()
            for _ in 0..<3 { #expect(try await client.push(Self.gradients()).failed.isEmpty) }
            var faults = LogFaults()
            let names = try await runtime.logs.list(Self.folder)
            let used = names.reduce(0) { $0 + (runtime.disk.bytes(of: "\(Self.folder)/\($1)")?.count ?? 0) }
            faults.capacity = Int64(used)
            runtime.disk.setFaults(faults)
            let report = try await client.push(Self.gradients())
            #expect(report.acknowledged.isEmpty)
            #expect(Set(report.failed.map(\.error.code)) == [.logFailed])
            #expect(report.failed.first?.error.message.contains("diskFull") == true)
            #expect(job.cluster.log.all("the log failed: pushes are refused until the server starts again").count == 1)
            runtime.disk.setFaults(LogFaults())
            job.kill()
            try await job.restart()
            #expect(try await job.cluster.applied() == [3, 3, 3, 3])
            #expect(try await client.push(Self.gradients()).acknowledged.map(\.version.applied) == [4, 4, 4, 4])
        }
    }

    @Test("two processes cannot have one log, and a partition too large for a record is refused by name")
    func refusals() async throws {
        try await SimulatedRuntime.run(seed: 16) { runtime in
            var configuration = Self.configuration()
            configuration.log?.waitingBytes = 1 << 20
            let job = try await Job(runtime, configuration)
            let (second, address) = try await job.cluster.listeningServer(1, configuration: configuration)
            let error = await #expect(throws: ParameterServerError.self) { try await second.register(at: address) }
            #expect(error?.code == .logFailed)
            #expect(error?.message.contains("inUse") == true)
            // A server that has let go of its log leaves it to the next.
            let third = Self.configuration(folder: "/third")
            for index in 2...3 {
                let (server, address) = try await job.cluster.listeningServer(index, configuration: third)
                try await server.register(at: address)
                await server.close()
            }
            let client = try await job.cluster.client(job.cluster.mesh("/worker/0"))
            try await client.declare([
                try TableDeclaration(
                    name: "huge", shape: [200_000], initializer: .zeros, key: RandomKey(seed: 1),
                    updateRule: .sgd(learningRate: 1), partitioning: .count(1))
            ])
            let refusal = await #expect(throws: ParameterServerError.self) { try await client.pull() }
            #expect(refusal?.message.contains("huge#0") == true, "\(refusal.map { "\($0)" } ?? "")")
        }
    }

    @Test("an epoch that begins when the log is full is taken, a session's fence waits for room, and the log goes on")
    func fullLog() async throws {
        try await SimulatedRuntime.run(seed: 17) { runtime in
            let capture = LogCapture()
            let ledger = PushLedger.Limits()
            var settings = PartitionLogConfiguration(folder: "/measured")
            func open() async throws -> (Partition, ServerLog) {
                let log = try await ServerLog.open(settings, ledger: ledger, on: runtime, logger: capture.logger).log
                let table = try Example.table(shape: [50_000])
                let first = try PartitionState(
                    id: PartitionID(rawValue: 1), name: PartitionName(table: table.name, index: 0), of: table,
                    epoch: 1, intactSince: 1, parameters: table.initialValues(ofPartition: 0),
                    fence: Example.fence(Example.session(1)), limits: ledger)
                let entry = PartitionMap.Partition(id: first.id, head: "server", epoch: 1, byteCount: 0)
                let partition = Partition(
                    first, in: ChainPlace(of: "server", in: entry), configuration: ParameterServerConfiguration(),
                    meter: ApplyMeter(MetricsRegistry(), runtime: runtime), log: log, driver: nil)
                partition.open()
                try await log.begin([(first.origin, nil)]) {}
                try await log.settled(until: runtime.now.advanced(by: .seconds(10)))
                return (partition, log)
            }
            // Nobody waits for the disk meanwhile, which so writes nothing.
            func push(_ sequence: UInt64, of session: UInt64, to partition: Partition) throws -> PushReply.Outcome {
                let push = try Example.push(
                    sequence, of: Example.session(session), gradient: [Float](repeating: 1, count: 50_000),
                    acknowledgedThrough: sequence - 1)
                return try #require(partition.pushIfFree(push)).reply.outcome
            }
            var (partition, log) = try await open()
            for sequence in 1...6 as ClosedRange<UInt64> {
                #expect(try push(sequence, of: 1, to: partition) == .applied)
            }
            // So that six pushes fill the log, and nothing fits beside them.
            settings.waitingBytes = log.usage.waitingBytes + 4
            settings.folder = Self.folder
            await log.close()
            (partition, log) = try await open()
            for sequence in 1...6 as ClosedRange<UInt64> {
                #expect(try push(sequence, of: 1, to: partition) == .applied)
            }
            guard case .refused(.busy, _) = try push(7, of: 1, to: partition) else {
                Issue.record("the log is not full")
                return
            }
            partition.begin(epoch: 2, intactSince: 1)
            _ = await partition.install(Example.fence(Example.session(2)), reportOn: nil)
            #expect(try push(1, of: 2, to: partition) == .applied)
            try await log.settled(until: runtime.now.advanced(by: .seconds(10)))
            #expect(capture.records.isEmpty)
            await log.close()
            let kept = try await ServerLog.open(settings, ledger: ledger, on: runtime, logger: capture.logger)
                .partitions
            #expect(kept.map(\.version) == [PartitionVersion(epoch: 2, applied: 7)])
            #expect(kept.map(\.fence) == partition.state.withLock { [$0.state.fence] })
        }
    }

    @Test("a configuration names what is wrong with its log")
    func configurationProblems() {
        var configuration = ParameterServerConfiguration()
        configuration.log = PartitionLogConfiguration(folder: "")
        configuration.log?.waitingBytes = 10
        configuration.log?.bytes = 10
        do throws(ParameterServerError) {
            try configuration.validate()
            Issue.record("taken")
        } catch {
            #expect(error.code == .invalidConfiguration)
            for name in ["log.folder", "log.waitingBytes", "log.bytes"] { #expect(error.message.contains(name)) }
        }
    }
}
