import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import NeuralNetwork
import Optimizers
import ParameterServer
import Synchronization
import Telemetry
import Tensor
import Testing
import Training

/// Trainers of models with row tables.
@Suite struct RowTrainerTests {
    private static func rows() -> [String: TableDeclaration.RowSettings] {
        var settings = TableDeclaration.RowSettings()
        settings.admission = 2
        settings.timeToLive = 9
        return ["items/table": settings]
    }

    @Test(
        "one worker on parameter servers makes the same bits as training on one machine, rows that expire among them",
        arguments: [UpdateRule.sgd(learningRate: 0.5), .adam(learningRate: 1e-2), .adagrad(learningRate: 0.1)])
    func sameBits(rule: UpdateRule) async throws {
        let declaration = try RowModel.declaration()
        let local = try LocalParameters(declaration, updateRule: rule, rows: Self.rows())
        let first = try await RowModel.bits(local)
        let losses = Mutex<[Float]>([])
        let trainer = Trainer(RowModel(), parameters: local, runtime: SystemRuntime.shared)
        try await trainer.train(on: try RowModel.batches(30)) { step in losses.withLock { $0.append(step.loss) } }
        let faults = SeededFaults(
            seed: 5, replyLoss: 0.1, requestLoss: 0.1, requestDuplication: 0.1,
            isAffected: { $0.hasPrefix("\(ParameterService.name)/") })
        let remote = try await TrainingCluster.run(seed: 9) { cluster in
            try await cluster.work(slot: 0, faults: faults) { client, mesh in
                // One partition for each row table, as what expires is counted in pushes to a partition.
                try await client.declare(
                    declaration.tables(updateRule: rule, partitioning: .bytes(16), rows: Self.rows()))
                try await Trainer(RowModel(), parameters: client, runtime: mesh.runtime)
                    .train(on: try RowModel.batches(30))
                return try await RowModel.bits(client)
            }
        }
        #expect(faults.counts.repliesLost > 0 && faults.counts.requestsDoubled > 0)
        let expected = try await RowModel.bits(local)
        #expect(remote == expected)
        #expect(expected.keys.allSatisfy { expected[$0] != first[$0] })
        #expect(Set(expected.keys).isSuperset(of: ["users/table", "items/table", "head/weight"]))
        let mean = losses.withLock { [$0.prefix(6).reduce(0, +), $0.suffix(6).reduce(0, +)] }
        #expect(mean[1] < mean[0])
    }

    @Test(
        "one worker that keeps rows makes the same bits as well, and pulls few of them",
        arguments: [UpdateRule.sgd(learningRate: 0.5), .adam(learningRate: 1e-2), .rmsprop(learningRate: 0.01)])
    func sameBitsFromMemory(rule: UpdateRule) async throws {
        let declaration = try RowModel.declaration()
        let local = try LocalParameters(declaration, updateRule: rule)
        try await Trainer(RowModel(), parameters: local, runtime: SystemRuntime.shared)
            .train(on: try RowModel.batches(30))
        var hotRows = HotRowConfiguration()
        hotRows.maximumAge = 12
        let (remote, sources) = try await TrainingCluster.run(seed: 9) { [hotRows] cluster in
            try await cluster.work(slot: 0, hotRows: hotRows) { client, mesh in
                try await client.declare(declaration.tables(updateRule: rule, rowPartitions: 3))
                try await Trainer(RowModel(), parameters: client, runtime: mesh.runtime)
                    .train(on: try RowModel.batches(30))
                let looked = mesh.metrics.counter(
                    "parameter_hot_rows_total",
                    help: "Rows that pulls asked for, each once a pull, by where they came from.", labels: "source")
                let sources = ["memory", "server"].map { looked.series($0).value }
                return (try await RowModel.bits(client), sources)
            }
        }
        #expect(try await remote == RowModel.bits(local))
        #expect(sources[0] > sources[1], "\(sources)")
    }

