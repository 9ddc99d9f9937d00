import CTensorKernels

extension AnyTensor {
    /// A tensor of `shape` whose elements all equal a number, in an element type that is known at run time.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` where an integer type cannot hold the number (a fraction, NaN, or out
    ///   of its range), ``TensorError/Code/outOfMemory``.
    public static func full(_ shape: Shape, number: Double, dtype: DType) throws(TensorError) -> AnyTensor {
        switch dtype {
        case .float64: try full(shape, number)
        case .float32: try full(shape, Float(number))
        case .float16: try full(shape, Float16(number))
        case .bfloat16: try full(shape, BFloat16(number))
        case .int64: try full(shape, Int64.holding(number))
        case .int32: try full(shape, Int32.holding(number))
        case .int16: try full(shape, Int16.holding(number))
        case .int8: try full(shape, Int8.holding(number))
        case .uint64: try full(shape, UInt64.holding(number))
        case .uint32: try full(shape, UInt32.holding(number))
        case .uint16: try full(shape, UInt16.holding(number))
        case .uint8: try full(shape, UInt8.holding(number))
        case .bool: try full(shape, number != 0)
        }
    }

    /// A tensor of `shape` whose elements are 1, or true.
    ///
    /// - Throws: ``TensorError/Code/outOfMemory``.
    public static func ones(_ shape: Shape, dtype: DType = .float32) throws(TensorError) -> AnyTensor {
        try full(shape, number: 1, dtype: dtype)
    }

    /// Rows of one length as a matrix.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for rows of different lengths, ``TensorError/Code/outOfMemory``.
    public init<Scalar: TensorScalar>(rows: [[Scalar]]) throws(TensorError) {
        let length = rows.first?.count ?? 0
        if let wrong = rows.firstIndex(where: { $0.count != length }) {
            throw TensorError(
                .shapeMismatch, "rows: row \(wrong) has \(rows[wrong].count) elements, the first has \(length)")
        }
        try self.init(Array(rows.joined()), shape: Shape([rows.count, length]))
    }

    /// Matrices of one shape, each as rows, as a tensor of three axes.
    ///
    /// - Throws: as ``init(rows:)``.
    public init<Scalar: TensorScalar>(matrices: [[[Scalar]]]) throws(TensorError) {
        let length = matrices.first?.count ?? 0
        if let wrong = matrices.firstIndex(where: { $0.count != length }) {
            throw TensorError(
                .shapeMismatch, "matrices: matrix \(wrong) has \(matrices[wrong].count) rows, the first has \(length)")
        }
        let rows = try AnyTensor(rows: Array(matrices.joined()))
        self = try rows.reshaped(to: Shape([matrices.count, length, rows.shape[1]]))
    }
}

extension FixedWidthInteger {
    /// The integer that equals `number`.
    fileprivate static func holding(_ number: Double) throws(TensorError) -> Self {
        guard let value = Self(exactly: number) else {
            throw TensorError(.dtypeMismatch, "full: \(number) is no value of \(Self.self)")
        }
        return value
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// A tensor of `shape` whose elements are 1.
    public static func ones(_ shape: Shape) -> Tensor {
        Tensor { () throws(TensorError) in try .ones(shape, dtype: Scalar.dtype) }
    }
}

extension Tensor {
    /// Rows of one length as a matrix; traps for rows of different lengths.
    public init(rows: [[Scalar]]) {
        self.init { () throws(TensorError) in try AnyTensor(rows: rows) }
    }

    /// Matrices of one shape, each as rows, as a tensor of three axes; traps for different shapes.
    public init(matrices: [[[Scalar]]]) {
        self.init { () throws(TensorError) in try AnyTensor(matrices: matrices) }
    }
}
