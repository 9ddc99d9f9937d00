import CTensorKernels

// The ways in and out of a tensor's bytes, which are little-endian and row-major as in every file and message.

extension AnyTensor {
    /// Copies `bytes` as the row-major elements of a tensor.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless there are as many bytes as the shape and the type need,
    ///   ``TensorError/Code/dtypeMismatch`` for a bool that is neither 0 nor 1, ``TensorError/Code/outOfMemory``.
    public init(copying bytes: UnsafeRawBufferPointer, shape: Shape, dtype: DType) throws(TensorError) {
        unsafe try Self.check(bytes, shape: shape, dtype: dtype)
        self = try AnyTensor(uninitialized: shape, dtype: dtype)
        if let source = bytes.baseAddress {
            // Safe: both sides hold `bytes.count` bytes, and the destination is new.
            unsafe storage!.base.copyMemory(from: source, byteCount: bytes.count)
        }
    }

    /// Copies `bytes` as the row-major elements of a tensor.
    ///
    /// - Throws: as the initializer that takes a buffer pointer.
    public init(copying bytes: RawSpan, shape: Shape, dtype: DType) throws(TensorError) {
        let result = unsafe bytes.withUnsafeBytes { bytes in
            // Safe: the bytes are copied inside the closure.
            Result { () throws(TensorError) in
                unsafe try AnyTensor(copying: bytes, shape: shape, dtype: dtype)
            }
        }
        self = try result.get()
    }

    /// Shows bytes that `owner` keeps valid and constant, as the row-major elements of a tensor.
    ///
    /// Nothing is copied when the bytes are aligned for the element type, else they are. The bytes are never written:
    /// a mutation of the tensor copies first.
    ///
    /// - Throws: as ``init(copying:shape:dtype:)``.
    public static func adopting(
        _ bytes: UnsafeRawBufferPointer, owner: any Sendable & AnyObject, shape: Shape, dtype: DType
    ) throws(TensorError) -> AnyTensor {
        unsafe try check(bytes, shape: shape, dtype: dtype)
        guard Int(bitPattern: bytes.baseAddress) % dtype.byteWidth == 0 else {
            return unsafe try AnyTensor(copying: bytes, shape: shape, dtype: dtype)
        }
        let storage = unsafe Storage(adopting: bytes, owner: owner)
        return AnyTensor(storage, layout: Layout(contiguous: shape), dtype: dtype)
    }

    /// Calls `body` with the elements, contiguous and row-major; a view that is not gets packed into a copy first.
    ///
    /// Traps for an abstract tensor, which has no values.
    @safe public func withBytes<R, E>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        let packed = trapping { () throws(TensorError) in try contiguous() }
        defer { extendLifetime(packed) }
        // Safe: a contiguous tensor's bytes lie in its storage, which lives until this function returns.
        return try unsafe body(UnsafeRawBufferPointer(start: packed.firstByte, count: byteCount))
    }

    /// Calls `body` with the elements, contiguous, row-major and writable; what other tensors see does not change.
    ///
    /// Copies first unless this value is the only one that refers to its storage and fills all of it. Traps for an
    /// abstract tensor, and for one that a tape tracks: a write would lose its gradient without a word.
    @safe public mutating func withMutableBytes<R, E>(
        _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        trapping { () throws(TensorError) in try makeWritable() }
        let storage = storage!
        // Safe: `makeWritable` made this value the only one that can reach these bytes.
        return try unsafe body(UnsafeMutableRawBufferPointer(start: storage.base, count: byteCount))
    }

    /// The elements, contiguous and row-major, and an object that keeps them valid and constant while it lives: for a
    /// message that is sent after this call.
    ///
    /// Traps for an abstract tensor.
    public func retainedBytes() -> (bytes: UnsafeRawBufferPointer, owner: any Sendable & AnyObject) {
        let packed = trapping { () throws(TensorError) in try contiguous() }
        // Safe: whoever receives the pointer also receives the storage that it points into. As long as they keep it,
        // no tensor is its only holder, so none writes to it.
        return unsafe (UnsafeRawBufferPointer(start: packed.firstByte, count: byteCount), packed.storage!)
    }

    /// The elements in row-major order.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` when they are of another type,
    ///   ``TensorError/Code/valuesUnknown`` for an abstract tensor.
    public func scalars<Scalar: TensorScalar>(as type: Scalar.Type = Scalar.self) throws(TensorError) -> [Scalar] {
        guard Scalar.dtype == dtype else {
            throw TensorError(.dtypeMismatch, "scalars: expected \(Scalar.dtype), found \(self.type)")
        }
        let packed = try contiguous()
        return packed.withBytes { bytes in
            // Safe: storage is aligned for its element type, and bools were checked where they came in.
            unsafe Array(bytes.assumingMemoryBound(to: Scalar.self))
        }
    }

    /// The index, in row-major order, of the first NaN or infinity, or nil when there is none. Integers and bools have
    /// none.
    ///
    /// - Throws: ``TensorError/Code/valuesUnknown`` for an abstract tensor.
    public func firstNonFinite() throws(TensorError) -> Int? {
        guard dtype.isFloatingPoint else { return nil }
        let packed = try contiguous()
        let index = packed.withBytes { bytes in
            // Safe: as many elements of the type as the tensor has.
            unsafe mw_active_kernels().pointee.scan.first_non_finite(
                dtype.kernel, bytes.baseAddress!, packed.elementCount)
        }
        return index < 0 ? nil : index
    }
}

