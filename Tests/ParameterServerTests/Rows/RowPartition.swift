import Coordination
import MeshWire
import NIOCore
import Optimizers
import Tensor

@testable import ParameterServer

/// One partition of a row table, as a head drives it, for tests.
struct RowPartition {
    var state: PartitionState
    /// The records that it made.
    private(set) var records: [PartitionRecord] = []
    private var sequence: UInt64 = 0

    init(_ table: TableDeclaration, partition: Int = 0) throws {
        state = try PartitionState(
            id: PartitionID(rawValue: 1), name: PartitionName(table: table.name, index: partition), of: table, epoch: 1,
            intactSince: 1, parameters: table.initialValues(ofPartition: partition),
            fence: Example.fence(Example.session(1)), limits: PushLedger.Limits())
    }

    static func table(
        width: Int = 3, rule: UpdateRule = .sgd(learningRate: 0.5),
        initializer: Initializer = .uniform(low: -1, high: 1), partitions: Int = 1,
        _ adjust: (inout TableDeclaration.RowSettings) -> Void = { _ in }
    ) throws -> TableDeclaration {
        var settings = TableDeclaration.RowSettings()
        adjust(&settings)
        return try TableDeclaration(
            name: "rows", rowWidth: width, rows: settings, initializer: initializer, key: RandomKey(seed: 5),
            updateRule: rule, partitionCount: partitions)
    }

    /// Has a push of these rows arrive, under the session's next number, and answers it.
    mutating func push(_ keys: [UInt64], _ values: [Float]) throws -> PushReply {
        sequence += 1
        var push = try Example.push(
            sequence, gradient: values, acknowledgedThrough: sequence - 1, basis: state.version)
        push.keys = try AnyTensor(keys, shape: [keys.count])
        let fault = state.table.fault(in: push.gradient, keys: push.keys, partition: state.name.index)
        switch state.decide(push, fault: fault) {
        case .refuse(let reply), .answered(let reply): return reply
        case .hold: preconditionFailure("a table without rounds has a push wait for one")
        case .call: preconditionFailure("a gradient is no call")
        case .record(let record):
            records.append(record)
            return try state.execute(record)[0]
        }
    }

    /// The rows of keys, one after the other, as bits.
    func pull(_ keys: [UInt64]) throws -> [UInt32] { try Self.pull(keys, of: state) }

    static func pull(_ keys: [UInt64], of state: PartitionState) throws -> [UInt32] {
        try Example.bits(state.values(of: try AnyTensor(keys, shape: [keys.count])))
    }

    /// All that a partition holds, as bytes.
    static func bytes(_ snapshot: PartitionSnapshot) -> [[UInt8]] {
        let payload = Payload(snapshot)
        return [Array(payload.head.readableBytesView)]
            + payload.segments.map { unsafe $0.segment.withUnsafeBytes { unsafe Array($0) } }
    }

    /// The partition that a snapshot gives, once it has gone through a message.
    static func restored(_ snapshot: PartitionSnapshot, of table: TableDeclaration) throws -> PartitionState {
        let read: PartitionSnapshot = try Payload(snapshot).decode()
        return try PartitionState(
            read, id: PartitionID(rawValue: 1), name: PartitionName(table: table.name, index: 0), of: table, epoch: 1,
            intactSince: 1, limits: PushLedger.Limits())
    }
}

/// What a row table must do, as plainly as it can be said: a dictionary of rows, each a table of its own.
struct RowModel {
    private struct Row {
        var values: AnyTensor
        var optimizer: RowOptimizerState
        var pushed: UInt64
    }

    private let table: TableDeclaration
    private let settings: TableDeclaration.RowSettings
    private var rows: [UInt64: Row] = [:]
    private var counters: AdmissionCounters
    private var clock: UInt64 = 0

    init(_ table: TableDeclaration, _ settings: TableDeclaration.RowSettings) {
        self.table = table
        self.settings = settings
        counters = AdmissionCounters(rows: settings.rowsPerPartition)
    }

    private func initial(_ key: UInt64) throws -> AnyTensor {
        let width = table.shape[0]
        if let limit = settings.keyLimit {
            let start = Int(key) * width
            return try table.initializer.values(
                key: table.key, elements: start..<start + width, of: [Int(limit), width]
            ).reshaped(to: [1, width])
        }
        return try table.initializer.values(key: table.key.foldIn(key), shape: [1, width])
    }

    private func living(_ key: UInt64) -> Row? {
        guard let row = rows[key] else { return nil }
        if let time = settings.timeToLive, clock - row.pushed >= time { return nil }
        return row
    }

    /// How many rows exist.
    var count: Int { rows.keys.count { living($0) != nil } }

    mutating func push(_ keys: [UInt64], _ values: [Float]) throws {
        let width = table.shape[0]
        for (number, key) in keys.enumerated() {
            var row = living(key)
            if row == nil, settings.admission == 1 || counters.add(key) >= settings.admission {
                row = Row(
                    values: try initial(key), optimizer: try table.updateRule.makeRowState([1, width]), pushed: 0)
            }
            if var row {
                let gradient = try AnyTensor(Array(values[number * width..<(number + 1) * width]), shape: [1, width])
                try table.updateRule.apply(
                    to: &row.values,
                    rows: RowSparse(indices: AnyTensor([Int64(0)], shape: [1]), values: gradient, rowCount: 1),
                    state: &row.optimizer)
                row.pushed = clock + 1
                rows[key] = row
            } else {
                rows[key] = nil
            }
        }
        clock += 1
    }

    func pull(_ keys: [UInt64]) throws -> [UInt32] {
        try keys.flatMap { try Example.bits(try living($0)?.values ?? initial($0)) }
    }
}
