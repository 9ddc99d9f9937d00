/// What a batch looks up in a table of rows with keys: those rows, each once, and where each of its keys is among them.
///
/// ```swift
/// let lookup = try RowLookup(batch.items)                                 // keys: any 64-bit numbers
/// let rows = try await client.pull(rows: lookup.keys, of: "items/table")  // [keys, 32]
/// let items = try rows.gatherRows(lookup.indices.core)                    // [batch, 32]
/// ```
/// A model computes with the rows of its batch alone, however many the table has.
public struct RowLookup: Sendable {
    /// The keys, each once and in ascending order: what is pulled.
    public let keys: [UInt64]
    /// For each key of the batch its place among ``keys``, in the batch's shape.
    public let indices: Tensor<Int32>

    /// The rows of the keys of a batch, in which a key may occur several times.
    ///
    /// - Parameter shape: How the batch's keys lie, row-major, such as `[batch, columns]`; default `[keys]`.
    /// - Throws: ``TensorError/Code/shapeMismatch`` for a shape of another number of keys,
    ///   ``TensorError/Code/indexOutOfRange`` for more rows than an index can tell apart,
    ///   ``TensorError/Code/outOfMemory``.
    public init(_ batch: [UInt64], shape: Shape? = nil) throws(TensorError) {
        let shape = if let shape { shape } else { try Shape([batch.count]) }
        guard shape.elementCount == batch.count else {
            throw TensorError(.shapeMismatch, "RowLookup: \(batch.count) keys for a batch of \(shape)")
        }
        keys = Array(Set(batch)).sorted()
        guard keys.count <= Int(Int32.max) else {
            throw TensorError(.indexOutOfRange, "RowLookup: \(keys.count) rows, at most \(Int32.max)")
        }
        let places = Dictionary(uniqueKeysWithValues: keys.enumerated().map { ($0.element, Int32($0.offset)) })
        indices = try Tensor(AnyTensor(batch.compactMap { places[$0] }, shape: shape))
    }
}
