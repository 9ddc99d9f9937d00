import CTensorKernels

extension Primitive {
    /// `X` with `A · X = B`. `B̄ = A⁻ᵀ · X̄` and `Ā = −B̄ · Xᵀ`.
    package static let solve: Primitive = Primitive(
        id: 5_003, name: "solve",
        .binary(
            rule: { left, right, _ throws(TensorError) in try solutionType(left, right, in: "solve") },
            kernel: { left, right, _, type throws(TensorError) in
                let (matrices, values) = try left.batched(with: right, for: type)
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                // Safe: all three hold the batch of matrices, contiguous.
                try unsafe mw_solve(
                    type.dtype.kernel, type.shape.batch.elementCount, type.rowCount, type.columnCount,
                    result.firstByte, matrices.firstByte, values.firstByte
                ).check("solve", matrices.type)
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: [.first, .result]) { cotangent, step throws(TensorError) in
                try step.operands[0].transposed().solve(cotangent).matmul(step.result.transposed()).negated()
                    .summed(toOperandOf: step)
            },
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try step.operands[0].transposed().solve(cotangent).summed(toOperandOf: step)
            },
        ]))
}

extension AnyTensor {
    /// `X` with `A · X = B` for this tensor's matrices A, `[…, n, n]`, by elimination with partial pivoting.
    ///
    /// - Parameter values: B, `[…, n, columns]`, or one vector `[n]`. The axes before the last two broadcast; a single
    ///   matrix is factorised once for a batch of right sides.
    /// - Throws: ``TensorError/Code/singularMatrix`` with the first matrix that has a pivot of exactly 0,
    ///   ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` unless both are float32 or float64. A
    ///   NaN gives NaNs.
    public consuming func solve(_ values: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try self.solving(for: values) { matrices, values throws(TensorError) in
            try Primitive.solve.applied(to: matrices, values)
        }
    }
}

extension Tensor where Scalar: LinearAlgebraScalar {
    /// `X` with `A · X = B` for this tensor's matrices A, `[…, n, n]`; B is `[…, n, columns]`, or one vector `[n]`.
    /// Traps for a singular matrix; those that come from data belong to ``AnyTensor/solve(_:)``.
    public consuming func solve(_ values: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().solve(values.core.take()) }
    }
}
