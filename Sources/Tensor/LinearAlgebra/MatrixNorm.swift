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
    /// The smallest sum of absolute values of a column: NumPy's order -1, and as the next two no norm in the strict sense.
    case minusOne
    /// The smallest sum of absolute values of a row: NumPy's order -∞.
    case minusInfinity
    /// The smallest singular value: NumPy's order -2.
    case minusTwo
}

/// What one kernel measures of a matrix: a norm, or a ratio of singular values.
package enum MatrixMeasure: Sendable, Hashable {
    case frobenius, nuclear, one, infinity, spectral, condition, minusOne, minusInfinity, minusTwo, minusCondition

    init(_ norm: MatrixNorm) {
        switch norm {
        case .frobenius: self = .frobenius
        case .nuclear: self = .nuclear
        case .one: self = .one
        case .infinity: self = .infinity
        case .spectral: self = .spectral
        case .minusOne: self = .minusOne
        case .minusInfinity: self = .minusInfinity
        case .minusTwo: self = .minusTwo
        }
    }

    /// Whether it compares singular values.
    private var isRatio: Bool { self == .condition || self == .minusCondition }

    fileprivate var operation: StaticString { isRatio ? "conditionNumber" : "matrixNorm" }

    /// Throws unless matrices of this type have what is measured: the smallest of nothing is no number.
    fileprivate func requireElements(_ type: TensorType) throws(TensorError) {
        let isMissing =
            switch self {
            case .minusOne: type.columnCount == 0
            case .minusInfinity: type.rowCount == 0
            case .minusTwo, .condition, .minusCondition: type.diagonalCount == 0
            case .frobenius, .nuclear, .one, .infinity, .spectral: false
            }
        guard !isMissing else {
            throw TensorError(
                .shapeMismatch, "\(operation): \(self) of the matrices of \(type.shape), which have no elements")
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
        case .minusOne: MW_NORM_MINUS_ONE
        case .minusInfinity: MW_NORM_MINUS_INFINITY
        case .minusTwo: MW_NORM_MINUS_TWO
        case .minusCondition: MW_NORM_MINUS_CONDITION
        }
    }
}

extension Primitive {
    /// A norm of each matrix.
    package static let matrixNorm: Primitive = Primitive(
        id: 5_017, name: "matrixNorm",
        .unary(
            rule: { type, attributes throws(TensorError) in
                try type.requireMatrices(in: "matrixNorm")
                try attributes.factorization.norm.requireElements(type)
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
                ).check(measure.operation, packed.type)
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: [.first, .result]) { cotangent, step throws(TensorError) in
                try step.slopeOfMatrixNorm() * cotangent.asMatrices()
            }
        ]))
}

extension AnyTensor {
    /// A norm of each matrix in the last two axes: `[…, m, n]` to `[…]`; 0 of a matrix without elements. The derivative
    /// of the Frobenius norm is NaN at 0; that of sums which are equally large goes to each in equal parts, and that of a
    /// singular value of which there are several to one of them.
    ///
    /// - Throws: ``TensorError/Code/notConverged`` with the first matrix that holds a NaN or an infinity, for norms that
    ///   are made of singular values; ``TensorError/Code/shapeMismatch``, also for the smallest of no sums or singular
    ///   values; ``TensorError/Code/dtypeMismatch`` unless float32 or float64.
    public consuming func matrixNorm(_ norm: MatrixNorm = .frobenius) throws(TensorError) -> AnyTensor {
        try Primitive.matrixNorm.apply(&self, .factorization(FactorizationOptions(norm: MatrixMeasure(norm))))
    }

    /// The condition number of each matrix in the last two axes, `[…, m, n]` to `[…]`: `‖A‖ · ‖A⁻¹‖`, and for the
    /// spectral norm, the default, the largest singular value over the smallest, infinity where that is 0; for `minusTwo`
    /// the smallest over the largest.
    ///
    /// - Throws: as ``matrixNorm(_:)``, and ``TensorError/Code/shapeMismatch`` for matrices without elements; for norms
    ///   that are not one singular value also ``TensorError/Code/singularMatrix``, and
    ///   ``TensorError/Code/shapeMismatch`` for matrices that are not square.
    public consuming func conditionNumber(_ norm: MatrixNorm = .spectral) throws(TensorError) -> AnyTensor {
        if norm == .spectral || norm == .minusTwo {
            let ratio = norm == .spectral ? MatrixMeasure.condition : .minusCondition
            return try Primitive.matrixNorm.apply(&self, .factorization(FactorizationOptions(norm: ratio)))
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
