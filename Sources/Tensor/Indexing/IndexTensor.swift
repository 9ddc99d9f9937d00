import CTensorKernels

/// A Swift type whose values index a tensor: `Int32` or `Int64`.
public protocol IndexTensorScalar: IntegerTensorScalar {}

extension Int32: IndexTensorScalar {}
extension Int64: IndexTensorScalar {}

extension TensorType {
    /// Throws unless the elements can be indices.
    func requireIndices(in operation: StaticString) throws(TensorError) {
        try require(.int32, .int64, in: operation)
    }
}

extension AnyTensor {
    /// These indices as int64 counted from the front, after checking that each names one of `bound` places: they come
    /// from data. With `fromTheBack`, −1 names the last place.
    ///
    /// Axes along which they are repeated stay repeated: each value is looked at once.
    func normalizedIndices(
        below bound: Int, fromTheBack: Bool, in operation: StaticString
    ) throws(TensorError) -> AnyTensor {
        let shape = self.shape
        var bounds = SliceBounds(whole: shape)
        for axis in 0..<rank where layout.strides[axis] == 0 && shape[axis] > 1 {
            try bounds.narrow(axis: axis, to: 0..<1, step: 1, in: operation)
        }
        var distinct = self
        distinct.layout = layout.sliced(bounds).layout
        let packed = try distinct.contiguous()
        var indices = try AnyTensor(uninitialized: packed.shape, dtype: .int64)
        // Safe: the shape rule made sure of the type, and both hold as many values as there are elements.
        let wrong = unsafe mw_normalize_indices(
            packed.dtype.kernel, packed.elementCount, packed.firstByte, bound, fromTheBack, indices.elements())
        guard wrong < 0 else {
            let value =
                packed.dtype == .int32
                ? Int64(try packed.scalars(as: Int32.self)[wrong]) : try packed.scalars(as: Int64.self)[wrong]
            throw TensorError(
                .indexOutOfRange,
                "\(operation): element \(wrong) is \(value), not in \(fromTheBack ? -bound : 0)..<\(bound)")
        }
        indices.layout = indices.layout.broadcast(to: shape)
        return indices
    }

    /// These int32 values, contiguous, after checking that each names one of `bound` places: they come from data.
    func checkedIndices(below bound: Int, in operation: StaticString) throws(TensorError) -> AnyTensor {
        let packed = try contiguous()
        // Safe: the shape rule made sure of int32, and there are as many values as elements.
        let wrong = unsafe mw_first_index_out_of_range(packed.elements(), packed.elementCount, bound)
        guard wrong < 0 else {
            let value = try packed.scalars(as: Int32.self)[wrong]
            throw TensorError(.indexOutOfRange, "\(operation): element \(wrong) is \(value), not in 0..<\(bound)")
        }
        return packed
    }
}
