import MeshWire
import Tensor

extension Segment {
    /// The tensor's elements, row-major, without a copy: the segment keeps them where they are.
    init(_ tensor: AnyTensor) {
        let (bytes, owner) = unsafe tensor.retainedBytes()
        // The owner keeps the bytes valid and constant while the segment holds it.
        unsafe self.init(unsafeBytes: bytes, owner: owner)
    }

    /// The bytes as a float32 tensor with one axis, without a copy where they are aligned.
    ///
    /// - Throws: ``/Tensor/TensorError`` if they are no whole number of elements.
    func floats() throws(TensorError) -> AnyTensor { try elements(.float32) }

    /// The bytes as floats of a type, as a float32 tensor with one axis.
    ///
    /// - Throws: ``/Tensor/TensorError`` if they are no whole number of elements.
    func floats(from dtype: DType) throws(TensorError) -> AnyTensor { try elements(dtype).cast(to: .float32) }

    /// The bytes as a uint64 tensor with one axis, without a copy where they are aligned: keys of rows.
    ///
    /// - Throws: ``/Tensor/TensorError`` if they are no whole number of elements.
    func keys() throws(TensorError) -> AnyTensor { try elements(.uint64) }

    /// The bytes as a uint8 tensor with one axis, without a copy.
    ///
    /// - Throws: ``/Tensor/TensorError`` for lack of memory.
    func bytes() throws(TensorError) -> AnyTensor { try elements(.uint8) }

    private func elements(_ dtype: DType) throws(TensorError) -> AnyTensor {
        guard count.isMultiple(of: dtype.byteWidth) else {
            throw TensorError(.shapeMismatch, "\(count) bytes are no whole number of \(dtype)")
        }
        let (bytes, owner) = unsafe retained
        let shape = try Shape([count / dtype.byteWidth])
        // A segment is never written, and its owner keeps the bytes valid.
        return unsafe try AnyTensor.adopting(bytes, owner: owner, shape: shape, dtype: dtype)
    }
}

extension [Segment] {
    /// The keys of an entry of a request, whose lists of keys these are: one an entry, or none at all; `nil` where it
    /// names no rows.
    func ofEntry(_ index: Int) -> Segment? { isEmpty || self[index].count == 0 ? nil : self[index] }
}
