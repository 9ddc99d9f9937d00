public import Tensor

extension RowLookup {
    /// The gradient of the rows that a batch has named by their keys, and the other gradients.
    ///
    /// ```swift
    /// let (dense, rows) = try lookup.rows(takenFrom: gradients, named: "items/table")
    /// try await client.push(dense, rows: ["items/table": rows])
    /// ```
    /// - Throws: `TensorError.Code.unknownName`, and `TensorError.Code.shapeMismatch` for a gradient of another
    ///   number of rows.
    public func rows(
        takenFrom gradients: NamedTensors, named name: String
    ) throws(TensorError) -> (others: NamedTensors, rows: KeyedRows) {
        let rows = try rows(of: try gradients.gradient(named: name), named: name)
        var others = gradients
        others[name] = nil
        return (others, rows)
    }

    /// The gradient of the rows, by their keys.
    func rows(of gradient: Gradient, named name: String) throws(TensorError) -> KeyedRows {
        guard gradient.shape.first == keys.count else {
            throw TensorError(
                .shapeMismatch, "RowLookup: \(keys.count) rows were looked up, the gradient of \(name) is \(gradient)")
        }
        switch gradient {
        case .dense(let values):
            return try KeyedRows(keys: keys, values: values)
        case .rowSparse(let rows):
            let rows = try rows.coalesced()
            let named = try rows.indices.scalars(as: Int64.self).map { keys[Int($0)] }
            return try KeyedRows(keys: named, values: rows.values)
        }
    }
}
