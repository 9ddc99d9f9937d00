import CTensorKernels

extension Primitive {
    /// `X` with `T · X = B`, T a triangle of A. `B̄ = T⁻ᵀ · X̄`, and `Ā` is that triangle of `−B̄ · Xᵀ`.
    package static let triangularSolve: Primitive = Primitive(
        id: 5_002, name: "triangularSolve",
        .binary(
            rule: { left, right, _ throws(TensorError) in try solutionType(left, right, in: "triangularSolve") },
            kernel: { left, right, attributes, type throws(TensorError) in
                let options = attributes.factorization
                let (matrices, values) = try left.batched(with: right, for: type)
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                // Safe: all three hold the batch of matrices, contiguous.
                try unsafe mw_triangular_solve(
                    type.dtype.kernel, type.shape.batch.elementCount, type.rowCount, type.columnCount, options.isLower,
                    options.hasUnitDiagonal, result.firstByte, matrices.firstByte, values.firstByte
                ).check("triangularSolve", matrices.type)
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: [.first, .result]) { cotangent, step throws(TensorError) in
                let options = step.attributes.factorization
                let values = try cotangent.solvingTransposedTriangle(of: step)
                let triangle = try AnyTensor.matrix(step.operand.type.rowCount, dtype: cotangent.dtype) { row, column in
                    let isInside = options.isLower ? row > column : row < column
                    return isInside || (row == column && !options.hasUnitDiagonal) ? -1 : 0
                }
                return try (values.matmul(step.result.transposed()) * triangle).summed(toOperandOf: step)
            },
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try cotangent.solvingTransposedTriangle(of: step).summed(toOperandOf: step)
            },
        ]))

    /// The rule of solving `[…, n, n] · X = […, n, columns]`; the axes before broadcast.
    static func solutionType(
        _ left: TensorType, _ right: TensorType, in operation: StaticString
    ) throws(TensorError) -> TensorType {
        try left.requireSquareMatrices(in: operation)
        try left.requireSameType(as: right, in: operation)
        guard right.shape.rank >= 2, right.rowCount == left.rowCount else {
            throw TensorError(
                .shapeMismatch, "\(operation): \(left.shape) and \(right.shape) are not […, n, n] and […, n, columns]")
        }
        let batch = try Shape.broadcast(left.shape.batch, right.shape.batch, in: operation)
        return TensorType(left.dtype, try Shape(batch + [right.rowCount, right.columnCount]))
    }
}

extension AnyTensor {
    /// This cotangent of a triangular solution, solved with the transposed triangle.
    fileprivate func solvingTransposedTriangle(of step: ReverseStep) throws(TensorError) -> AnyTensor {
        var options = step.attributes.factorization
        options.isLower.toggle()
        return try Primitive.triangularSolve.applied(
            to: step.operands[0].transposed(), self, .factorization(options))
    }

    /// Both operands of a solution of `type`, contiguous, each with all of its batch.
    func batched(
        with other: AnyTensor, for type: TensorType
    ) throws(TensorError) -> (matrices: AnyTensor, values: AnyTensor) {
        let batch = type.shape.batch
        let count = self.type.rowCount
        let matrices = try broadcast(to: Shape(batch + [count, count])).contiguous()
        return (matrices, try other.broadcast(to: type.shape).contiguous())
    }

    /// Solves with `operation` for right sides of any shape: a vector becomes a column, and a batch of right sides for
    /// a single matrix becomes more columns, so that the matrix is factorised once.
    consuming func solving(
        for values: consuming AnyTensor, with operation: (AnyTensor, AnyTensor) throws(TensorError) -> AnyTensor
    ) throws(TensorError) -> AnyTensor {
        let shape = values.shape
        if shape.rank == 1 {
            let column = try values.reshaped(to: Shape(shape + [1]))
            let solution = try operation(self, column)
            return try solution.reshaped(to: Shape(solution.shape.dropLast()))
        }
        guard rank == 2, shape.rank > 2 else { return try operation(self, values) }
        let last = shape.rank - 1
        let toFront = [last - 1] + Array(0..<last - 1) + [last]
        let toBack = Array(1..<last) + [0, last]
        let rows = try values.transposed(toFront)
        let wide = try Shape([shape[last - 1], shape.elementCount / Swift.max(shape[last - 1], 1)])
        guard shape.elementCount > 0 else { return try operation(self, rows.transposed(toBack)) }
        let whole = rows.shape
        let solution = try operation(self, rows.reshaped(to: wide))
        // Least squares have as many rows as the matrix has columns.
        return try solution.reshaped(to: whole.replacing(axis: 0, with: solution.shape[0])).transposed(toBack)
    }

    /// `X` with `T · X = B`, where T is the lower or the upper triangle of this tensor's matrices `[…, n, n]`; the rest
    /// of them is not used, nor is the diagonal where `hasUnitDiagonal`: it counts as ones.
    ///
    /// - Parameters:
    ///   - values: B, `[…, n, columns]`, or one vector `[n]`. The axes before the last two broadcast.
    ///   - lower: Whether T is the lower triangle.
    /// - Throws: ``TensorError/Code/singularMatrix`` with the first matrix that has a 0 on its diagonal,
    ///   ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` unless both are float32 or float64.
    public consuming func triangularSolve(
        _ values: consuming AnyTensor, lower: Bool, hasUnitDiagonal: Bool = false
    ) throws(TensorError) -> AnyTensor {
        let options = FactorizationOptions(isLower: lower, hasUnitDiagonal: hasUnitDiagonal)
        return try self.solving(for: values) { matrices, values throws(TensorError) in
            try Primitive.triangularSolve.applied(to: matrices, values, .factorization(options))
        }
    }
}

extension Tensor where Scalar: LinearAlgebraScalar {
    /// `X` with `T · X = B`, where T is the lower or the upper triangle of this tensor's matrices `[…, n, n]`; B is
    /// `[…, n, columns]`, or one vector `[n]`. Where `hasUnitDiagonal`, the diagonal is not used and counts as ones.
    public consuming func triangularSolve(
        _ values: consuming Tensor, lower: Bool, hasUnitDiagonal: Bool = false
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().triangularSolve(values.core.take(), lower: lower, hasUnitDiagonal: hasUnitDiagonal)
        }
    }
}
