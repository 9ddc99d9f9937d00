import Coordination
import Identity
import Optimizers
import ParameterServer
import Tensor

/// A worker with one dense table: pushes its gradient and pulls its parameters.
struct ParameterWorker: Sendable {
    private let connection: ParameterConnection
    private let table: TableDeclaration
    private let gradients: NamedTensors

    /// A worker on an event loop of its own, whose table is all zeros.
    ///
    /// - Parameters:
    ///   - slot: the worker's, which its table is named after.
    ///   - elements: of the table, float32.
    ///   - isOnExecutor: whether it makes its calls on the mesh's executor, or in ordinary tasks.
    ///   - replicas: the table's followers, of servers that may start later; default none.
    init(
        port: Int, identity: any IdentitySource, slot: Int, elements: Int, _ rule: UpdateRule, isOnExecutor: Bool,
        replicas: Int = 0
    ) async throws {
        connection = try await ParameterConnection(
            port: port, identity: identity, slot: slot, isOnExecutor: isOnExecutor)
        table = try TableDeclaration(
            name: "weights-\(slot)", shape: [elements], initializer: .zeros, key: RandomKey(seed: 1), updateRule: rule,
            replicas: replicas)
        try await connection.client.declare([table])
        gradients = try NamedTensors([
            (table.name, Tensor<Float>(repeating: 0.5, shape: [elements]).core)
        ])
        _ = try await connection.client.pull()
    }

    /// Waits until every partition has its followers, for 30 s at most.
    func waitForFollowers() async throws {
        let map = try await connection.coordination.wholeMap(within: .seconds(30)) {
            $0.table(named: table.name) != nil
        }
        guard map == nil else { return }
        throw BenchmarkFailure("not every partition of \(table.name) had a follower after 30 s")
    }

    /// Makes `count` pushes, `depth` at a time, every one of which must be applied; returns the microseconds that each
    /// took.
    func push(_ count: Int, depth: Int) async throws -> [Double] {
        try await connection.latencies(count, depth: depth) {
            let report = try await connection.client.push(gradients)
            if let failure = report.failed.first { throw failure.error }
        }
    }

    /// Makes `count` pulls, `depth` at a time; returns the microseconds that each took.
    func pull(_ count: Int, depth: Int) async throws -> [Double] {
        try await connection.latencies(count, depth: depth) { _ = try await connection.client.pull() }
    }

    func close() async throws { try await connection.close() }
}
