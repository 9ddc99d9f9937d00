import CTensorKernels

extension Primitive {
    /// The determinant `d`. `Ā = d̄ · d · A⁻ᵀ`, which a singular matrix lacks.
    package static let determinant: Primitive = Primitive(
        id: 5_005, name: "determinant",
        .unary(
            rule: { type, _ throws(TensorError) in
                try type.requireSquareMatrices(in: "determinant")
                return try type.replacingMatrices()
            },
            kernel: { operand, _, type throws(TensorError) in
                let packed = try operand.contiguous()
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                // Safe: the operand is contiguous, and the result has an element for each matrix.
                try unsafe mw_determinant(
                    type.dtype.kernel, type.shape.elementCount, packed.type.rowCount, result.firstByte,
                    packed.firstByte
                ).check("determinant", packed.type)
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: [.first, .result]) { cotangent, step throws(TensorError) in
                try (cotangent * step.result).asMatrices() * step.operands[0].inverse().transposed()
            }
        ]))

    /// The sign of the determinant, and the logarithm `l` of its absolute value behind it: `[2, …]`. `Ā = l̄ · A⁻ᵀ`.
    package static let signAndLogDeterminant: Primitive = Primitive(
        id: 5_006, name: "signAndLogDeterminant",
        .unary(
            rule: { type, _ throws(TensorError) in
                try type.requireSquareMatrices(in: "signAndLogDeterminant")
                return TensorType(type.dtype, try Shape([2] + type.shape.batch))
            },
            kernel: { operand, _, type throws(TensorError) in
                let packed = try operand.contiguous()
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                let batch = packed.shape.batch
                let parts = unsafe PackedResults(shapes: [batch, batch]).addresses(in: result)
                // Safe: the operand is contiguous, and either part has an element for each matrix.
                try unsafe mw_sign_and_log_determinant(
                    type.dtype.kernel, batch.elementCount, packed.type.rowCount, parts[0], parts[1],
                    packed.firstByte
                ).check("signAndLogDeterminant", packed.type)
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try cotangent.element(1).asMatrices() * step.operands[0].inverse().transposed()
            }
        ]))
}

extension AnyTensor {
    /// The determinant of each matrix in the last two axes: `[…, n, n]` to `[…]`; 1 of a matrix without elements. Its
    /// derivative throws ``TensorError/Code/singularMatrix`` for a singular matrix.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` unless float32 or float64.
    public consuming func determinant() throws(TensorError) -> AnyTensor {
        try Primitive.determinant.apply(&self)
    }

    /// The sign of each determinant (−1, 0 or 1) and the logarithm of its absolute value (−infinity of 0), for
    /// determinants that no float can hold: `[…, n, n]` to `[…]` each.
    ///
    /// - Throws: as ``determinant()``.
    public consuming func signAndLogDeterminant() throws(TensorError) -> (
        sign: AnyTensor, logarithm: AnyTensor
    ) {
        let packed = try Primitive.signAndLogDeterminant.apply(&self)
        return (try packed.element(0), try packed.element(1))
    }
}

extension Tensor where Scalar: LinearAlgebraScalar {
    /// The determinant of each matrix in the last two axes: `[…, n, n]` to `[…]`; 1 of a matrix without elements.
    public consuming func determinant() -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().determinant() }
    }

    /// The sign of each determinant (−1, 0 or 1) and the logarithm of its absolute value (−infinity of 0), for
    /// determinants that no float can hold: `[…, n, n]` to `[…]` each.
    public consuming func signAndLogDeterminant() -> (sign: Tensor, logarithm: Tensor) {
        let (sign, logarithm) = trapping { () throws(TensorError) in try self.core.take().signAndLogDeterminant() }
        return (Tensor(known: sign), Tensor(known: logarithm))
    }
}
