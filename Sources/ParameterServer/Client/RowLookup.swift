public import Tensor

/// What a batch looks up in a row table: its rows, each once, and where each of its keys is among them.
///
/// ```swift
/// let lookup = try RowLookup(batch.items)
/// parameters["items/table"] = try await client.pull(rows: lookup.keys, of: "items/table")
/// let (loss, gradients) = try valueAndGradient(at: parameters) { parameters in
///     let scope = ParameterScope(parameters)
///     let items = try scope["items"].embedding(lookup.indices, rows: lookup.keys.count, features: 32)
///     …
/// }
/// let (dense, rows) = try lookup.rows(takenFrom: gradients, named: "items/table")
/// try await client.push(dense, rows: ["items/table": rows])
/// ```
/// A model computes with the rows of its batch alone, however many the table has.
public struct RowLookup: Sendable {
    /// The keys, each once and in ascending order: what is pulled.
    public let keys: [UInt64]
    /// For each key of the batch, in its order, its place among ``keys``: `[batch]`.
    public let indices: Tensor<Int32>

    /// The rows of the keys of a batch, in which a key may occur several times.
    ///
    /// - Throws: `TensorError.Code.indexOutOfRange` for more rows than an index can tell apart,
    ///   `TensorError.Code.outOfMemory`.
    public init(_ batch: [UInt64]) throws(TensorError) {
        keys = Array(Set(batch)).sorted()
        guard keys.count <= Int(Int32.max) else {
            throw TensorError(.indexOutOfRange, "RowLookup: \(keys.count) rows, at most \(Int32.max)")
        }
        let places = Dictionary(uniqueKeysWithValues: keys.enumerated().map { ($0.element, Int32($0.offset)) })
        indices = try Tensor(AnyTensor(batch.compactMap { places[$0] }, shape: [batch.count]))
    }

    /// The gradient of the rows that a batch has named by their keys, and the other gradients.
    ///
    /// - Throws: `TensorError.Code.unknownName`, and `TensorError.Code.shapeMismatch` for a gradient of another number of
    ///   rows.
    public func rows(
        takenFrom gradients: NamedTensors, named name: String
    ) throws(TensorError) -> (others: NamedTensors, rows: KeyedRows) {
        let gradient = try gradients.gradient(named: name)
        guard gradient.shape.first == keys.count else {
            throw TensorError(
                .shapeMismatch, "RowLookup: \(keys.count) rows were looked up, the gradient of \(name) is \(gradient)")
        }
        var others = gradients
        others[name] = nil
        switch gradient {
        case .dense(let values):
            return (others, try KeyedRows(keys: keys, values: values))
        case .rowSparse(let rows):
            let rows = try rows.coalesced()
            let named = try rows.indices.scalars(as: Int64.self).map { keys[Int($0)] }
            return (others, try KeyedRows(keys: named, values: rows.values))
        }
    }
}
