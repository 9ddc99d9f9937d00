import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Telemetry
import Tensor
import Testing

@testable import ParameterServer

@Suite struct HotRowsTests {
    private static func table(
        rule: UpdateRule = .sgd(learningRate: 1), _ settings: TableDeclaration.RowSettings = .init()
    ) throws -> TableDeclaration {
        try TableDeclaration(
            name: "rows", rowWidth: 2, rows: settings, initializer: .zeros, key: RandomKey(seed: 1), updateRule: rule)
    }

    private static let partition = PartitionID(rawValue: 1)

    private static func configuration(age: Int = 3, bytes: Int = 1 << 20) -> HotRowConfiguration {
        var configuration = HotRowConfiguration()
        configuration.maximumAge = age
        configuration.byteLimit = bytes
        return configuration
    }

    /// A partition of rows whose elements are sums of pushes: -1 for each of the session's, -1,000 for each of others.
    private struct Reference {
        struct Row: Equatable {
            var own = 0
            var others = 0
            var elements: ArraySlice<Float> { [Float(-own - 1_000 * others), Float(-own - 1_000 * others)] }

            init() {}
            init(_ element: Float) {
                others = Int(-element) / 1_000
                own = Int(-element) % 1_000
            }
        }

        var rows: [UInt64: Row] = [:]
        var version = PartitionVersion(epoch: 1, applied: 0)
        subscript(key: UInt64) -> Row { rows[key] ?? Row() }
    }

    @Test(
        "a row that was pulled before an own push whose bytes are not known here is not kept, and damped steps are the server's"
    )
    func ownPushes() throws {
        var hot = HotRows(Self.configuration())
        let before = PartitionVersion(epoch: 1, applied: 4)
        let pull = hot.beginPull()
        hot.forget(Self.partition)
        hot.pushed(PartitionVersion(epoch: 1, applied: 5), to: Self.partition)
        hot.insert(7, [1, 1], of: Self.partition, try Self.table(), version: before, pull: pull)
        #expect(hot.row(7, of: Self.partition, pull: pull, seen: nil) == nil)

        var table = try Self.table()
        table.damping = try StalenessDamping(power: 1)
        let newer = PartitionVersion(epoch: 1, applied: 5)
        hot.insert(7, [1, 1], of: Self.partition, table, version: newer, pull: pull)
        hot.applied(
            [7], [1, 2], to: Self.partition, of: table, version: PartitionVersion(epoch: 1, applied: 9), staleness: 3)
        let row = hot.row(7, of: Self.partition, pull: pull, seen: nil)
        #expect(row?.floats == [0.75, 0.5])
    }

    @Test("a row from memory has all that its partition had so many pulls before, and each own push exactly once")
    func staleness() throws {
        var hits = 0
        for seed in 1...UInt64(60) {
            var generator = SplitMix64(seed: seed)
            let age = Int.random(in: 1...5, using: &generator)
            let table = try Self.table()
            var hot = HotRows(Self.configuration(age: age, bytes: seed % 2 == 0 ? 1 << 20 : 900))
            var partition = Reference()
            var seen: PartitionVersion?
            // The partition as it was when each pull began.
            var history: [Reference] = [partition]
            /// Pulls whose answers are under way, and acknowledgements that are.
            var answers: [(pull: UInt64, keys: [UInt64], state: Reference)] = []
            var acknowledgements: [(keys: [UInt64], version: PartitionVersion)] = []
            var acknowledged: [UInt64: Int] = [:]
            for _ in 0..<400 {
                switch Int.random(in: 0..<10, using: &generator) {
                case 0...3:
                    let pull = hot.beginPull()
                    history.append(partition)
                    let keys = (0..<3).map { _ in UInt64.random(in: 0..<12, using: &generator) }
                    var missing: [UInt64] = []
                    for key in Set(keys) {
                        guard let row = hot.row(key, of: Self.partition, pull: pull, seen: seen) else {
                            missing.append(key)
                            continue
                        }
                        hits += 1
                        let found = Reference.Row(row.floats[0])
                        let oldest = history[max(0, Int(pull) - age)][key]
                        #expect(found.others >= oldest.others, "seed \(seed): row \(key) is too old")
                        #expect(found.others <= partition[key].others && row.floats[0] == row.floats[1])
                        #expect(found.own >= acknowledged[key] ?? 0, "seed \(seed): own pushes are missing")
                        #expect(found.own <= partition[key].own, "seed \(seed): own pushes are there twice")
                    }
                    if !missing.isEmpty { answers.append((pull, missing, partition)) }
                case 4...5 where !answers.isEmpty:
                    let (pull, keys, state) = answers.remove(at: Int.random(in: answers.indices, using: &generator))
                    for key in keys {
                        hot.insert(
                            key, state[key].elements, of: Self.partition, table, version: state.version, pull: pull)
                    }
                    seen = max(seen ?? state.version, state.version)
                    hot.evict()
                case 6:
                    let key = UInt64.random(in: 0..<12, using: &generator)
                    partition.rows[key, default: Reference.Row()].others += 1
                    partition.version.applied += 1
                case 7...8:
                    let keys = Set((0..<3).map { _ in UInt64.random(in: 0..<12, using: &generator) }).sorted()
                    for key in keys { partition.rows[key, default: Reference.Row()].own += 1 }
                    partition.version.applied += 1
                    acknowledgements.append((keys, partition.version))
                case 9 where !acknowledgements.isEmpty:
                    let (keys, version) = acknowledgements.removeFirst()
                    hot.applied(
                        keys, Array(repeating: 1, count: 2 * keys.count), to: Self.partition, of: table,
                        version: version)
                    for key in keys { acknowledged[key, default: 0] += 1 }
                    seen = max(seen ?? version, version)
                default: break
                }
                #expect(hot.byteCount <= (seed % 2 == 0 ? 1 << 20 : 900) && hot.byteCount == hot.rowCount * 104)
            }
        }
        #expect(hits > 600)
    }

