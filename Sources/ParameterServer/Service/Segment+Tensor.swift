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
    func floats() throws(TensorError) -> AnyTensor {
        let width = DType.float32.byteWidth
        guard count.isMultiple(of: width) else {
            throw TensorError(.shapeMismatch, "\(count) bytes are no whole number of float32")
        }
        let (bytes, owner) = unsafe retained
        // A segment is never written, and its owner keeps the bytes valid.
        return unsafe try AnyTensor.adopting(bytes, owner: owner, shape: try Shape([count / width]), dtype: .float32)
    }
}