    /// A store that notes who asked for what, guarded by a mutex.
    private final class Noting: ParameterStore {
        private let store: LocalParameters
        private let notes = Mutex<[String]>([])
        var all: [String] { notes.withLock { $0 } }

        init(_ store: LocalParameters) { self.store = store }

        func pull() -> NamedTensors { store.pull() }

        func pull(rows keys: [String: [UInt64]]) throws -> PulledRows {
            notes.withLock { $0.append("pull \(keys["users/table"] ?? []) \(keys["items/table"] ?? [])") }
            return try store.pull(rows: keys)
        }

        func push(
            _ gradients: NamedTensors, rows: [String: KeyedRows], computedFrom pulled: PulledRows?
        ) throws -> PushReport {
            let (users, items) = (rows["users/table"]?.keys ?? [], rows["items/table"]?.keys ?? [])
            notes.withLock { $0.append("push \(users) \(items)") }
            return try store.push(gradients, rows: rows, computedFrom: pulled)
        }
    }

    @Test("rows are pulled in the step that needs them, or with prefetching one batch ahead and no more")
    func order() async throws {
        let batches = try RowModel.batches(5)
        let keys = batches.map { "\($0.inputs.users.keys) \($0.inputs.items.keys)" }
        #expect(Set(keys).count == 5)
        for prefetches in [false, true] {
            let store = Noting(try LocalParameters(try RowModel.declaration(), updateRule: .adam()))
            var trainer = Trainer(RowModel(), parameters: store, runtime: SystemRuntime.shared)
            trainer.prefetchesRows = prefetches
            let read = Mutex(0)
            let ahead = Mutex<[Int]>([])
            try await trainer.train(on: Counted(batches: batches, read: { read.withLock { $0 += 1 } })) { step in
                ahead.withLock { $0.append(read.withLock { $0 } - step.number - 1) }
            }
            let found = store.all
            #expect(found.filter { $0.hasPrefix("push") } == keys.map { "push \($0)" })
            // With prefetching, the first two are pulled at the same time.
            #expect(found.filter { $0.hasPrefix("pull") }.sorted() == keys.map { "pull \($0)" }.sorted())
            for (step, keys) in keys.enumerated() {
                let pull = try #require(found.firstIndex(of: "pull \(keys)"))
                let pushes = found[..<pull].count { $0.hasPrefix("push") }
                // Ahead of the push of the step before, or just after it where that was quicker.
                #expect(prefetches ? (max(0, step - 1)...step).contains(pushes) : pushes == step)
            }
            #expect(ahead.withLock { $0 } == (prefetches ? [1, 1, 1, 1, 0] : [0, 0, 0, 0, 0]))
        }
    }

    /// Batches that are counted as they are read.
    private struct Counted: Sequence, IteratorProtocol, Sendable {
        var batches: [RowModel.Examples]
        var read: @Sendable () -> Void

        mutating func next() -> RowModel.Examples? {
            guard !batches.isEmpty else { return nil }
            read()
            return batches.removeFirst()
        }
    }

