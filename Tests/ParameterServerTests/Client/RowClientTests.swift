import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Tensor
import Testing

@testable import ParameterServer

@Suite(.timeLimit(.minutes(5))) struct RowClientTests {
    /// A dense table, one whose keys are row numbers, and one of any keys.
    private static func tables(rule: UpdateRule = .sgd(learningRate: 1)) throws -> [TableDeclaration] {
        var items = TableDeclaration.RowSettings()
        items.keyLimit = 1_000
        let initializer = Initializer.uniform(low: -1, high: 1)
        return [
            try Example.table("bias", shape: [4], rule: rule),
            try TableDeclaration(
                name: "items", rowWidth: 3, rows: items, initializer: initializer, key: RandomKey(seed: 1),
                updateRule: rule, partitionCount: 5),
            try TableDeclaration(
                name: "users", rowWidth: 2, rows: TableDeclaration.RowSettings(), initializer: .constant(7),
                key: RandomKey(seed: 2), updateRule: rule, partitionCount: 3),
        ]
    }

    private static func gradients(items: [Int64], _ value: Float = 1) throws -> NamedTensors {
        var gradients = try NamedTensors([("bias", .full([4], value))])
        gradients[gradient: "items"] = .rowSparse(
            try RowSparse(
                indices: AnyTensor(items, shape: [items.count]), values: .full([items.count, 3], value),
                rowCount: 1_000))
        return gradients
    }

    /// A client whose tables are on two simulated servers.
    private static func withClient(
        rule: UpdateRule = .sgd(learningRate: 1),
        _ body: @escaping @Sendable (ParameterClient, TestCluster) async throws -> Void
    ) async throws {
        try await SimulatedRuntime.run(seed: 21) { runtime in
            let cluster = try await TestCluster.start(runtime)
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            try await client.declare(tables(rule: rule))
            try await body(client, cluster)
        }
    }

    @Test("a gradient counts as of the rows that it was computed from, whatever was pulled since")
    func computedFrom() async throws {
        try await Self.withClient { client, cluster in
            let other = try await cluster.client(try cluster.mesh("/worker/1"), slot: 1)
            try await other.declare(try Self.tables(rule: .sgd(learningRate: 1)))
            let bias = try NamedTensors([("bias", .full([4], Float(1)))])
            let users = try KeyedRows(keys: [7], values: .full([1, 2], Float(1)))
            let early = try await client.pull(rows: ["users": [7]])
            for _ in 0..<3 { _ = try await other.push(bias, rows: ["users": users]) }
            _ = try await client.pull(rows: ["users": [7]])
            func staleness(_ report: PushReport) -> [UInt64] {
                report.acknowledged.filter { $0.push.name.table == "users" }.map(\.staleness)
            }
            #expect(staleness(try await client.push(bias, rows: ["users": users], computedFrom: early)) == [3])
            let late = try await client.pull(rows: ["users": [7]])
            #expect(staleness(try await client.push(bias, rows: ["users": users], computedFrom: late)) == [0])
            other.close()
        }
    }

    @Test("rows come in the order in which they were asked for, of many tables and from all servers at once")
    func pull() async throws {
        try await Self.withClient { client, cluster in
            let items: [UInt64] = [999, 3, 3, 500, 0, 999]
            let users: [UInt64] = [.max, 0, 1 << 63]
            let rows = try await client.pull(rows: ["items": items, "users": users]).tables
            #expect(rows.names == ["items", "users"])
            let whole = try Initializer.uniform(low: -1, high: 1).values(key: RandomKey(seed: 1), shape: [1_000, 3])
                .scalars(as: Float.self)
            let expected = items.flatMap { whole[Int($0) * 3..<Int($0) * 3 + 3] }
            #expect(try rows.tensor(named: "items").scalars(as: Float.self) == expected)
            #expect(try rows.tensor(named: "items").shape == [6, 3])
            #expect(try rows.tensor(named: "users").scalars(as: Float.self) == Array(repeating: 7, count: 6))
            #expect(try await client.pull(rows: [], of: "users").shape == [0, 2])
            // Whole tables are the dense ones.
            #expect(try await client.pull().names == ["bias"])
            #expect(try await cluster.reader().pull().names == ["bias"])
        }
    }

    @Test("a push has the rows that its batch named, each summed once, and the next pull has them")
    func push() async throws {
        try await Self.withClient { client, cluster in
            let before = try await client.pull(rows: [3, 4, 900], of: "items").scalars(as: Float.self)
            let seen = try KeyedRows(
                keys: [.max, 5, .max], values: AnyTensor([1, 2, 3, 4, 5, 6] as [Float], shape: [3, 2]))
            #expect(seen.keys == [5, .max])
            let report = try await client.push(try Self.gradients(items: [900, 3, 3]), rows: ["users": seen])
            #expect(report.failed.isEmpty)
            // One partition of the dense table, and those that have rows of the others.
            let partitions = Set(report.acknowledged.map(\.push.name))
            let table = try Self.tables()[1]
            let homes = Set([3, 900].map { PartitionName(table: "items", index: table.partition(ofRow: $0)) })
            #expect(homes.isSubset(of: partitions))
            let users = try Self.tables()[2]
            let userHomes = Set([5, UInt64.max].map { users.partition(ofRow: $0) })
            #expect(partitions.count == 1 + homes.count + userHomes.count)
            let after = try await client.pull(rows: [3, 4, 900], of: "items").scalars(as: Float.self)
            let steps: [Float] = [2, 2, 2, 0, 0, 0, 1, 1, 1]
            #expect(after == zip(before, steps).map { $0 - $1 })
            let rows = try await client.pull(rows: [5, .max, 6], of: "users").scalars(as: Float.self)
            #expect(rows == ([4, 3, 1, -1, 7, 7] as [Float]))
            #expect(try await client.pull().tensor(named: "bias").scalars(as: Float.self) == [-1, -1, -1, -1])
            // A table without a gradient takes no part.
            let next = try await client.push(NamedTensors([("bias", .full([4], Float(1)))]))
            #expect(next.failed.isEmpty && next.acknowledged.count == 1)
            let accounts = try await cluster.reader().accounts()
            #expect(accounts.reduce(0) { $0 + Int($1.counter) } == report.acknowledged.count + 1)
        }
    }

    @Test("what does not fit a row table is an error before anything leaves")
    func refusals() async throws {
        try await Self.withClient { client, cluster in
            let good = try Self.gradients(items: [1])
            func code(_ change: (inout NamedTensors, inout [String: KeyedRows]) throws -> Void) async throws
                -> ParameterServerError.Code?
            {
                var (gradients, rows) = (good, [String: KeyedRows]())
                try change(&gradients, &rows)
                let (sent, keyed) = (gradients, rows)
                return await parameterServerError { _ = try await client.push(sent, rows: keyed) }?.code
            }
            let users = try KeyedRows(keys: [1], values: .ones([1, 2]))
            #expect(try await code { gradients, _ in gradients["items"] = try .ones([1_000, 3]) } == .shapeMismatch)
            #expect(
                try await code { gradients, _ in
                    gradients[gradient: "items"] = .rowSparse(
                        try RowSparse(indices: .zeros([1], dtype: .int64), values: .ones([1, 4]), rowCount: 1_000))
                } == .shapeMismatch)
            #expect(
                try await code { gradients, _ in
                    gradients[gradient: "items"] = .rowSparse(
                        try RowSparse(
                            indices: AnyTensor([Int64(1_000)], shape: [1]), values: .ones([1, 3]), rowCount: 2_000))
                } == .rowOutOfRange)
            #expect(
                try await code { _, rows in rows["items"] = try KeyedRows(keys: [1], values: .ones([1, 3])) }
                    == .malformedRequest)
            #expect(try await code { _, rows in rows["bias"] = users } == .shapeMismatch)
            #expect(try await code { _, rows in rows["nothing"] = users } == .unknownParameter)
            #expect(
                try await code { _, rows in
                    rows["users"] = try KeyedRows(keys: [1], values: .full([1, 2], Float.nan))
                } == .nonFinite)
            #expect(
                try await code { gradients, _ in
                    gradients[gradient: "items"] = .rowSparse(
                        try RowSparse(
                            indices: .zeros([1], dtype: .int64), values: .full([1, 3], Float.infinity), rowCount: 1_000)
                    )
                } == .nonFinite)
            for (table, keys, expected) in [
                ("items", [1_000], .rowOutOfRange), ("bias", [0], .shapeMismatch), ("nothing", [0], .unknownParameter),
            ] as [(String, [UInt64], ParameterServerError.Code)] {
                let error = await parameterServerError { _ = try await client.pull(rows: keys, of: table) }
                #expect(error?.code == expected, "\(table)")
            }
            let named = await parameterServerError { _ = try await cluster.reader().pull(["items"]) }
            #expect(named?.code == .unknownParameter)
            #expect(try await cluster.reader().accounts().allSatisfy { $0.version.applied == 0 })
            #expect(try await client.push(good, rows: ["users": users]).failed.isEmpty)
        }
    }

    @Test("a pull of more rows than a server answers is refused, and one in several calls is not")
    func largePull() async throws {
        try await SimulatedRuntime.run(seed: 4) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 0)
            var configuration = ParameterServerConfiguration()
            configuration.rowBytesPerPull = 8 * 40
            _ = try await cluster.startServer(0, configuration: configuration)
            var small = ParameterClientConfiguration()
            small.callBytes = 8 * 40
            let tables = try Self.tables()
            let all = (0..<60 as Range<UInt64>).map { $0 }
            for (slot, calls) in [ParameterClientConfiguration(), small].enumerated() {
                let client = try await cluster.client(
                    cluster.mesh("/worker/\(slot)"), slot: slot, configuration: calls)
                try await client.declare(tables)
                let error = await parameterServerError { _ = try await client.pull(rows: all, of: "users") }
                #expect(error?.code == (slot == 0 ? .malformedRequest : nil), "\(String(describing: error))")
            }
        }
    }

    @Test("a server that starts again has its rows from the log, bit for bit, from records and from snapshots")
    func restart() async throws {
        try await SimulatedRuntime.run(seed: 5) { runtime in
            var configuration = ParameterServerConfiguration()
            configuration.log = PartitionLogConfiguration(folder: "/parameters")
            configuration.log?.waitingBytes = 1 << 20
            // So small that snapshots replace it on the way.
            configuration.log?.bytes = 2 << 20
            var settings = TableDeclaration.RowSettings()
            settings.admission = 2
            settings.timeToLive = 9
            settings.rowsPerPartition = 200
            let tables = [
                try TableDeclaration(
                    name: "wide", rowWidth: 512, rows: settings, initializer: .uniform(low: -1, high: 1),
                    key: RandomKey(seed: 2), updateRule: .adam(), partitionCount: 3)
            ]
            let cluster = try await TestCluster.start(runtime, servers: 0)
            _ = try await cluster.startServer(0, configuration: configuration)
            let twin = try await TestCluster.start(runtime, servers: 1)
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            let other = try await twin.client(twin.mesh("/worker/0"))
            for client in [client, other] { try await client.declare(tables) }
            var generator = SplitMix64(seed: 9)
            let asked = (0..<120 as Range<UInt64>).map { $0 }
            for step in 0..<16 {
                let keys = Set((0..<70).map { _ in UInt64.random(in: 0..<120, using: &generator) }).sorted()
                let rows = try KeyedRows(keys: keys, values: .full([keys.count, 512], Float(step % 5) - 2))
                for client in [client, other] {
                    let report = try await client.push(NamedTensors(), rows: ["wide": rows])
                    #expect(report.failed.isEmpty)
                }
                guard step % 5 == 4 else { continue }
                let server = cluster.coordinator.map.servers[0]
                runtime.kill(host: server.host, port: server.port)
                runtime.disk.killProcess()
                _ = try await cluster.startServer(0, configuration: configuration)
                let found = try await client.pull(rows: asked, of: "wide")
                #expect(try Example.bits(found) == Example.bits(await other.pull(rows: asked, of: "wide")), "\(step)")
            }
            #expect(try await cluster.reader().accounts().map(\.version.applied) == [16, 16, 16])
        }
    }

    @Test("over TLS and on many threads, with lost and doubled messages, every push of rows is applied exactly once")
    func exactlyOnce() async throws {
        let cluster = try await TestCluster.start(SystemRuntime.shared, attemptTimeout: .seconds(2)) {
            $0.lease = .seconds(300)
        }
        let notes = PushNotebook()
        let tables = try Self.tables()
        try await withThrowingTaskGroup { group in
            for worker in 0..<3 {
                group.addTask {
                    let faults = SeededFaults(
                        seed: UInt64(worker), replyLoss: 0.05, requestLoss: 0.05, requestDuplication: 0.1,
                        isAffected: { $0 == ParameterService.push.path })
                    let client = try await cluster.client(
                        cluster.mesh("/worker/\(worker)", faults: faults), slot: worker, observer: notes.observer)
                    try await client.declare(tables)
                    // Small ones are applied on the event loop, large ones are not.
                    let keys = (0..<(worker == 0 ? 16_000 : 20) as Range<UInt64>).map { $0 }
                    let rows = try KeyedRows(keys: keys, values: .full([keys.count, 2], Float(1)))
                    for step in 0..<10 {
                        _ = try await client.pull(rows: [UInt64(step)], of: "users")
                        let report = try await client.push(
                            NamedTensors([("bias", .full([4], Float(1)))]), rows: ["users": rows])
                        #expect(report.failed.isEmpty)
                    }
                    client.close()
                }
            }
            try await group.waitForAll()
        }
        let reader = try cluster.reader()
        let (sent, acknowledged) = notes.all
        let audit = PushAudit(accounts: try await reader.accounts(), sent: sent, acknowledged: acknowledged)
        #expect(audit.discrepancies == [])
        #expect(audit.duplicatesSuppressed > 0)
        let client = try await cluster.client(cluster.mesh("/worker/3"), slot: 3)
        try await client.declare(tables)
        let rows = try await client.pull(rows: [0, 19, 20, 15_999, 16_000], of: "users").scalars(as: Float.self)
        // Three workers have pushed the first rows 10 times each, and one the others.
        #expect(rows == ([-23, -23, -23, -23, -3, -3, -3, -3, 7, 7] as [Float]))
        client.close()
        reader.close()
        await cluster.stop()
    }
}
