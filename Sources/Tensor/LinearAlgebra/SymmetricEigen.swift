import CTensorKernels

extension Primitive {
    /// `A = V · diag(w) · Vᵀ` of a symmetric matrix: w and V in one result.
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
        derivative: .derivativePending)

    /// The eigenvalues alone, in a third of the time.
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
        derivative: .derivativePending)
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
