import CTensorKernels

extension AnyTensor {
    /// A tensor whose elements all have the bits of zero: 0, or false.
    ///
    /// - Throws: ``TensorError/Code/outOfMemory``.
    public static func zeros(_ shape: Shape, dtype: DType = .float32) throws(TensorError) -> AnyTensor {
        let tensor = try AnyTensor(uninitialized: shape, dtype: dtype)
        var zero: UInt8 = 0
        // Safe: the storage is new, and holds exactly these bytes.
        unsafe mw_fill(1, tensor.byteCount, tensor.storage!.base, &zero)
        return tensor
    }

    /// A tensor of `shape` whose elements all equal `value`.
    ///
    /// - Throws: ``TensorError/Code/outOfMemory``.
    public static func full<Scalar: TensorScalar>(
        _ shape: Shape, _ value: Scalar
    ) throws(TensorError) -> AnyTensor {
        let tensor = try AnyTensor(uninitialized: shape, dtype: Scalar.dtype)
        // Safe: the storage is new, aligned, and as large as the elements, which have the size of the value.
        unsafe withUnsafeBytes(of: value) { bytes in
            unsafe mw_fill(Scalar.dtype.byteWidth, shape.elementCount, tensor.storage!.base, bytes.baseAddress!)
        }
        return tensor
    }

    /// A tensor without axes that holds `value`.
    ///
    /// - Throws: ``TensorError/Code/outOfMemory``.
    public static func scalar<Scalar: TensorScalar>(_ value: Scalar) throws(TensorError) -> AnyTensor {
        try full(.scalar, value)
    }

    /// The elements of an array, row-major.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless there are as many as the shape holds,
    ///   ``TensorError/Code/outOfMemory``.
    public init<Scalar: TensorScalar>(_ elements: [Scalar], shape: Shape) throws(TensorError) {
        let result = unsafe elements.withUnsafeBytes { bytes in
            // Safe: the initializer copies the bytes before the array is released.
            Result { () throws(TensorError) in
                unsafe try AnyTensor(copying: bytes, shape: shape, dtype: Scalar.dtype)
            }
        }
        self = try result.get()
    }

    /// New contiguous storage with undefined values, for a kernel to fill.
    init(uninitialized shape: Shape, dtype: DType) throws(TensorError) {
        let storage = try Storage(byteCount: shape.elementCount &* dtype.byteWidth)
        self.init(storage, layout: Layout(contiguous: shape), dtype: dtype)
    }
}
