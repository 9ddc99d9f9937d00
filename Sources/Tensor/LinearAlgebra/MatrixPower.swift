extension AnyTensor {
    /// Each square matrix in the last two axes, `[…, n, n]`, multiplied with itself `exponent` times, by repeated
    /// squaring: the identity for 0, a power of the inverse for a negative exponent.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` for bools; for a negative
    ///   exponent, as ``inverse()``.
    public consuming func matrixPower(_ exponent: Int) throws(TensorError) -> AnyTensor {
        let type = self.type
        try type.require(.numbers, in: "matrixPower")
        guard type.shape.rank >= 2, type.rowCount == type.columnCount else {
            throw TensorError(.shapeMismatch, "matrixPower: \(type.shape) is not […, n, n]")
        }
        if exponent == 0 {
            return try AnyTensor.identity(type.rowCount, dtype: type.dtype).broadcast(to: type.shape)
        }
        var square = exponent < 0 ? try self.inverse() : self
        var rest = exponent.magnitude
        var power: AnyTensor?
        while true {
            if rest & 1 == 1 { power = try power?.matmul(square) ?? square }
            rest >>= 1
            guard rest > 0 else { return power! }
            square = try square.matmul(square)
        }
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// Each square matrix in the last two axes, `[…, n, n]`, multiplied with itself `exponent` times: the identity for
    /// 0, a power of the inverse for a negative exponent, which `Float` and `Double` have.
    public consuming func matrixPower(_ exponent: Int) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().matrixPower(exponent) }
    }
}
