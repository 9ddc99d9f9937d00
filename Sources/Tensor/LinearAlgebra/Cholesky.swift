import CTensorKernels

extension Primitive {
    /// `A = L · Lᵀ` with L lower triangular.
    ///
    /// The derivative is that of a symmetric A (Murray, "Differentiation of the Cholesky decomposition", 2016): with
    /// `Φ` the lower triangle with half the diagonal and `P = Φ(Lᵀ · L̄)`, `Ā = ½ · L⁻ᵀ · (P + Pᵀ) · L⁻¹`.
    package static let cholesky: Primitive = Primitive(
        id: 5_001, name: "cholesky",
        .unary(
            rule: { type, _ throws(TensorError) in
                try type.requireSquareMatrices(in: "cholesky")
                return type
            },
            kernel: { operand, _, type throws(TensorError) in
                let packed = try operand.contiguous()
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                // Safe: both hold the batch of matrices, contiguous.
                try unsafe mw_cholesky(
                    type.dtype.kernel, type.shape.batch.elementCount, type.rowCount, result.firstByte,
                    packed.firstByte
                ).check("cholesky", type)
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: .result) { cotangent, step throws(TensorError) in
                let factor = step.result
                let half = try AnyTensor.matrix(factor.type.rowCount, dtype: factor.dtype) { row, column in
                    row > column ? 0.5 : row == column ? 0.25 : 0
                }
                let part = try factor.transposed().matmul(cotangent) * half
                let middle = try part + part.transposed()
                let rows = try factor.transposed().triangularSolve(middle, lower: false)
                return try factor.transposed().triangularSolve(rows.transposed(), lower: false)
            }
        ]))
}

extension AnyTensor {
    /// The lower triangular `L` with `A = L · Lᵀ`, for each matrix in the last two axes, `[…, n, n]`. Only the lower
    /// triangle is read; the derivative is that of a symmetric matrix.
    ///
    /// - Throws: ``TensorError/Code/notPositiveDefinite`` with the first matrix that is not, also for a NaN;
    ///   ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` unless float32 or float64.
    public consuming func cholesky() throws(TensorError) -> AnyTensor {
        try Primitive.cholesky.apply(&self)
    }
}

extension Tensor where Scalar: LinearAlgebraScalar {
    /// The lower triangular `L` with `A = L · Lᵀ`, for each matrix in the last two axes, `[…, n, n]`. Only the lower
    /// triangle is read. Traps unless the matrices are positive definite; those that come from data belong to
    /// ``AnyTensor/cholesky()``.
    public consuming func cholesky() -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().cholesky() }
    }
}
