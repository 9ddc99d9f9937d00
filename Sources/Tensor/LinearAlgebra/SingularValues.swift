import CTensorKernels

extension Primitive {
    /// `A = U · S · Vᵀ` with `S = diag(s)`: U, s and Vᵀ in one result.
    ///
    /// The derivative (Townsend, "Differentiating the singular value decomposition", 2016) is that of singular values that
    /// differ from each other and from 0: with `Fᵢⱼ = 1 / (sⱼ² - sᵢ²)` beside the diagonal,
    /// `Ā = U · ((F ∘ (Uᵀ·Ū − Ūᵀ·U)) · S + S · (F ∘ (Vᵀ·V̄ − V̄ᵀ·V)) + diag(s̄)) · Vᵀ + (I − U·Uᵀ) · Ū · S⁻¹ · Vᵀ + U · S⁻¹ · V̄ᵀ ·
    /// (I − V·Vᵀ)`.
    package static let singularValueDecomposition: Primitive = Primitive(
        id: 5_012, name: "svd",
        .unary(
            rule: { type, attributes throws(TensorError) in
                try type.requireMatrices(in: "svd")
                return try PackedResults(svdOf: type, attributes.factorization).type(type.dtype)
            },
            kernel: { operand, attributes, type throws(TensorError) in
                let options = attributes.factorization
                let packed = try operand.contiguous()
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                let parts = try unsafe PackedResults(svdOf: packed.type, options).addresses(in: result)
                // Safe: the operand is contiguous, and each part has its place in the result.
                try unsafe mw_singular_values(
                    type.dtype.kernel, packed.shape.batch.elementCount, packed.type.rowCount, packed.type.columnCount,
                    options.isComplete, parts[0], parts[1], parts[2], packed.firstByte
                ).check("svd", packed.type)
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: .result) { cotangent, step throws(TensorError) in
                let (type, options) = (step.operand.type, step.attributes.factorization)
                guard !options.isComplete || type.rowCount == type.columnCount else {
                    throw TensorError(
                        .shapeMismatch, "svd: the vectors that make U and V square have no derivative, of \(type.shape)"
                    )
                }
                let parts = try PackedResults(svdOf: type, options)
                let (results, cotangents) = (try parts.views(of: step.result), try parts.views(of: cotangent))
                let (u, vTransposed) = (results[0], results[2])
                let (uCotangent, vCotangent) = (cotangents[0], try cotangents[2].transposed())
                let (row, column) = (
                    try results[1].expandingDimensions(at: -2), try results[1].expandingDimensions(at: -1)
                )

                let isDiagonal = try AnyTensor.eye(type.diagonalCount, type.diagonalCount, dtype: .bool)
                let gaps = try AnyTensor.select(
                    isDiagonal, .scalar(1, dtype: row.dtype), row.squared() - column.squared())
                let left = try u.transposed().matmul(uCotangent)
                let right = try vTransposed.matmul(vCotangent)
                let turned =
                    try (left - left.transposed()) / gaps * row + column * ((right - right.transposed()) / gaps)
                let inside = try AnyTensor.select(isDiagonal, cotangents[1].expandingDimensions(at: -2), turned)
                // What of the vectors' cotangents lies beside all of the vectors.
                let besideU = try (uCotangent - u.matmul(left)) / row
                let besideV = try (vCotangent - vTransposed.transposed().matmul(right)) / row
                return try (u.matmul(inside) + besideU).matmul(vTransposed) + u.matmul(besideV.transposed())
            }
        ]))

    /// The singular values alone, in half the time. `Ā = U · diag(s̄) · Vᵀ`.
    package static let singularValues: Primitive = Primitive(
        id: 5_013, name: "singularValues",
        .unary(
            rule: { type, _ throws(TensorError) in
                try type.requireMatrices(in: "singularValues")
                return try type.replacingMatrices(with: type.diagonalCount)
            },
            kernel: { operand, _, type throws(TensorError) in
                let packed = try operand.contiguous()
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                // Safe: the operand is contiguous, and the result has a row for each matrix.
                try unsafe mw_singular_values(
                    type.dtype.kernel, packed.shape.batch.elementCount, packed.type.rowCount, packed.type.columnCount,
                    false, nil, result.firstByte, nil, packed.firstByte
                ).check("singularValues", packed.type)
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                let parts = try step.operands[0].svd()
                return try (parts.u * cotangent.expandingDimensions(at: -2)).matmul(parts.vTransposed)
            }
        ]))
}

extension PackedResults {
    fileprivate init(svdOf type: TensorType, _ options: FactorizationOptions) throws(TensorError) {
        let (rows, columns, diagonal) = (type.rowCount, type.columnCount, type.diagonalCount)
        shapes = [
            try type.replacingMatrices(with: rows, options.isComplete ? rows : diagonal).shape,
            try type.replacingMatrices(with: diagonal).shape,
            try type.replacingMatrices(with: options.isComplete ? columns : diagonal, columns).shape,
        ]
    }
}

extension AnyTensor {
    /// `A = U · diag(s) · Vᵀ` for each matrix in the last two axes, `[…, m, n]`: orthonormal columns in U and rows in
    /// Vᵀ, and singular values s in descending order, none negative.
    ///
    /// By one-sided Jacobi rotations after a pivoted QR factorisation (Drmač & Veselić 2008), so that small singular
    /// values of a matrix with graded columns are right to the last digits. The sign of a pair of vectors is not
    /// defined.
    ///
    /// - Parameter complete: Whether U and Vᵀ are square. Otherwise, with `k = min(m, n)`, U is `[…, m, k]` and Vᵀ `[…,
    ///   k, n]`.
    /// - Throws: ``TensorError/Code/notConverged`` with the first matrix that holds a NaN or an infinity,
    ///   ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` unless float32 or float64.
    public consuming func svd(
        complete: Bool = false
    ) throws(TensorError) -> (u: AnyTensor, s: AnyTensor, vTransposed: AnyTensor) {
        try type.requireMatrices(in: "svd")
        let options = FactorizationOptions(isComplete: complete)
        let results = try PackedResults(svdOf: type, options)
        let views = try results.views(
            of: Primitive.singularValueDecomposition.apply(&self, .factorization(options)))
        return (views[0], views[1], views[2])
    }

    /// The singular values of each matrix in the last two axes, `[…, m, n]`, in descending order: `[…, min(m, n)]`.
    ///
    /// - Throws: as ``svd(complete:)``.
    public consuming func singularValues() throws(TensorError) -> AnyTensor {
        try Primitive.singularValues.apply(&self)
    }
}

extension Tensor where Scalar: LinearAlgebraScalar {
    /// `A = U · diag(s) · Vᵀ` for each matrix in the last two axes, `[…, m, n]`: orthonormal columns in U and rows in
    /// Vᵀ, and singular values s in descending order. U and Vᵀ are square where `complete`. Traps for a NaN or an
    /// infinity.
    public consuming func svd(complete: Bool = false) -> (u: Tensor, s: Tensor, vTransposed: Tensor) {
        let result = trapping { () throws(TensorError) in try self.core.take().svd(complete: complete) }
        return (Tensor(known: result.u), Tensor(known: result.s), Tensor(known: result.vTransposed))
    }

    /// The singular values of each matrix in the last two axes, `[…, m, n]`, in descending order: `[…, min(m, n)]`.
    public consuming func singularValues() -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().singularValues() }
    }
}
