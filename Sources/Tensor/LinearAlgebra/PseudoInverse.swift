import CTensorKernels

extension Primitive {
    /// The Moore–Penrose inverse `X`. For matrices of constant rank (Golub and Pereyra 1973, theorem 4.3):
    /// `Ā = (I - A·X) · X̄ᵀ · X·Xᵀ + Xᵀ·X · X̄ᵀ · (I - X·A) - Xᵀ · X̄ · Xᵀ`.
    package static let pseudoInverse: Primitive = Primitive(
        id: 5_014, name: "pseudoInverse",
        .unary(
            rule: { type, _ throws(TensorError) in
                try type.requireMatrices(in: "pseudoInverse")
                return try type.replacingMatrices(with: type.columnCount, type.rowCount)
            },
            kernel: { operand, attributes, type throws(TensorError) in
                let packed = try operand.contiguous()
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                // Safe: both hold the batch of matrices, contiguous.
                try unsafe mw_pseudo_inverse(
                    type.dtype.kernel, packed.shape.batch.elementCount, packed.type.rowCount, packed.type.columnCount,
                    attributes.factorization.tolerance, result.firstByte, packed.firstByte
                ).check("pseudoInverse", packed.type)
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: [.first, .result]) { cotangent, step throws(TensorError) in
                try pulledBack(cotangent, throughPseudoInverse: step.result, of: step.operands[0])
            }
        ]))

    /// The cotangent of matrices from that of their pseudo-inverse.
    static func pulledBack(
        _ cotangent: AnyTensor, throughPseudoInverse inverse: AnyTensor, of matrices: AnyTensor
    ) throws(TensorError) -> AnyTensor {
        let transposed = try inverse.transposed()
        let upstream = try cotangent.transposed()
        let left = try upstream.matmul(inverse).matmul(transposed)
        let right = try transposed.matmul(inverse).matmul(upstream)
        let beside = try left - matrices.matmul(inverse.matmul(left)) + right - right.matmul(inverse).matmul(matrices)
        return try beside - transposed.matmul(cotangent).matmul(transposed)
    }
}

extension TensorType {
    /// What of the largest singular value counts as 0 where a caller does not say: the longer side of a matrix times
    /// the distance from 1 to the next number of the type, as NumPy and the array API have it.
    func singularValueTolerance(_ tolerance: Double?, in operation: StaticString) throws(TensorError) -> Double {
        try requireMatrices(in: operation)
        let epsilon = dtype == .float64 ? Double.ulpOfOne : Double(Float.ulpOfOne)
        return tolerance ?? Double(Swift.max(rowCount, columnCount)) * epsilon
    }
}

extension AnyTensor {
    /// The Moore–Penrose inverse of each matrix in the last two axes: `[…, m, n]` to `[…, n, m]`.
    ///
    /// - Parameter tolerance: Singular values of at most this times the largest count as 0; by default `max(m, n)`
    ///   times the distance from 1 to the next number of the type.
    /// - Throws: ``TensorError/Code/notConverged`` with the first matrix that holds a NaN or an infinity,
    ///   ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` unless float32 or float64.
    public consuming func pseudoInverse(tolerance: Double? = nil) throws(TensorError) -> AnyTensor {
        let tolerance = try type.singularValueTolerance(tolerance, in: "pseudoInverse")
        return try Primitive.pseudoInverse.apply(&self, .factorization(FactorizationOptions(tolerance: tolerance)))
    }
}

extension Tensor where Scalar: LinearAlgebraScalar {
    /// The Moore–Penrose inverse of each matrix in the last two axes: `[…, m, n]` to `[…, n, m]`. Singular values of at
    /// most `tolerance` times the largest count as 0; by default `max(m, n)` times the distance from 1 to the next
    /// number.
    public consuming func pseudoInverse(tolerance: Double? = nil) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().pseudoInverse(tolerance: tolerance) }
    }
}
