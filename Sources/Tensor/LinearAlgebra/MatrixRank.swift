import CTensorKernels

extension Primitive {
    /// How many singular values are not negligible, as int64.
    package static let matrixRank: Primitive = Primitive(
        id: 5_016, name: "matrixRank",
        .unary(
            rule: { type, _ throws(TensorError) in
                try type.requireMatrices(in: "matrixRank")
                return TensorType(.int64, type.shape.batch)
            },
            kernel: { operand, attributes, type throws(TensorError) in
                let packed = try operand.contiguous()
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                // Safe: the operand is contiguous, and the result has an element for each matrix.
                try unsafe mw_matrix_rank(
                    packed.dtype.kernel, type.shape.elementCount, packed.type.rowCount, packed.type.columnCount,
                    attributes.factorization.tolerance, result.elements(as: Int64.self), packed.firstByte
                ).check("matrixRank", packed.type)
                return result
            }),
        derivative: .notDifferentiable)
}

extension AnyTensor {
    /// The rank of each matrix in the last two axes: `[…, m, n]` to `[…]`, int64.
    ///
    /// - Parameter tolerance: As for ``pseudoInverse(tolerance:)``.
    /// - Throws: as ``pseudoInverse(tolerance:)``.
    public consuming func matrixRank(tolerance: Double? = nil) throws(TensorError) -> AnyTensor {
        let tolerance = try type.singularValueTolerance(tolerance, in: "matrixRank")
        return try Primitive.matrixRank.apply(&self, .factorization(FactorizationOptions(tolerance: tolerance)))
    }
}

extension Tensor where Scalar: LinearAlgebraScalar {
    /// The rank of each matrix in the last two axes: `[…, m, n]` to `[…]`. Singular values of at most `tolerance` times
    /// the largest count as 0; by default `max(m, n)` times the distance from 1 to the next number.
    public consuming func matrixRank(tolerance: Double? = nil) -> Tensor<Int64> {
        Tensor<Int64> { () throws(TensorError) in try self.core.take().matrixRank(tolerance: tolerance) }
    }
}
