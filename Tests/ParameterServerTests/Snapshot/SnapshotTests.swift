import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Telemetry
import Tensor
import TestSupport
import Testing

@testable import ParameterServer

/// What readers see of snapshots, and what servers keep for them.
@Suite(.timeLimit(.minutes(5))) struct SnapshotTests {
    private static func tables(replicas: Int = 0) throws -> [TableDeclaration] {
        var rows = TableDeclaration.RowSettings()
        rows.keyLimit = 100
        return [
            try TableDeclaration(
                name: "weight", shape: [7, 3], initializer: .uniform(low: -1, high: 1), key: RandomKey(seed: 5),
                updateRule: .adam(), partitioning: .count(3), replicas: replicas),
            try TableDeclaration(
                name: "items", rowWidth: 2, rows: rows, initializer: .uniform(low: -1, high: 1),
                key: RandomKey(seed: 6), updateRule: .adam(), partitionCount: 2, replicas: replicas),
        ]
    }

    private static let keys: [UInt64] = [3, 99, 0, 3, 50]

    @discardableResult
    private static func push(_ client: ParameterClient, _ value: Float) async throws -> PushReport {
        let rows = try KeyedRows(keys: [0, 3, 7], values: .full([3, 2], value))
        return try await client.push(NamedTensors([("weight", .full([7, 3], value))]), rows: ["items": rows])
    }

    /// All bits that a snapshot gives.
    private static func bits(_ snapshot: ParameterSnapshot) async throws -> [UInt32] {
        try await Example.bits(snapshot.pull().tensor(named: "weight"))
            + Example.bits(await snapshot.pull(rows: keys, of: "items"))
    }

    /// What a live pull gives.
    private static func bits(_ reader: ParameterReader) async throws -> [UInt32] {
        try await Example.bits(reader.pull(["weight"]).tensor(named: "weight"))
            + Example.bits(await reader.pull(rows: keys, of: "items"))
    }

    /// A job on simulated servers with these limits, and a client that has declared the tables and pushed once.
    private static func withJob(
        servers: Int = 2, _ limits: SnapshotConfiguration = SnapshotConfiguration(),
        adjust: (inout ParameterServerConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable @concurrent (ParameterClient, TestCluster) async throws -> Void
    ) async throws {
        var configuration = ParameterServerConfiguration()
        configuration.snapshots = limits
        adjust(&configuration)
        let settings = configuration
        try await SimulatedRuntime.run(seed: 11) { runtime in
            let cluster = try await TestCluster.start(
                runtime, servers: 0, adjust: { $0.serversBeforePlacement = servers })
            for server in 0..<servers { _ = try await cluster.startServer(server, configuration: settings) }
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            try await client.declare(tables())
            try await push(client, 1)
            try await body(client, cluster)
            client.close()
        }
    }

    private static func gauge(_ cluster: TestCluster, _ name: String, _ of: String = "kept") -> Double {
        cluster.metrics.gauge(name, help: "", labels: "of").series(of).value
    }

    @Test("every read of a snapshot gives the same bits while training goes on, of dense tables and of rows")
    func repeatable() async throws {
        try await Self.withJob { client, cluster in
            let reader = try cluster.reader()
            let before = try await Self.bits(reader)
            let snapshot = try await reader.snapshot()
            #expect(snapshot.versions.count == 5 && snapshot.lease == .seconds(60))
            for step in 0..<5 {
                try await Self.push(client, Float(step))
                #expect(try await Self.bits(snapshot) == before, "step \(step)")
            }
            let after = try await Self.bits(reader)
            #expect(after != before)
            // A row that began to exist since is read as it would have begun.
            let begun = try await Example.bits(reader.pull(rows: [7], of: "items"))
            #expect(try await Example.bits(snapshot.pull(rows: [7], of: "items")) != begun)
            let later = try await reader.snapshot(of: ["weight"])
            #expect(try await later.pull().names == ["weight"])
            #expect(try await Example.bits(later.pull().tensor(named: "weight")) == Array(after.prefix(21)))
            let error = await parameterServerError { _ = try await later.pull(["items"]) }
            #expect(error?.code == .unknownParameter)
            await snapshot.release()
            await later.release()
            reader.close()
        }
    }

    @Test("a reader that died leaves nothing when its lease is over; its reads end with snapshotRevoked then")
    func expires() async throws {
        try await Self.withJob(servers: 1) { _, cluster in
            let reader = try cluster.reader()
            let snapshot = try await reader.snapshot(lease: .seconds(5))
            #expect(Self.gauge(cluster, "parameter_snapshots") == 1)
            #expect(Self.gauge(cluster, "parameter_snapshot_bytes") == 84)
            try await cluster.runtime.sleep(for: .seconds(4))
            try await snapshot.renew()
            try await cluster.runtime.sleep(for: .seconds(4))
            _ = try await snapshot.pull()
            try await cluster.runtime.sleep(for: .milliseconds(2_100))
            #expect(Self.gauge(cluster, "parameter_snapshots") == 0)
            #expect(Self.gauge(cluster, "parameter_snapshot_bytes") == 0)
            for read in [{ _ = try await snapshot.pull() }, { try await snapshot.renew() }]
                as [@Sendable () async throws -> Void]
            {
                let error = await parameterServerError(read)
                #expect(error?.code == .snapshotRevoked, "\(String(describing: error))")
                #expect(error?.message.contains("take another") == true)
            }
            reader.close()
        }
    }

    @Test("the oldest snapshot makes way where there are too many, and the servers count it")
    func tooMany() async throws {
        var limits = SnapshotConfiguration()
        limits.count = 2
        try await Self.withJob(servers: 1, limits) { client, cluster in
            let reader = try cluster.reader()
            var snapshots: [ParameterSnapshot] = []
            for step in 0..<3 {
                snapshots.append(try await reader.snapshot())
                try await Self.push(client, Float(step))
            }
            let error = await parameterServerError { _ = try await snapshots[0].pull() }
            #expect(error?.code == .snapshotRevoked)
            for snapshot in snapshots[1...] { _ = try await Self.bits(snapshot) }
            #expect(Self.gauge(cluster, "parameter_snapshots") == 2)
            #expect(Self.gauge(cluster, "parameter_snapshots", "limit") == 2)
            let ends = cluster.metrics.counter("parameter_snapshot_ends_total", help: "", labels: "why")
            #expect(ends.series("revoked").value == 1)
            for snapshot in snapshots { await snapshot.release() }
            #expect(ends.series("released").value == 2)
            #expect(Self.gauge(cluster, "parameter_snapshots") == 0)
            reader.close()
        }
    }

    @Test("a snapshot that is too large for a server is refused with both figures, and nothing of it stays")
    func tooLarge() async throws {
        var limits = SnapshotConfiguration()
        limits.bytes = 83
        try await Self.withJob(servers: 1, limits) { _, cluster in
            let reader = try cluster.reader()
            let error = await parameterServerError { _ = try await reader.snapshot() }
            #expect(error?.code == .snapshotTooLarge, "\(String(describing: error))")
            #expect(error?.message.contains("84 bytes, and the server keeps at most 83") == true)
            #expect(Self.gauge(cluster, "parameter_snapshots") == 0)
            // Rows are bounded by themselves.
            let rows = try await reader.snapshot(of: ["items"])
            _ = try await rows.pull(rows: [3], of: "items")
            await rows.release()
            reader.close()
        }
    }

    @Test("rows that have changed too much are revoked, and the reader is told")
    func revokedRows() async throws {
        try await Self.withJob(servers: 1, adjust: { $0.rowSnapshots.bytes = 1 }) { client, cluster in
            let reader = try cluster.reader()
            let snapshot = try await reader.snapshot()
            _ = try await snapshot.pull(rows: Self.keys, of: "items")
            try await Self.push(client, 1)
            let error = await parameterServerError { _ = try await snapshot.pull(rows: Self.keys, of: "items") }
            #expect(error?.code == .snapshotRevoked)
            #expect(error?.message.contains("rowSnapshots") == true)
            _ = try await snapshot.pull()
            await snapshot.release()
            reader.close()
        }
    }

    @Test("a body that takes longer than the lease keeps its snapshot, which goes when it ends, by an error too")
    func kept() async throws {
        try await Self.withJob(servers: 1) { client, cluster in
            let reader = try cluster.reader()
            let runtime = cluster.runtime
            let bits = try await reader.withSnapshot(lease: .seconds(2)) { snapshot in
                let first = try await Self.bits(snapshot)
                try await runtime.sleep(for: .seconds(20))
                try await Self.push(client, 3)
                #expect(try await Self.bits(snapshot) == first)
                return first
            }
            #expect(bits.count == 31)
            #expect(Self.gauge(cluster, "parameter_snapshots") == 0)
            struct Stop: Error {}
            await #expect(throws: Stop.self) {
                try await reader.withSnapshot { _ in throw Stop() }
            }
            #expect(Self.gauge(cluster, "parameter_snapshots") == 0)
            reader.close()
        }
    }

    @Test("another identity does not read a snapshot, nor end it")
    func owner() async throws {
        try await Self.withJob(servers: 1) { _, cluster in
            let reader = try cluster.reader()
            let snapshot = try await reader.snapshot()
            let number = 0xABC as UInt64
            let mesh = try cluster.mesh("/stranger")
            let client = mesh.client(cluster.coordinator.map.servers[0].destination)
            let id = cluster.coordinator.map.tables[0].partitions[0].id
            _ = try await client.call(
                ParameterService.snapshot, SnapshotRequest(.keep, number, lease: .seconds(9), partitions: [id]))
            let other = try cluster.mesh("/other").client(cluster.coordinator.map.servers[0].destination)
            _ = try await other.call(
                ParameterService.snapshot, SnapshotRequest(.release, number, lease: .zero, partitions: [id]))
            let entry = PullRequest.Entry(
                partition: id, minimum: PartitionVersion(epoch: 0, applied: 0), snapshot: number)
            let refused = await #expect(throws: MeshError.self) {
                try await other.call(ParameterService.pull, PullRequest([entry]))
            }
            #expect(refused.map { ParameterServerError($0).code } == .snapshotRevoked)
            #expect(refused?.status == .failedPrecondition)
            #expect(try await client.call(ParameterService.pull, PullRequest([entry])).versions.count == 1)
            await snapshot.release()
            reader.close()
        }
    }

    @Test("when heads die a snapshot gives the same bits or says that it is gone; what it showed is not lost")
    func failover() async throws {
        for seed in 1...UInt64(rounds(3)) {
            try await ReplicatedJob.run(seed: seed, replicas: 1) { job in
                let client = try await job.cluster.client(job.cluster.mesh("/worker/0"), observer: job.notes.observer)
                try await client.declare(Self.tables(replicas: 1))
                for step in 0..<5 { try await Self.push(client, Float(step)) }
                let reader = try job.cluster.reader()
                let snapshot = try await reader.snapshot()
                let first = try await Self.bits(snapshot)
                let victim = try #require(job.server(atPlace: 0))
                async let training = (0..<40).reduceAsync { step in
                    try await Self.push(client, Float(step % 3)).failed.map(\.error)
                }
                try await job.runtime.sleep(for: .microseconds(10_000 + Int64(seed * 7_919 % 40_000)))
                job.kill(victim)
                var (same, gone) = (0, 0)
                for _ in 0..<20 {
                    do {
                        #expect(try await Self.bits(snapshot) == first, "seed \(seed)")
                        same += 1
                    } catch let error as ParameterServerError {
                        #expect(error.code == .snapshotRevoked, "seed \(seed): \(error)")
                        gone += 1
                    }
                    try await job.runtime.sleep(for: .milliseconds(100))
                }
                #expect(gone > 0 && same + gone == 20, "seed \(seed)")
                #expect(try await training.isEmpty, "seed \(seed)")
                let later = try await reader.snapshot()
                for (partition, version) in snapshot.versions {
                    let now = later.versions[partition]?.applied ?? 0
                    #expect(now >= version.applied, "seed \(seed)")
                }
                _ = try await Self.bits(later)
                await later.release()
                reader.close()
                client.close()
            }
        }
    }
}

extension Range<Int> {
    /// All that `body` gives for each number, one after the other.
    fileprivate func reduceAsync<Element>(_ body: (Int) async throws -> [Element]) async rethrows -> [Element] {
        var all: [Element] = []
        for number in self { all += try await body(number) }
        return all
    }
}
