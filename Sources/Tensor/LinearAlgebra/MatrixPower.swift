extension AnyTensor {
    /// Each square matrix in the last two axes, `[…, n, n]`, multiplied with itself `exponent` times, by repeated
    /// squaring: the identity for 0, a power of the inverse for a negative exponent.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` for bools; for a negative
    ///   exponent, as ``inverse()``.
    public consuming func matrixPower(_ exponent: Int) throws(TensorError) -> AnyTensor {
        let type = self.type
        guard type.shape.rank >= 2, type.rowCount == type.columnCount else {
            throw TensorError(.shapeMismatch, "matrixPower: \(type.shape) is not […, n, n]")
        }
        if exponent == 0 {
            return try AnyTensor.identityMatrix(type.rowCount, dtype: type.dtype).broadcast(to: type.shape)
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

    /// The identity of a numeric type. A row that is one element longer than the matrix is wide, repeated and cut off,
    /// has its 1 on the diagonal.
    static func identityMatrix(_ count: Int, dtype: DType) throws(TensorError) -> AnyTensor {
        let row = try AnyTensor.concatenate([.one(dtype), .zeros(Shape([count]), dtype: dtype)])
        let rows = try row.broadcast(to: Shape([count, count + 1])).reshaped(to: Shape([count * (count + 1)]))
        return try rows.sliced(axis: 0, 0..<count * count).reshaped(to: Shape([count, count]))
    }

    /// The 1 of a numeric type, as a vector.
    private static func one(_ dtype: DType) throws(TensorError) -> AnyTensor {
        switch dtype {
        case .float64: try full([1], 1 as Double)
        case .float32: try full([1], 1 as Float)
        case .bfloat16: try full([1], BFloat16(1 as Double))
        case .float16: try AnyTensor([0x3c00 as UInt16], shape: [1]).viewed(as: .float16)
        case .int8: try full([1], 1 as Int8)
        case .int16: try full([1], 1 as Int16)
        case .int32: try full([1], 1 as Int32)
        case .int64: try full([1], 1 as Int64)
        case .uint8: try full([1], 1 as UInt8)
        case .uint16: try full([1], 1 as UInt16)
        case .uint32: try full([1], 1 as UInt32)
        case .uint64: try full([1], 1 as UInt64)
        case .bool: throw TensorError(.dtypeMismatch, "matrixPower: not defined for bool")
        }
    }

    /// The same bits as another type of the same width.
    private consuming func viewed(as dtype: DType) throws(TensorError) -> AnyTensor {
        let shape = self.shape
        let result = withBytes { bytes in
            // Safe: the initializer copies the bytes before the closure returns.
            Result { () throws(TensorError) in unsafe try AnyTensor(copying: bytes, shape: shape, dtype: dtype) }
        }
        return try result.get()
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// Each square matrix in the last two axes, `[…, n, n]`, multiplied with itself `exponent` times: the identity for
    /// 0, a power of the inverse for a negative exponent, which `Float` and `Double` have.
    public consuming func matrixPower(_ exponent: Int) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().matrixPower(exponent) }
    }
}