    @Test("rows beyond the limit make way, those that were fetched longest ago first")
    func eviction() throws {
        let table = try Self.table()
        var hot = HotRows(Self.configuration(age: 100, bytes: 3 * 104))
        for key in 1...4 as ClosedRange<UInt64> {
            let pull = hot.beginPull()
            hot.insert(
                key, [1, 2], of: Self.partition, table, version: PartitionVersion(epoch: 1, applied: 0), pull: pull)
            if key == 3 {
                let again = hot.beginPull()
                hot.insert(
                    1, [1, 2], of: Self.partition, table, version: PartitionVersion(epoch: 1, applied: 0), pull: again)
            }
            hot.evict()
        }
        let pull = hot.beginPull()
        let kept = (1...4 as ClosedRange<UInt64>).filter {
            hot.row($0, of: Self.partition, pull: pull, seen: nil) != nil
        }
        #expect(kept == [1, 3, 4])
        #expect(hot.rowCount == 3)
    }

    @Test(
        "where the server may not apply a push to a row, the row is fetched again; and where nobody knows what became of it"
    )
    func invalidated() throws {
        var counted = TableDeclaration.RowSettings()
        counted.admission = 2
        var expiring = TableDeclaration.RowSettings()
        expiring.timeToLive = 10
        let version = PartitionVersion(epoch: 1, applied: 5)
        for settings in [counted, expiring, TableDeclaration.RowSettings()] {
            let table = try Self.table(rule: .sgd(learningRate: 1), settings)
            var hot = HotRows(Self.configuration())
            let pull = hot.beginPull()
            for key in [1, 2] as [UInt64] {
                hot.insert(key, [0, 0], of: Self.partition, table, version: version, pull: pull)
            }
            hot.applied(
                [1], [1, 1], to: Self.partition, of: table, version: PartitionVersion(epoch: 1, applied: 6))
            let isKept = hot.row(1, of: Self.partition, pull: pull, seen: nil) != nil
            #expect(isKept == (settings == TableDeclaration.RowSettings()))
            #expect(hot.row(2, of: Self.partition, pull: pull, seen: version) != nil)
            // The partition has begun another epoch.
            #expect(
                hot.row(2, of: Self.partition, pull: pull, seen: PartitionVersion(epoch: 2, applied: 5)) == nil)
            hot.forget(Self.partition)
            #expect(hot.row(2, of: Self.partition, pull: pull, seen: nil) == nil)
            #expect(hot.rowCount == 0 && hot.byteCount == 0)
        }
    }

    @Test("a client that keeps rows asks for the others alone, sees its own pushes, and counts what came from where")
    func client() async throws {
        try await SimulatedRuntime.run(seed: 3) { runtime in
            let cluster = try await TestCluster.start(runtime)
            let mesh = try cluster.mesh("/worker/0")
            var configuration = ParameterClientConfiguration()
            configuration.hotRows = Self.configuration(age: 2)
            let client = try await cluster.client(mesh, configuration: configuration)
            let other = try await cluster.client(try cluster.mesh("/worker/1"), slot: 1)
            let table = try TableDeclaration(
                name: "rows", rowWidth: 2, rows: .init(), initializer: .zeros, key: RandomKey(seed: 1),
                updateRule: .sgd(learningRate: 1), partitionCount: 2)
            for client in [client, other] { try await client.declare([table]) }
            func push(_ client: ParameterClient, _ keys: [UInt64]) async throws -> UInt64 {
                let rows = try KeyedRows(keys: keys, values: .full([keys.count, 2], Float(-1)))
                let report = try await client.push(NamedTensors(), rows: ["rows": rows])
                #expect(report.failed.isEmpty)
                return report.staleness
            }
            func pull(_ keys: [UInt64]) async throws -> [Float] {
                let rows = try await client.pull(rows: keys, of: "rows").scalars(as: Float.self)
                return stride(from: 0, to: rows.count, by: 2).map { rows[$0] }
            }
            let looked = mesh.metrics.counter(
                "parameter_hot_rows_total",
                help: "Rows that pulls asked for, each once a pull, by where they came from.",
                labels: "source")
            func sources() -> [UInt64] { ["memory", "server"].map { looked.series($0).value } }

            #expect(try await pull([1, 2, 2, 3]) == [0, 0, 0, 0])
            #expect(sources() == [0, 3])
            _ = try await push(client, [1])
            _ = try await push(other, [1, 2])
            // Own pushes are seen at once, those of others after two pulls.
            #expect(try await pull([3, 2, 1, 4]) == [0, 0, 1, 0])
            #expect(sources() == [3, 4])
            // A gradient says of which state its rows are.
            #expect(try await push(client, [2]) == 1)
            #expect(try await pull([1, 2]) == [1, 1])
            #expect(try await pull([1, 2, 3]) == [2, 2, 0])
            #expect(sources() == [5, 7])
            client.close()
            other.close()
        }
    }

    @Test("an age of none and a negative limit are refused by name")
    func configuration() {
        var configuration = ParameterClientConfiguration()
        configuration.hotRows = Self.configuration(age: 0, bytes: -1)
        let error = #expect(throws: ParameterServerError.self) { try configuration.validate() }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.contains("hotRows.maximumAge") == true)
        #expect(error?.message.contains("hotRows.byteLimit") == true)
    }
}
