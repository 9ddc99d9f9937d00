import CTensorKernels

extension Primitive {
    /// `X = A⁻¹`. `Ā = −Xᵀ · X̄ · Xᵀ`.
    package static let inverse: Primitive = Primitive(
        id: 5_004, name: "inverse",
        .unary(
            rule: { type, _ throws(TensorError) in
                try type.requireSquareMatrices(in: "inverse")
                return type
            },
            kernel: { operand, _, type throws(TensorError) in
                let packed = try operand.contiguous()
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                // Safe: both hold the batch of matrices, contiguous.
                try unsafe mw_inverse(
                    type.dtype.kernel, type.shape.batch.elementCount, type.rowCount, result.firstByte,
                    packed.firstByte
                ).check("inverse", type)
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: .result) { cotangent, step throws(TensorError) in
                let transposed = try step.result.transposed()
                return try transposed.matmul(cotangent).matmul(transposed).negated()
            }
        ]))
}

extension AnyTensor {
    /// The inverse of each matrix in the last two axes, `[…, n, n]`. To multiply by it once, ``solve(_:)`` is faster
    /// and more accurate.
    ///
    /// - Throws: ``TensorError/Code/singularMatrix`` with the first matrix that has a pivot of exactly 0,
    ///   ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` unless float32 or float64.
    public consuming func inverse() throws(TensorError) -> AnyTensor {
        try Primitive.inverse.apply(&self)
    }
}

extension Tensor where Scalar: LinearAlgebraScalar {
    /// The inverse of each matrix in the last two axes, `[…, n, n]`. Traps for a singular matrix; those that come from
    /// data belong to ``AnyTensor/inverse()``.
    public consuming func inverse() -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().inverse() }
    }
}
