import CTensorKernels

extension Primitive {
    /// `A = Q · R` with Q orthogonal and R upper triangular, both in one result.
    ///
    /// The derivative (Walter and Lehmann 2012; Roberts and Roberts 2020 for wide matrices) is that of an A of full rank:
    /// with `M = R · R̄ᵀ − Q̄ᵀ · Q` and M̃ its lower triangle mirrored to the upper one, `Ā = (Q̄ + Q · M̃) · R⁻ᵀ` where R is
    /// square. The columns that R has beyond are `A₂ = Q · R₂`.
    package static let qr: Primitive = Primitive(
        id: 5_009, name: "qr",
        .unary(
            rule: { type, attributes throws(TensorError) in
                try type.requireMatrices(in: "qr")
                return try PackedResults(qrOf: type, attributes.factorization).type(type.dtype)
            },
            kernel: { operand, attributes, type throws(TensorError) in
                let options = attributes.factorization
                let packed = try operand.contiguous()
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                let parts = try unsafe PackedResults(qrOf: packed.type, options).addresses(in: result)
                // Safe: the operand is contiguous, and each part has its place in the result.
                try unsafe mw_qr(
                    type.dtype.kernel, packed.shape.batch.elementCount, packed.type.rowCount, packed.type.columnCount,
                    options.isComplete, parts[0], parts[1], packed.firstByte
                ).check("qr", packed.type)
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: [.first, .result]) { cotangent, step throws(TensorError) in
                let (type, options) = (step.operand.type, step.attributes.factorization)
                let (rows, columns) = (type.rowCount, type.columnCount)
                guard !options.isComplete || rows <= columns else {
                    throw TensorError(
                        .shapeMismatch, "qr: the columns that make Q square have no derivative, of \(type.shape)")
                }
                let parts = try PackedResults(qrOf: type, options)
                let (results, cotangents) = (try parts.views(of: step.result), try parts.views(of: cotangent))
                let (q, r) = (results[0], results[1])
                guard rows < columns else { return try pulledBack(cotangents[0], cotangents[1], throughQR: q, r) }
                let beyond = try cotangents[1].sliced(axis: -1, rows..<columns)
                let rest = try step.operands[0].sliced(axis: -1, rows..<columns)
                let square = try pulledBack(
                    cotangents[0] + rest.matmul(beyond.transposed()), cotangents[1].sliced(axis: -1, 0..<rows),
                    throughQR: q, r.sliced(axis: -1, 0..<rows))
                return try AnyTensor.concatenate([square, q.matmul(beyond)], axis: -1)
            }
        ]))

    /// The cotangent of matrices from those of their factors, of which R is square.
    private static func pulledBack(
        _ qCotangent: AnyTensor, _ rCotangent: AnyTensor, throughQR q: AnyTensor, _ r: AnyTensor
    ) throws(TensorError) -> AnyTensor {
        let products = try r.matmul(rCotangent.transposed()) - qCotangent.transposed().matmul(q)
        let mirrored = try products.lowerTriangle() + products.lowerTriangle(diagonal: -1).transposed()
        let upstream = try qCotangent + q.matmul(mirrored)
        return try r.triangularSolve(upstream.transposed(), lower: false).transposed()
    }
}

extension PackedResults {
    fileprivate init(qrOf type: TensorType, _ options: FactorizationOptions) throws(TensorError) {
        let inner = options.isComplete ? type.rowCount : type.diagonalCount
        shapes = [
            try type.replacingMatrices(with: type.rowCount, inner).shape,
            try type.replacingMatrices(with: inner, type.columnCount).shape,
        ]
    }
}

extension AnyTensor {
    /// `A = Q · R` for each matrix in the last two axes, `[…, m, n]`, by Householder reflections: the columns of Q are
    /// orthonormal, R is upper triangular. The signs are LAPACK's: a diagonal element of R may be negative.
    ///
    /// - Parameter complete: Whether Q is square: `[…, m, m]` with R `[…, m, n]`. Otherwise, with `k = min(m, n)`, Q is
    ///   `[…, m, k]` and R `[…, k, n]`.
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` unless float32 or float64.
    public consuming func qr(complete: Bool = false) throws(TensorError) -> (q: AnyTensor, r: AnyTensor) {
        try type.requireMatrices(in: "qr")
        let options = FactorizationOptions(isComplete: complete)
        let results = try PackedResults(qrOf: type, options)
        let views = try results.views(of: Primitive.qr.apply(&self, .factorization(options)))
        return (views[0], views[1])
    }
}

extension Tensor where Scalar: LinearAlgebraScalar {
    /// `A = Q · R` for each matrix in the last two axes, `[…, m, n]`: the columns of Q are orthonormal, R is upper
    /// triangular. Q is `[…, m, min(m, n)]`, or square where `complete`.
    public consuming func qr(complete: Bool = false) -> (q: Tensor, r: Tensor) {
        let factors = trapping { () throws(TensorError) in try self.core.take().qr(complete: complete) }
        return (Tensor(known: factors.q), Tensor(known: factors.r))
    }
}
