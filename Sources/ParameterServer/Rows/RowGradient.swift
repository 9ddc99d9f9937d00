package import Tensor

/// The gradient of some rows of a partition: keys, each once and in ascending order, and the rows of the gradient.
package struct RowGradient: Sendable {
    /// uint64 `[rows]`.
    package var keys: AnyTensor
    /// float32 `[rows × width]`.
    package var values: AnyTensor

    package init(keys: AnyTensor, values: AnyTensor) {
        self.keys = keys
        self.values = values
    }

    package var rowCount: Int { keys.elementCount }
    package var byteCount: Int { keys.byteCount + values.byteCount }
}

extension AnyTensor {
    /// Calls `body` with the keys of a uint64 tensor.
    @safe func withKeys<R, E>(_ body: (UnsafeBufferPointer<UInt64>) throws(E) -> R) throws(E) -> R {
        precondition(dtype == .uint64)
        return try withBytes { (bytes) throws(E) in
            // Safe: storage is aligned for its element type.
            try unsafe body(bytes.assumingMemoryBound(to: UInt64.self))
        }
    }
}