    @Test("with prefetching and a head killed on the way, every push is applied once, and three workers learn")
    func failover() async throws {
        for seed in 1...3 as ClosedRange<UInt64> {
            let losses = try await TrainingCluster.run(seed: seed) { cluster in
                let declaration = try RowModel.declaration()
                let steps = 40
                let losses = try await withThrowingTaskGroup(of: [Float].self) { group in
                    for slot in 0..<3 {
                        group.addTask {
                            // One of them keeps rows.
                            try await cluster.work(
                                slot: slot, hotRows: slot == 0 ? HotRowConfiguration() : nil
                            ) { client, mesh in
                                try await client.declare(
                                    declaration.tables(
                                        updateRule: .adam(learningRate: 0.02), rowPartitions: 3, replicas: 1))
                                var trainer = Trainer(RowModel(), parameters: client, runtime: mesh.runtime)
                                trainer.prefetchesRows = true
                                let losses = Mutex<[Float]>([])
                                try await trainer.train(on: try RowModel.batches(steps, worker: slot)) { step in
                                    losses.withLock { $0.append(step.loss) }
                                    try await mesh.runtime.sleep(for: .milliseconds(4))
                                }
                                return losses.withLock { $0 }
                            }
                        }
                    }
                    try await cluster.runtime.sleep(for: .milliseconds(200))
                    try cluster.killHead(of: "users/table")
                    var all: [[Float]] = []
                    for try await losses in group { all.append(losses) }
                    return all
                }
                let audit = try await cluster.audit()
                #expect(audit.discrepancies == [], "seed \(seed)")
                // Four dense tables and rows in three partitions of each row table, mostly.
                #expect(audit.applied > UInt64(3 * steps * 4) && audit.applied == audit.acknowledged, "seed \(seed)")
                return losses
            }
            for losses in losses {
                #expect(losses.count == 40)
                #expect(losses.suffix(10).reduce(0, +) < losses.prefix(10).reduce(0, +), "seed \(seed)")
            }
        }
    }

    @Test("a batch that does not say what its model looks up stops training, and the error names the table")
    func missingLookup() async throws {
        struct Silent: TrainingBatch {
            var inputs: RowModel.Input
            var labels: Tensor<Int32>
        }
        let local = try LocalParameters(try RowModel.declaration(), updateRule: .adam())
        let trainer = Trainer(RowModel(), parameters: local, runtime: SystemRuntime.shared)
        let batches = try RowModel.batches(1).map { Silent(inputs: $0.inputs, labels: $0.labels) }
        let error = await #expect(throws: TensorError.self) { try await trainer.train(on: batches) }
        #expect(error?.code == .unknownName)
        #expect(error?.message.contains("users/table") == true)
    }

    @Test("what a server would refuse of rows is refused on one machine, and nothing has changed")
    func refused() async throws {
        var settings = TableDeclaration.RowSettings()
        settings.keyLimit = 1_000
        settings.rowsPerPartition = 2
        let local = try LocalParameters(
            try RowModel.declaration(), updateRule: .sgd(learningRate: 1), rows: ["items/table": settings])
        let before = try local.pull().map { try $0.tensor.scalars(as: Float.self) }
        let gradients = try local.pull().mapValues { (_, tensor) throws(TensorError) in
            try .full(tensor.shape, Float(1))
        }
        func error(_ keys: [UInt64], _ value: Float = 1, of table: String = "items/table") throws -> String {
            let rows = try KeyedRows(keys: keys, values: .full([keys.count, 4], value))
            let error = #expect(throws: ParameterServerError.self) {
                try local.push(gradients, rows: [table: rows], computedFrom: nil)
            }
            return error.map { "\($0.code): \($0.message)" } ?? ""
        }
        #expect(try error([1_000]).hasPrefix("rowOutOfRange: table items/table: row 1000"))
        #expect(try error([1, 2, 3]).hasPrefix("rowsFull: table items/table"))
        #expect(try error([1], .nan).hasPrefix("nonFinite: table items/table"))
        #expect(try error([1], of: "head/weight").hasPrefix("unknownParameter"))
        #expect(try local.pull().map { try $0.tensor.scalars(as: Float.self) } == before)
        let rows = try local.pull(rows: ["items/table": [1, 1, 5]]).tables.tensor(named: "items/table")
        #expect(rows.shape == [3, 4])
        let values = try rows.scalars(as: Float.self)
        #expect(values[0..<4] == values[4..<8] && values[0..<4] != values[8..<12])
        _ = try local.push(
            gradients, rows: ["items/table": try KeyedRows(keys: [5], values: .full([1, 4], Float(1)))],
            computedFrom: nil)
        let after = try local.pull(rows: ["items/table": [5]]).tables.tensor(named: "items/table")
        #expect(try after.scalars(as: Float.self) == values[8..<12].map { $0 - 1 })
    }
}
