import CTensorKernels

extension Primitive {
    /// `A = V · diag(w) · Vᵀ` of a symmetric matrix: w and V in one result.
    ///
    /// The derivative is that of a symmetric A (Giles, "Collected matrix derivative results", 2008, section 3.1): with
    /// `Fᵢⱼ = 1 / (wⱼ - wᵢ)` beside the diagonal, the symmetric part of `V · (diag(w̄) + F ∘ (Vᵀ · V̄)) · Vᵀ`. Equal
    /// eigenvalues have no vectors of their own, and no derivative of them.
    package static let symmetricEigen: Primitive = Primitive(
        id: 5_010, name: "symmetricEigen",
        .unary(
            rule: { type, _ throws(TensorError) in
                try type.requireSquareMatrices(in: "symmetricEigen")
                return try PackedResults(symmetricEigenOf: type).type(type.dtype)
            },
            kernel: { operand, _, type throws(TensorError) in
                let packed = try operand.contiguous()
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                let parts = try unsafe PackedResults(symmetricEigenOf: packed.type).addresses(in: result)
                // Safe: the operand is contiguous, and each part has its place in the result.
                try unsafe mw_symmetric_eigen(
                    type.dtype.kernel, packed.shape.batch.elementCount, packed.type.rowCount, parts[0], parts[1],
                    packed.firstByte
                ).check("symmetricEigen", packed.type)
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: .result) { cotangent, step throws(TensorError) in
                let parts = try PackedResults(symmetricEigenOf: step.operand.type)
                let (results, cotangents) = (try parts.views(of: step.result), try parts.views(of: cotangent))
                let (values, vectors) = (results[0], results[1])
                let isDiagonal = try AnyTensor.eye(vectors.type.rowCount, vectors.type.rowCount, dtype: .bool)
                let differences = try values.expandingDimensions(at: -2) - values.expandingDimensions(at: -1)
                let gaps = try AnyTensor.select(isDiagonal, .scalar(1, dtype: values.dtype), differences)
                let turned = try vectors.transposed().matmul(cotangents[1]) / gaps
                let middle = try AnyTensor.select(isDiagonal, cotangents[0].expandingDimensions(at: -2), turned)
                let whole = try vectors.matmul(middle).matmul(vectors.transposed())
                return try (whole + whole.transposed()) * 0.5
            }
        ]))

    /// The eigenvalues alone, in a third of the time. `Ā = V · diag(w̄) · Vᵀ`.
    package static let symmetricEigenvalues: Primitive = Primitive(
        id: 5_011, name: "symmetricEigenvalues",
        .unary(
            rule: { type, _ throws(TensorError) in
                try type.requireSquareMatrices(in: "symmetricEigenvalues")
                return try type.replacingMatrices(with: type.rowCount)
            },
            kernel: { operand, _, type throws(TensorError) in
                let packed = try operand.contiguous()
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                // Safe: the operand is contiguous, and the result has a row for each matrix.
                try unsafe mw_symmetric_eigen(
                    type.dtype.kernel, packed.shape.batch.elementCount, packed.type.rowCount, result.firstByte, nil,
                    packed.firstByte
                ).check("symmetricEigenvalues", packed.type)
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                let vectors = try step.operands[0].symmetricEigen().vectors
                return try (vectors * cotangent.expandingDimensions(at: -2)).matmul(vectors.transposed())
            }
        ]))
}

extension PackedResults {
    fileprivate init(symmetricEigenOf type: TensorType) throws(TensorError) {
        shapes = [
            try type.replacingMatrices(with: type.rowCount).shape,
            try type.replacingMatrices(with: type.rowCount, type.rowCount).shape,
        ]
    }
}

extension AnyTensor {
    /// The eigenvalues of each symmetric matrix in the last two axes, `[…, n, n]`, in ascending order, `[…, n]`, and
    /// its eigenvectors as the columns of an orthogonal matrix, `[…, n, n]`. Only the lower triangle is read. The sign
    /// of a vector is not defined.
    ///
    /// - Throws: ``TensorError/Code/notConverged`` with the first matrix that holds a NaN or an infinity,
    ///   ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` unless float32 or float64.
    public consuming func symmetricEigen() throws(TensorError) -> (values: AnyTensor, vectors: AnyTensor) {
        try type.requireSquareMatrices(in: "symmetricEigen")
        let results = try PackedResults(symmetricEigenOf: type)
        let views = try results.views(of: Primitive.symmetricEigen.apply(&self))
        return (views[0], views[1])
    }

    /// The eigenvalues of each symmetric matrix in the last two axes, `[…, n, n]`, in ascending order: `[…, n]`. Only
    /// the lower triangle is read.
    ///
    /// - Throws: as ``symmetricEigen()``.
    public consuming func symmetricEigenvalues() throws(TensorError) -> AnyTensor {
        try Primitive.symmetricEigenvalues.apply(&self)
    }
}

extension Tensor where Scalar: LinearAlgebraScalar {
    /// The eigenvalues of each symmetric matrix in the last two axes, `[…, n, n]`, in ascending order, and its
    /// eigenvectors as the columns of an orthogonal matrix. Only the lower triangle is read. Traps for a NaN or an
    /// infinity.
    public consuming func symmetricEigen() -> (values: Tensor, vectors: Tensor) {
        let result = trapping { () throws(TensorError) in try self.core.take().symmetricEigen() }
        return (Tensor(known: result.values), Tensor(known: result.vectors))
    }

    /// The eigenvalues of each symmetric matrix in the last two axes, `[…, n, n]`, in ascending order: `[…, n]`.
    public consuming func symmetricEigenvalues() -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().symmetricEigenvalues() }
    }
}
