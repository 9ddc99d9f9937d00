extension AnyTensor {
    /// The sum of the diagonal of each matrix in the last two axes: `[…, m, n]` to `[…]`.
    ///
    /// - Parameter offset: How far to the right of the main diagonal, or below it where negative.
    /// - Throws: ``TensorError/Code/shapeMismatch`` for fewer than two axes, ``TensorError/Code/dtypeMismatch`` for
    ///   bools.
    public consuming func matrixTrace(offset: Int = 0) throws(TensorError) -> AnyTensor {
        guard rank >= 2 else {
            throw TensorError(.shapeMismatch, "matrixTrace: \(shape) has fewer than the two axes of a matrix")
        }
        return try self.diagonal(offset: offset).sum(axes: [-1])
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// The sum of the diagonal of each matrix in the last two axes, `[…, m, n]` to `[…]`; `offset` places to the right
    /// of the main diagonal, or below it where negative.
    public consuming func matrixTrace(offset: Int = 0) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().matrixTrace(offset: offset) }
    }
}
