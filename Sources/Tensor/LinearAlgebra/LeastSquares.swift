import CTensorKernels

extension Primitive {
    /// The shortest `X` that minimises `‖A · X − B‖`: with the pseudo-inverse P of A, `X = P · B`, `P̄ = X̄ · Bᵀ` and
    /// `B̄ = Pᵀ · X̄`.
    package static let leastSquares: Primitive = Primitive(
        id: 5_015, name: "leastSquares",
        .binary(
            rule: { left, right, _ throws(TensorError) in
                try left.requireMatrices(in: "leastSquares")
                try left.requireSameType(as: right, in: "leastSquares")
                guard right.shape.rank >= 2, right.rowCount == left.rowCount else {
                    throw TensorError(
                        .shapeMismatch,
                        "leastSquares: \(left.shape) and \(right.shape) are not […, m, n] and […, m, columns]")
                }
                let batch = try Shape.broadcast(left.shape.batch, right.shape.batch, in: "leastSquares")
                return TensorType(left.dtype, try Shape(batch + [left.columnCount, right.columnCount]))
            },
            kernel: { left, right, attributes, type throws(TensorError) in
                let batch = type.shape.batch
                let (m, n) = (left.type.rowCount, left.type.columnCount)
                let matrices = try left.broadcast(to: Shape(batch + [m, n])).contiguous()
                let values = try right.broadcast(to: Shape(batch + [m, type.columnCount])).contiguous()
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                // Safe: all three hold the batch of matrices, contiguous.
                try unsafe mw_least_squares(
                    type.dtype.kernel, batch.elementCount, m, n, type.columnCount,
                    attributes.factorization.tolerance, result.firstByte, matrices.firstByte, values.firstByte
                ).check("leastSquares", matrices.type)
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: [.first, .second]) { cotangent, step throws(TensorError) in
                let inverse = try Primitive.pseudoInverse.applied(to: step.operands[0], step.attributes)
                let upstream = try cotangent.matmul(step.operands[1].transposed())
                return try pulledBack(upstream, throughPseudoInverse: inverse, of: step.operands[0])
                    .summed(toOperandOf: step)
            },
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                let inverse = try Primitive.pseudoInverse.applied(to: step.operands[0], step.attributes)
                return try inverse.transposed().matmul(cotangent).summed(toOperandOf: step)
            },
        ]))
}

extension AnyTensor {
    /// The X that minimises `‖A · X − B‖` for this tensor's matrices A, `[…, m, n]`; of several, the one of least norm.
    /// It is the pseudo-inverse times B, by the singular value decomposition: right for matrices of any rank.
    ///
    /// - Parameters:
    ///   - values: B, `[…, m, columns]`, or one vector `[m]`. The axes before the last two broadcast.
    ///   - tolerance: As for ``pseudoInverse(tolerance:)``.
    /// - Throws: as ``pseudoInverse(tolerance:)``.
    public consuming func leastSquares(
        _ values: consuming AnyTensor, tolerance: Double? = nil
    ) throws(TensorError) -> AnyTensor {
        let tolerance = try type.singularValueTolerance(tolerance, in: "leastSquares")
        return try self.solving(for: values) { matrices, values throws(TensorError) in
            try Primitive.leastSquares.applied(
                to: matrices, values, .factorization(FactorizationOptions(tolerance: tolerance)))
        }
    }
}

extension Tensor where Scalar: LinearAlgebraScalar {
    /// The X that minimises `‖A · X − B‖` for this tensor's matrices A, `[…, m, n]`; of several, the one of least norm.
    /// B is `[…, m, columns]`, or one vector `[m]`.
    public consuming func leastSquares(_ values: consuming Tensor, tolerance: Double? = nil) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().leastSquares(values.core.take(), tolerance: tolerance)
        }
    }
}
