import Coordination
import MeshWire
import MeshworkTesting
import Optimizers
import Synchronization
import Telemetry
import Tensor
import TestSupport
import Testing

@testable import ParameterServer

/// Row tables in chains of servers, on hosts that die.
@Suite struct RowReplicationTests {
    /// What the servers' partitions have to hold: the same pushes, one after the other and without servers.
    private struct Twins {
        let table: TableDeclaration
        private var partitions: [RowPartition] = []

        init(_ table: TableDeclaration) throws {
            self.table = table
            for index in 0..<table.partitionCount {
                partitions.append(try RowPartition(table, partition: index))
            }
        }

        mutating func push(_ keys: [UInt64], _ value: Float) throws {
            for index in partitions.indices {
                let own = keys.filter { table.partition(ofRow: $0) == index }
                guard !own.isEmpty else { continue }
                let values = Array(repeating: value, count: own.count * table.shape.elementCount)
                _ = try partitions[index].push(own, values)
            }
        }

        func pull(_ keys: [UInt64]) throws -> [UInt32] {
            try keys.flatMap { try partitions[table.partition(ofRow: $0)].pull([$0]) }
        }
    }

    /// Rows that are admitted, expire and come again.
    private static func table() throws -> TableDeclaration {
        var settings = TableDeclaration.RowSettings()
        settings.admission = 2
        settings.timeToLive = 25
        settings.rowsPerPartition = 100
        return try TableDeclaration(
            name: "rows", rowWidth: 5, rows: settings, initializer: .uniform(low: -1, high: 1),
            key: RandomKey(seed: 5), updateRule: .adam(), partitionCount: 3, replicas: 1)
    }

    /// Rows so wide that each has a slab of its own, of 8 KiB, in one partition.
    private static func wideTable() throws -> TableDeclaration {
        var settings = TableDeclaration.RowSettings()
        settings.rowsPerPartition = 6_000
        return try TableDeclaration(
            name: "rows", rowWidth: 2_050, rows: settings, initializer: .zeros, key: RandomKey(seed: 5),
            updateRule: .sgd(learningRate: 1), replicas: 1)
    }

    /// Pushes rows of a table whose elements are all alike.
    private static func push(
        _ keys: [UInt64], _ value: Float, of table: TableDeclaration, _ client: ParameterClient
    ) async throws -> [String] {
        let rows = try KeyedRows(keys: keys, values: .full([keys.count, table.shape.elementCount], value))
        let report = try await client.push(NamedTensors(), rows: [table.name: rows])
        return report.failed.map { "\($0.error)" }
    }

    /// A worker's life: so many steps of pulls and pushes of rows.
    ///
    /// - Returns: what was not as it had to be.
    @concurrent
    private static func work(_ job: ReplicatedJob, seed: UInt64, steps: Int) async throws -> [String] {
        let host = job.runtime.host("/worker/0")
        return try await host.run {
            let table = try Self.table()
            var twins = try Twins(table)
            let client = try await job.cluster.client(
                job.cluster.mesh("/worker/0"), observer: job.notes.observer)
            try await client.declare([table])
            var generator = SplitMix64(seed: seed)
            var problems: [String] = []
            for step in 0..<steps {
                let keys = Set((0..<8).map { _ in UInt64.random(in: 0..<90, using: &generator) }).sorted()
                let pulled = try Example.bits(await client.pull(rows: keys, of: "rows"))
                let expected = try twins.pull(keys)
                if pulled != expected { problems.append("the rows of step \(step) are not those of one process") }
                let value = Float(step % 7) - 3
                problems += try await Self.push(keys, value, of: table, client)
                try twins.push(keys, value)
                try await host.sleep(for: .milliseconds(5))
            }
            client.close()
            return problems
        }
    }

