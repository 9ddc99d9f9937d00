extension AnyTensor {
    /// The diagonal of the last two axes, which become one; `offset` places to the right of the main diagonal, or below
    /// it where negative. A view where the two axes join in memory: every `n + 1`-th element of a matrix of n columns.
    ///
    /// The operations that it is made of carry its derivative.
    consuming func diagonalOfLastAxes(offset: Int = 0) throws(TensorError) -> AnyTensor {
        let rank = self.rank
        if layout.strides[rank - 2] < layout.strides[rank - 1] {
            // Column after column: the transpose has the same diagonal and joins.
            return try self.transposed().diagonalOfRows(offset: 0 &- offset)
        }
        return try self.diagonalOfRows(offset: offset)
    }

    private consuming func diagonalOfRows(offset: Int) throws(TensorError) -> AnyTensor {
        let type = self.type
        let (rows, columns) = (type.rowCount, type.columnCount)
        let first = offset >= 0 ? offset : offset.magnitude > rows ? rows &* columns : -offset &* columns
        let count = Swift.max(offset >= 0 ? Swift.min(rows, columns &- offset) : Swift.min(rows &+ offset, columns), 0)
        let flat = try self.reshaped(to: type.replacingMatrices(with: rows * columns).shape)
        let end = count == 0 ? 0 : first + (count - 1) * (columns + 1) + 1
        return try flat.sliced(axis: -1, (count == 0 ? 0 : first)..<end, step: columns + 1)
    }

    /// The sum of the diagonal of each matrix in the last two axes: `[…, m, n]` to `[…]`.
    ///
    /// - Parameter offset: How far to the right of the main diagonal, or below it where negative.
    /// - Throws: ``TensorError/Code/shapeMismatch`` for fewer than two axes, ``TensorError/Code/dtypeMismatch`` for
    ///   bools.
    public consuming func matrixTrace(offset: Int = 0) throws(TensorError) -> AnyTensor {
        guard rank >= 2 else {
            throw TensorError(.shapeMismatch, "matrixTrace: \(shape) has fewer than the two axes of a matrix")
        }
        return try self.diagonalOfLastAxes(offset: offset).sum(axes: [-1])
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// The sum of the diagonal of each matrix in the last two axes, `[…, m, n]` to `[…]`; `offset` places to the right
    /// of the main diagonal, or below it where negative.
    public consuming func matrixTrace(offset: Int = 0) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().matrixTrace(offset: offset) }
    }
}
