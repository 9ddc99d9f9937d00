import Identity
import MeshWire
import Optimizers
import ParameterServer
import Tensor

/// A worker with one table of rows, all of which exist: pulls some of them.
struct RowWorker: Sendable {
    static let rows = 1 << 20
    static let width = 32
    static let pulled = 256

    private let connection: ParameterConnection
    /// Which rows it pulls, by turns.
    private let batches: [[UInt64]]

    /// A worker on the mesh's executor, whose table it fills with ones.
    init(port: Int, identity: any IdentitySource, slot: Int) async throws {
        connection = try await ParameterConnection(port: port, identity: identity, slot: slot, isOnExecutor: true)
        var settings = TableDeclaration.RowSettings()
        settings.keyLimit = UInt64(Self.rows)
        try await connection.client.declare([
            try TableDeclaration(
                name: "rows", rowWidth: Self.width, rows: settings, initializer: .zeros, key: RandomKey(seed: 1),
                updateRule: .sgd(learningRate: 1))
        ])
        let share = Self.rows / 64
        let values = try AnyTensor.full([share, Self.width], Float(-1))
        for first in stride(from: 0, to: Self.rows, by: share) {
            let rows = try KeyedRows(keys: (first..<first + share).map(UInt64.init), values: values)
            let report = try await connection.client.push(NamedTensors(), rows: ["rows": rows])
            if let failure = report.failed.first { throw failure.error }
        }
        var generator = SplitMix64(seed: 1)
        batches = (0..<64).map { _ in
            (0..<Self.pulled).map { _ in UInt64.random(in: 0..<UInt64(Self.rows), using: &generator) }
        }
    }

    /// Makes `count` pulls, one at a time; returns the microseconds that each took.
    func pull(_ count: Int) async throws -> [Double] {
        var latencies: [Double] = []
        // In short runs, so that each has rows of its own.
        for batch in 0..<batches.count {
            let share = count / batches.count + (batch < count % batches.count ? 1 : 0)
            latencies += try await connection.latencies(share, depth: 1) {
                let rows = try await connection.client.pull(rows: batches[batch], of: "rows")
                guard rows.shape == [Self.pulled, Self.width] else {
                    throw BenchmarkFailure("a pull of \(Self.pulled) rows gave \(rows.shape)")
                }
            }
        }
        return latencies
    }

    func close() async throws { try await connection.close() }
}
