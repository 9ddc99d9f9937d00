// How files take a tensor's elements and give them: without a second copy of a whole tensor.

extension AnyTensor {
    /// The most bytes that are packed at once: small beside a tensor worth streaming, large beside a system call.
    package static let pieceByteCount = 4 << 20

    /// Calls `body` with the elements in row-major order, contiguous, a piece at a time: a contiguous tensor is one
    /// piece, another is packed some megabytes at once. Each piece is valid during the call alone.
    ///
    /// - Throws: ``TensorError/Code/valuesUnknown`` for an abstract tensor, ``TensorError/Code/outOfMemory``, and what
    ///   `body` throws.
    @safe package func forEachPiece(
        ofAtMost limit: Int = AnyTensor.pieceByteCount,
        _ body: (UnsafeRawBufferPointer) throws(TensorError) -> Void
    ) throws(TensorError) {
        if isAbstract || isContiguous || byteCount <= limit {
            let packed = try contiguous()
            return try packed.withBytes { bytes throws(TensorError) in unsafe try body(bytes) }
        }
        // More than `limit` bytes: an axis of more than one element is there, and none is empty.
        let axis = shape.firstIndex { $0 > 1 } ?? 0
        let rowByteCount = byteCount / shape[axis]
        let rows = Swift.max(1, limit / rowByteCount)
        for start in Swift.stride(from: 0, to: shape[axis], by: rows) {
            var bounds = SliceBounds(whole: shape)
            try bounds.narrow(axis: axis, to: start..<Swift.min(start + rows, shape[axis]), step: 1, in: "write")
            let (part, offset) = layout.sliced(bounds)
            let rows = AnyTensor(
                storage!, byteOffset: byteOffset + offset * dtype.byteWidth, layout: part, dtype: dtype)
            try rows.forEachPiece(ofAtMost: limit) { bytes throws(TensorError) in unsafe try body(bytes) }
        }
    }

    /// A tensor whose row-major elements `fill` writes, all of them: for bytes that are decoded and not copied.
    ///
    /// - Throws: ``TensorError/Code/outOfMemory``, ``TensorError/Code/dtypeMismatch`` for a bool that is neither 0 nor
    ///   1, and what `fill` throws.
    @safe package static func filling(
        _ shape: Shape, dtype: DType, _ fill: (UnsafeMutableRawBufferPointer) throws(TensorError) -> Void
    ) throws(TensorError) -> AnyTensor {
        let tensor = try AnyTensor(uninitialized: shape, dtype: dtype)
        // Safe: the storage is new, is this function's alone, and holds exactly these bytes.
        let bytes = unsafe UnsafeMutableRawBufferPointer(start: tensor.firstByte, count: tensor.byteCount)
        unsafe try fill(bytes)
        unsafe try check(UnsafeRawBufferPointer(bytes), shape: shape, dtype: dtype)
        return tensor
    }
}
