import CTensorKernels

extension Primitive {
    /// Rows of A in another order, `A[permutation] = L · U`: L, U and the order in one result.
    ///
    /// The derivative of square matrices, in the order of the factors' rows, with Φ the strict lower triangle of Lᵀ·L̄ and the
    /// upper one of Ū·Uᵀ: `Ā = L⁻ᵀ · Φ · U⁻ᵀ`. Of high matrices the rows beyond are `A₂ = L₂ · U`, of wide ones the columns
    /// beyond `A₂ = L · U₂`.
    package static let lu: Primitive = Primitive(
        id: 5_007, name: "lu",
        .unary(
            rule: { type, _ throws(TensorError) in
                try type.requireMatrices(in: "lu")
                guard type.dtype == .float64 || type.rowCount <= 1 << 24 else {
                    throw TensorError(.shapeMismatch, "lu: the rows of \(type) cannot be counted in float32")
                }
                return try PackedResults(luOf: type).type(type.dtype)
            },
            kernel: { operand, _, type throws(TensorError) in
                let packed = try operand.contiguous()
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                let parts = try unsafe PackedResults(luOf: packed.type).addresses(in: result)
                // Safe: the operand is contiguous, and each part has its place in the result.
                try unsafe mw_lu(
                    type.dtype.kernel, packed.shape.batch.elementCount, packed.type.rowCount, packed.type.columnCount,
                    parts[0], parts[1], parts[2], packed.firstByte
                ).check("lu", packed.type)
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: .result) { cotangent, step throws(TensorError) in
                let type = step.operand.type
                let (rows, columns, diagonal) = (type.rowCount, type.columnCount, type.diagonalCount)
                let parts = try PackedResults(luOf: type)
                let (results, cotangents) = (try parts.views(of: step.result), try parts.views(of: cotangent))
                let lower = try results[0].sliced(axis: -2, 0..<diagonal)
                let upper = try results[1].sliced(axis: -1, 0..<diagonal)
                var lowerCotangent = try cotangents[0].sliced(axis: -2, 0..<diagonal)
                var upperCotangent = try cotangents[1].sliced(axis: -1, 0..<diagonal)

                var beyond: AnyTensor?
                if rows > columns {
                    let values = try cotangents[0].sliced(axis: -2, diagonal..<rows).dividedByTransposed(upper: upper)
                    let factors = try results[0].sliced(axis: -2, diagonal..<rows)
                    upperCotangent = try upperCotangent - factors.transposed().matmul(values)
                    beyond = values
                } else if rows < columns {
                    let values = try lower.transposed().triangularSolve(
                        cotangents[1].sliced(axis: -1, diagonal..<columns), lower: false, hasUnitDiagonal: true)
                    let factors = try results[1].sliced(axis: -1, diagonal..<columns)
                    lowerCotangent = try lowerCotangent - values.matmul(factors.transposed())
                    beyond = values
                }
                let middle =
                    try lower.transposed().matmul(lowerCotangent).lowerTriangle(diagonal: -1)
                    + upperCotangent.matmul(upper.transposed()).upperTriangle()
                var ordered = try lower.transposed().triangularSolve(middle, lower: false, hasUnitDiagonal: true)
                    .dividedByTransposed(upper: upper)
                if let beyond { ordered = try .concatenate([ordered, beyond], axis: rows > columns ? -2 : -1) }
                let places = try Primitive.rowNumbers.applied(to: results[2]).expandingDimensions(at: -1)
                return try AnyTensor.zeros(type.shape, dtype: type.dtype)
                    .scattering(ordered, along: -2, places.broadcast(to: type.shape))
            }
        ]))

    /// Row numbers that a factorisation left as floats, as int32.
    package static let rowNumbers: Primitive = Primitive(
        id: 5_008, name: "rowNumbers",
        .unary(
            rule: { type, _ throws(TensorError) in
                try type.require(.float32, .float64, in: "rowNumbers")
                return TensorType(.int32, type.shape)
            },
            kernel: { operand, _, type throws(TensorError) in
                let numbers =
                    operand.dtype == .float64
                    ? try operand.scalars(as: Double.self).map { Int32($0) }
                    : try operand.scalars(as: Float.self).map { Int32($0) }
                return try AnyTensor(numbers, shape: type.shape)
            }),
        derivative: .notDifferentiable)
}

extension AnyTensor {
    /// These matrices times U⁻ᵀ.
    fileprivate func dividedByTransposed(upper: AnyTensor) throws(TensorError) -> AnyTensor {
        try upper.triangularSolve(transposed(), lower: false).transposed()
    }
}

extension PackedResults {
    fileprivate init(luOf type: TensorType) throws(TensorError) {
        shapes = [
            try type.replacingMatrices(with: type.rowCount, type.diagonalCount).shape,
            try type.replacingMatrices(with: type.diagonalCount, type.columnCount).shape,
            try type.replacingMatrices(with: type.rowCount).shape,
        ]
    }
}

extension AnyTensor {
    /// Triangular factors of each matrix in the last two axes, `[…, m, n]`, by partial pivoting: row `i` of `lower ·
    /// upper` is row `permutation[i]` of the matrix.
    ///
    /// With `k = min(m, n)`: `permutation` is `[…, m]`, int32; `lower` is `[…, m, k]` with ones on its diagonal and
    /// none of its elements beyond ±1; `upper` is `[…, k, n]`. A singular matrix has a 0 on the diagonal of `upper`.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` unless float32 or float64.
    public consuming func lu() throws(TensorError) -> (permutation: AnyTensor, lower: AnyTensor, upper: AnyTensor) {
        try type.requireMatrices(in: "lu")
        let results = try PackedResults(luOf: type)
        let views = try results.views(of: Primitive.lu.apply(&self))
        return (try Primitive.rowNumbers.applied(to: views[2]), views[0], views[1])
    }
}

extension Tensor where Scalar: LinearAlgebraScalar {
    /// Triangular factors of each matrix in the last two axes, `[…, m, n]`, by partial pivoting: row `i` of `lower ·
    /// upper` is row `permutation[i]` of the matrix.
    public consuming func lu() -> (permutation: Tensor<Int32>, lower: Tensor, upper: Tensor) {
        let factors = trapping { () throws(TensorError) in try self.core.take().lu() }
        return (Tensor<Int32>(known: factors.permutation), Tensor(known: factors.lower), Tensor(known: factors.upper))
    }
}