    @Test(
        "head or follower killed while rows are pushed and pulled: nothing is lost or doubled, and the rest hold the same bits",
        arguments: [0, 1])
    func killed(place: Int) async throws {
        for seed in 1...UInt64(rounds(2)) {
            try await ReplicatedJob.run(seed: seed, replicas: 1) { job in
                async let working = Self.work(job, seed: seed, steps: 120)
                try await job.runtime.sleep(for: .microseconds(250_000 + Int64(seed * 7_919 % 40_000)))
                let victim = try #require(job.server(atPlace: place))
                job.kill(victim)
                let problems = try await working
                #expect(problems == [], "seed \(seed)")
                let isSettled = try await job.isSettled()
                #expect(isSettled, "seed \(seed): \(job.entries)")
                #expect(job.entries.allSatisfy { $0.intactSince == 1 && !$0.chain.contains("server-\(victim)") })
                #expect(job.entries[0].epoch > 1, "seed \(seed)")
                #expect(await job.differences() == [], "seed \(seed)")
                let audit = try await job.audit()
                #expect(audit.discrepancies == [], "seed \(seed)")
                #expect(audit.applied > 240 && audit.applied == audit.acknowledged, "seed \(seed)")
            }
        }
    }

    @Test(
        "a server that joins is sent more slabs than a message has segments while rows are pushed, and has the same bits"
    )
    func largeSeeding() async throws {
        try await ReplicatedJob.run(seed: 7, servers: 2, replicas: 1) { job in
            let table = try Self.wideTable()
            let client = try await job.cluster.client(
                job.cluster.mesh("/worker/0"), observer: job.notes.observer)
            try await client.declare([table])
            for first in stride(from: 0 as UInt64, to: 4_200, by: 50) {
                #expect(try await Self.push(Array(first..<first + 50), 1, of: table, client) == [])
            }
            let victim = try #require(job.server(atPlace: 1))
            job.kill(victim)
            try await job.runtime.sleep(for: .milliseconds(100))
            try await job.restart(victim)
            for step in 0..<100 as Range<UInt64> {
                #expect(try await Self.push([step, 4_200 + step], 1, of: table, client) == [])
                try await job.runtime.sleep(for: .milliseconds(30))
            }
            let isSettled = try await job.isSettled()
            #expect(isSettled, "\(job.entries)")
            let entry = job.entries[0]
            #expect(entry.followers == ["server-\(victim)"] && entry.intactSince == 1)
            #expect(await job.differences() == [])
            // The new follower has everything, and heads the partition.
            let head = try #require(job.server(atPlace: 0))
            job.kill(head)
            let rows = try await client.pull(rows: [0, 99, 100, 4_199, 4_200, 4_300], of: "rows")
            let first = try rows.scalars(as: Float.self).enumerated().filter { $0.offset % 2_050 == 0 }.map(\.element)
            #expect(first == [-2, -2, -1, -1, -1, 0])
            client.close()
        }
    }

    @Test("a server joins with a snapshot that is larger than all that its log may have")
    func snapshotBeyondTheLog() async throws {
        var configuration = ParameterServerConfiguration()
        configuration.log = PartitionLogConfiguration(folder: "/parameters", sync: .process)
        configuration.log?.waitingBytes = 1 << 20
        configuration.log?.bytes = 2 << 20
        try await ReplicatedJob.run(seed: 8, servers: 2, replicas: 1, configuration: configuration) { job in
            let table = try Self.wideTable()
            let client = try await job.cluster.client(job.cluster.mesh("/worker/0"))
            try await client.declare([table])
            let victim = try #require(job.server(atPlace: 1))
            job.kill(victim)
            // 3 MiB of rows.
            for first in stride(from: 0 as UInt64, to: 400, by: 40) {
                #expect(try await Self.push(Array(first..<first + 40), 1, of: table, client) == [])
            }
            try await job.restart(victim)
            let isSettled = try await job.isSettled()
            #expect(isSettled, "\(job.entries)")
            #expect(job.cluster.log.all("partition cannot be followed").isEmpty)
            let epoch = job.entries[0].epoch
            for first in stride(from: 0 as UInt64, to: 80, by: 40) {
                #expect(try await Self.push(Array(first..<first + 40), 1, of: table, client) == [])
            }
            #expect(job.entries[0].epoch == epoch, "\(job.entries)")
            #expect(await job.differences() == [])
            client.close()
        }
    }

