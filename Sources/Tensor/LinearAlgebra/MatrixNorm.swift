import CTensorKernels

/// A norm of a matrix.
public enum MatrixNorm: Sendable, Hashable, CaseIterable {
    /// The root of the sum of the squared elements.
    case frobenius
    /// The sum of the singular values.
    case nuclear
    /// The largest sum of absolute values of a column.
    case one
    /// The largest sum of absolute values of a row.
    case infinity
    /// The largest singular value.
    case spectral
}

/// What one kernel measures of a matrix: a norm, or a ratio of singular values.
package enum MatrixMeasure: Sendable, Hashable {
    case frobenius, nuclear, one, infinity, spectral, condition

    init(_ norm: MatrixNorm) {
        switch norm {
        case .frobenius: self = .frobenius
        case .nuclear: self = .nuclear
        case .one: self = .one
        case .infinity: self = .infinity
        case .spectral: self = .spectral
        }
    }

    fileprivate var kernel: mw_matrix_norm_kind {
        switch self {
        case .frobenius: MW_NORM_FROBENIUS
        case .nuclear: MW_NORM_NUCLEAR
        case .one: MW_NORM_ONE
        case .infinity: MW_NORM_INFINITY
        case .spectral: MW_NORM_SPECTRAL
        case .condition: MW_NORM_CONDITION
        }
    }
}

extension Primitive {
    /// A norm of each matrix. That of the Frobenius norm is the only derivative so far: `Ā = n̄ · A / n`.
    package static let matrixNorm: Primitive = Primitive(
        id: 5_017, name: "matrixNorm",
        .unary(
            rule: { type, attributes throws(TensorError) in
                try type.requireMatrices(in: "matrixNorm")
                if attributes.factorization.norm == .condition, type.diagonalCount == 0 {
                    throw TensorError(.shapeMismatch, "conditionNumber: the matrices of \(type.shape) have no elements")
                }
                return try type.replacingMatrices()
            },
            kernel: { operand, attributes, type throws(TensorError) in
                let packed = try operand.contiguous()
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                let measure = attributes.factorization.norm
                // Safe: the operand is contiguous, and the result has an element for each matrix.
                try unsafe mw_matrix_norm(
                    type.dtype.kernel, type.shape.elementCount, packed.type.rowCount, packed.type.columnCount,
                    measure.kernel, result.firstByte, packed.firstByte
                ).check(measure == .condition ? "conditionNumber" : "matrixNorm", packed.type)
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: [.first, .result]) { cotangent, step throws(TensorError) in
                let measure = step.attributes.factorization.norm
                guard measure == .frobenius else {
                    throw TensorError(.derivativePending, "matrixNorm: the derivative of \(measure) is not written yet")
                }
                return try (cotangent / step.result).asMatrices() * step.operands[0]
            }
        ]))
}

extension AnyTensor {
    /// A norm of each matrix in the last two axes: `[…, m, n]` to `[…]`; 0 of a matrix without elements. The derivative
    /// of the Frobenius norm is NaN at 0; the others have none yet.
    ///
    /// - Throws: ``TensorError/Code/notConverged`` with the first matrix that holds a NaN or an infinity, for the
    ///   nuclear and the spectral norm; ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` unless
    ///   float32 or float64.
    public consuming func matrixNorm(_ norm: MatrixNorm = .frobenius) throws(TensorError) -> AnyTensor {
        try Primitive.matrixNorm.apply(&self, .factorization(FactorizationOptions(norm: MatrixMeasure(norm))))
    }

    /// The condition number of each matrix in the last two axes, `[…, m, n]` to `[…]`: `‖A‖ · ‖A⁻¹‖`, and for the
    /// spectral norm, the default, the largest singular value over the smallest, infinity where that is 0.
    ///
    /// - Throws: as ``matrixNorm(_:)``, and ``TensorError/Code/shapeMismatch`` for matrices without elements; for other
    ///   norms than the spectral one also ``TensorError/Code/singularMatrix``, and ``TensorError/Code/shapeMismatch``
    ///   for matrices that are not square.
    public consuming func conditionNumber(_ norm: MatrixNorm = .spectral) throws(TensorError) -> AnyTensor {
        if norm == .spectral {
            return try Primitive.matrixNorm.apply(&self, .factorization(FactorizationOptions(norm: .condition)))
        }
        let matrices = self
        let inverse = try matrices.inverse()
        return try matrices.matrixNorm(norm) * inverse.matrixNorm(norm)
    }
}

extension Tensor where Scalar: LinearAlgebraScalar {
    /// A norm of each matrix in the last two axes: `[…, m, n]` to `[…]`; 0 of a matrix without elements.
    public consuming func matrixNorm(_ norm: MatrixNorm = .frobenius) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().matrixNorm(norm) }
    }

    /// The condition number of each matrix in the last two axes, `[…, m, n]` to `[…]`: `‖A‖ · ‖A⁻¹‖`, and for the
    /// spectral norm, the default, the largest singular value over the smallest, infinity where that is 0.
    public consuming func conditionNumber(_ norm: MatrixNorm = .spectral) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().conditionNumber(norm) }
    }
}
