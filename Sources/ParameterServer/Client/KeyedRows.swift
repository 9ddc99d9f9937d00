public import Tensor

/// Rows of a row table by key: a gradient whose keys are any 64-bit numbers.
///
/// ```swift
/// let gradient = try KeyedRows(keys: hashedUsers, values: userGradients)
/// let report = try await client.push(gradients, rows: ["users": gradient])
/// ```
/// Gradients of tables with few rows are ``/Tensor/RowSparse`` values among the other gradients.
public struct KeyedRows: Sendable {
    /// The keys, each once and in ascending order.
    public let keys: [UInt64]
    /// Their rows: float32 `[keys, width]`.
    public let values: AnyTensor

    /// Rows in any order; those of one key are summed in their order.
    ///
    /// - Throws: `TensorError.Code.dtypeMismatch` for values that are not float32, `TensorError.Code.shapeMismatch`
    ///   unless they are `[keys, width]`, `TensorError.Code.valuesUnknown` for abstract ones,
    ///   `TensorError.Code.outOfMemory`.
    public init(keys: [UInt64], values: AnyTensor) throws(TensorError) {
        guard values.dtype == .float32 else {
            throw TensorError(.dtypeMismatch, "KeyedRows: expected float32, found \(values.dtype)")
        }
        guard values.rank == 2, values.shape[0] == keys.count else {
            throw TensorError(.shapeMismatch, "KeyedRows: \(keys.count) keys with values of \(values.shape)")
        }
        guard !values.isAbstract else {
            throw TensorError(.valuesUnknown, "KeyedRows: values of \(values.shape) that are abstract")
        }
        guard !zip(keys, keys.dropFirst()).allSatisfy({ $0 < $1 }) else {
            self.keys = keys
            self.values = values.withoutTrace()
            return
        }
        self.keys = Array(Set(keys)).sorted()
        let places = Dictionary(uniqueKeysWithValues: self.keys.enumerated().map { ($0.element, Int64($0.offset)) })
        let indices = try AnyTensor(keys.compactMap { places[$0] }, shape: [keys.count])
        self.values = try RowSparse(
            indices: indices, values: values.withoutTrace(), rowCount: self.keys.count
        ).coalesced().values
    }

    /// The rows of a row-sparse gradient, whose numbers are the keys.
    ///
    /// - Throws: As ``init(keys:values:)``.
    public init(_ rows: RowSparse) throws(TensorError) {
        let rows = try rows.coalesced()
        try self.init(keys: try rows.indices.scalars(as: Int64.self).map(UInt64.init), values: rows.values)
    }

    /// The rows of each partition of a table, `nil` where there are none.
    func split(_ table: TableDeclaration) throws(TensorError) -> [RowGradient?] {
        let width = table.shape.elementCount
        guard table.partitionCount > 1 else {
            guard !keys.isEmpty else { return [nil] }
            return [
                RowGradient(
                    keys: try AnyTensor(keys, shape: [keys.count]),
                    values: try values.reshaped(to: Shape([keys.count * width])))
            ]
        }
        var members = [[Int]](repeating: [], count: table.partitionCount)
        for (place, key) in keys.enumerated() { members[table.partition(ofRow: key)].append(place) }
        return try members.map { places throws(TensorError) in
            guard !places.isEmpty else { return nil }
            var part = try AnyTensor.zeros([places.count * width])
            part.withMutableBytes { target in
                values.withBytes { source in
                    for (number, place) in places.enumerated() {
                        // Safe: the places are those of the values' rows, and the part has a row for each.
                        unsafe UnsafeMutableRawBufferPointer(
                            rebasing: target[number * width * 4..<(number + 1) * width * 4]
                        ).copyMemory(
                            from: UnsafeRawBufferPointer(rebasing: source[place * width * 4..<(place + 1) * width * 4]))
                    }
                }
            }
            return RowGradient(keys: try AnyTensor(places.map { keys[$0] }, shape: [places.count]), values: part)
        }
    }
}