    @Test("a record that never fits into a follower's log has it leave the chain at once, and say what to set")
    func smallLog() async throws {
        try await SimulatedRuntime.run(seed: 3) { runtime in
            let capture = LogCapture()
            var settings = PartitionLogConfiguration(folder: "/log")
            settings.waitingBytes = 1 << 20
            settings.bytes = 16 << 20
            let log = try await ServerLog.open(
                settings, ledger: PushLedger.Limits(), on: runtime, logger: capture.logger
            ).log
            var head = try RowPartition(RowPartition.table(width: 2_000))
            // Of more bytes than a record of this log, and written in pieces of fewer.
            for first in stride(from: 0 as UInt64, to: 200, by: 50) {
                _ = try head.push(Array(first..<first + 50), Array(repeating: 1, count: 100_000))
            }
            let entry = PartitionMap.Partition(
                id: head.state.id, head: "b", epoch: 1, byteCount: 0, followers: ["a"])
            let follower = Partition(
                head.state, in: ChainPlace(of: "a", in: entry), configuration: ParameterServerConfiguration(),
                meter: ApplyMeter(MetricsRegistry(), runtime: runtime), log: log,
                driver: PartitionChainTests.Limited(limit: 1 << 20))
            try await log.begin([(head.state.origin, try head.state.snapshot.pinned())]) {}
            _ = follower.chained { $0.predecessorBegins(on: 1, epoch: 1, isJoining: false) }
            _ = try head.push(Array(0..<100), Array(repeating: 1, count: 200_000))
            let record = try #require(head.records.last)
            let before = runtime.now
            #expect(follower.arrived(ArrivalQueue.Arrival(record: record, stream: 1, epoch: 1)))
            await follower.executeArrived(on: runtime)
            #expect(before.duration(to: runtime.now) < .seconds(1))
            #expect(follower.chain.withLock { $0.wish } == .leave)
            let lines = capture.all("a record does not fit into the log")
            #expect(lines.count == 1 && lines[0].metadata["error"]?.contains("log.waitingBytes") == true)
            try await log.settled(until: runtime.now.advanced(by: .seconds(10)))
            await log.close()
            let kept = try await ServerLog.open(
                settings, ledger: PushLedger.Limits(), on: runtime, logger: capture.logger
            ).partitions
            #expect(kept.map(\.version.applied) == [4])
        }
    }

    @Test("a server that joins while too many rows change is sent a newer snapshot, and has the same bits at the end")
    func revokedSeeding() async throws {
        var configuration = ParameterServerConfiguration()
        configuration.rowSnapshots.bytes = 64 << 10
        configuration.replication.seedingBytesPerSecond = 1 << 20
        try await ReplicatedJob.run(seed: 9, servers: 2, replicas: 1, configuration: configuration) { job in
            let message = "too many rows change while a server joins: it is sent a newer snapshot"
            let table = try Self.wideTable()
            let client = try await job.cluster.client(
                job.cluster.mesh("/worker/0"), observer: job.notes.observer)
            try await client.declare([table])
            for first in stride(from: 0 as UInt64, to: 400, by: 50) {
                #expect(try await Self.push(Array(first..<first + 50), 1, of: table, client) == [])
            }
            let victim = try #require(job.server(atPlace: 1))
            job.kill(victim)
            try await job.runtime.sleep(for: .milliseconds(100))
            try await job.restart(victim)
            var pushes = 0
            while job.cluster.log.all(message).count < 2, pushes < 400 {
                // Each changes more than the limit.
                #expect(try await Self.push(Array(0..<20), 1, of: table, client) == [])
                pushes += 1
                try await job.runtime.sleep(for: .milliseconds(50))
            }
            #expect(job.cluster.log.all(message).count >= 2, "after \(pushes) pushes")
            let isSettled = try await job.isSettled()
            #expect(isSettled, "\(job.entries)")
            #expect(job.entries[0].followers == ["server-\(victim)"])
            #expect(await job.differences() == [])
            let audit = try await job.audit()
            #expect(audit.discrepancies == [] && audit.applied == UInt64(8 + pushes))
            client.close()
        }
    }
}