extension AnyTensor {
    /// Where the first element lies.
    var firstByte: UnsafeMutableRawPointer {
        // Safe: every layout stays within its storage.
        unsafe storage!.base + byteOffset
    }

    /// The same elements, contiguous and row-major: this value, or a packed copy of a view. The copy is no longer
    /// carried by a trace; ``Primitive/reshape`` is the operation that a trace sees.
    ///
    /// - Throws: ``TensorError/Code/valuesUnknown`` for an abstract tensor, ``TensorError/Code/outOfMemory``.
    package func contiguous() throws(TensorError) -> AnyTensor {
        guard storage != nil else {
            throw TensorError(.valuesUnknown, "an abstract tensor (\(type)) has no values")
        }
        if layout.isContiguous { return self }
        let packed = try AnyTensor(uninitialized: shape, dtype: dtype)
        // Safe: the copy is new and has the layout that is passed.
        unsafe copyElements(to: packed.firstByte, layout: packed.layout)
        return packed
    }

    /// The same elements, contiguous, in storage of their own.
    func contiguousCopy() throws(TensorError) -> AnyTensor {
        guard trace == nil, storage != nil else { return self }
        let copy = try AnyTensor(uninitialized: shape, dtype: dtype)
        // Safe: the copy is new and has the layout that is passed.
        unsafe copyElements(to: copy.firstByte, layout: copy.layout)
        return copy
    }

    /// Copies the elements into memory that is laid out in another way, for elements of the same type and shape.
    func copyElements(to destination: UnsafeMutableRawPointer, layout target: Layout) {
        target.shape.dimensions.withPointer { shape in
            target.strides.withPointer { targetStrides in
                layout.strides.withPointer { strides in
                    // Safe: both layouts stay within their storage, and the destination is not this storage.
                    unsafe mw_copy(
                        dtype.byteWidth, target.rank, shape, destination, targetStrides, firstByte, strides)
                }
            }
        }
    }

    /// Makes this value the only one that refers to its storage, contiguous, filling all of it.
    package mutating func makeWritable() throws(TensorError) {
        if trace != nil, !isAbstract {
            fatalError("the bytes of a tensor that a tape tracks cannot be written: take withoutTrace() of it first")
        }
        if ownsStorage(), layout.isContiguous { return }
        guard storage != nil else {
            throw TensorError(.valuesUnknown, "an abstract tensor (\(type)) has no values")
        }
        let copy = try AnyTensor(uninitialized: shape, dtype: dtype)
        // Safe: the copy is new and has the layout that is passed.
        unsafe copyElements(to: copy.firstByte, layout: copy.layout)
        self = copy
    }

    /// Throws unless `bytes` are a row-major tensor of this shape and type.
    static func check(
        _ bytes: UnsafeRawBufferPointer, shape: Shape, dtype: DType
    ) throws(TensorError) {
        let expected = shape.elementCount &* dtype.byteWidth
        guard bytes.count == expected else {
            throw TensorError(
                .shapeMismatch, "\(dtype)\(shape) takes \(expected) bytes, not \(bytes.count)")
        }
        guard dtype == .bool, let index = unsafe bytes.firstIndex(where: { $0 > 1 }) else { return }
        let byte = unsafe bytes[index]
        throw TensorError(.dtypeMismatch, "element \(index) of \(dtype)\(shape) is the byte \(byte), not 0 or 1")
    }
}
