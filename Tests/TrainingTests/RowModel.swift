import NeuralNetwork
import ParameterServer
import Tensor
import Training

/// Scores items for users, both of which are rows of tables with any keys.
struct RowModel: Model {
    struct Input: Sendable {
        var users: RowLookup
        /// Two an example.
        var items: RowLookup
    }

    struct Examples: TrainingBatch {
        var inputs: Input
        var labels: Tensor<Int32>
        var lookups: [String: RowLookup] { ["users/table": inputs.users, "items/table": inputs.items] }
    }

    func callAsFunction(_ input: Input, _ p: ParameterScope) throws -> Tensor<Float> {
        let users = try p["users"].embedding(input.users, features: 3, initializer: .uniform(low: -1, high: 1))
        let items = try p["items"].embedding(input.items, features: 4).sum(axes: [1])
        return try p["head"].dense(users, 3) + p["other"].dense(items, 3)
    }

    static func declaration() throws -> ModelDeclaration {
        try initialize(
            RowModel(), key: RandomKey(seed: 4),
            example: Input(users: RowLookup([0]), items: RowLookup([1, 2], shape: [1, 2])))
    }

    static let users: [UInt64] = (0..<40).map { 0xFFFF_FFFF_FFFF_FF00 + $0 * 3 }
    static let items: [UInt64] = (0..<300).map { $0 * $0 }

    /// The batches of a worker: some users and items occur often, others hardly ever.
    static func batches(_ count: Int, worker: Int = 0) throws -> [Examples] {
        try (0..<count).map { step in
            let key = RandomKey(seed: 3).foldIn(UInt64(worker)).foldIn(UInt64(step))
            let users = try key.foldIn("users").integers([12], in: 0..<Int32(step % 2 == 0 ? 6 : 40))
                .scalars(as: Int32.self).map(Int.init)
            let items = try key.foldIn("items").integers([24], in: 0..<Int32(step % 3 == 0 ? 300 : 9))
                .scalars(as: Int32.self).map(Int.init)
            return Examples(
                inputs: Input(
                    users: try RowLookup(users.map { Self.users[$0] }),
                    items: try RowLookup(items.map { Self.items[$0] }, shape: [12, 2])),
                labels: Tensor(users.map { Int32($0 % 3) }))
        }
    }

    /// Every row that a batch may name, and the dense parameters, bit by bit.
    static func bits(_ store: any ParameterStore) async throws -> [String: [UInt32]] {
        let rows = try await store.pull(rows: ["users/table": users, "items/table": items]).tables
        var bits: [String: [UInt32]] = [:]
        for tensors in [rows, try await store.pull()] {
            for (name, tensor) in tensors { bits[name] = try tensor.scalars(as: Float.self).map(\.bitPattern) }
        }
        return bits
    }
}
