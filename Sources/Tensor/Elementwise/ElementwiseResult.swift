/// Where an elementwise kernel writes, and the order in which it walks the axes.
///
/// The C kernels write a contiguous row-major result and take free signed strides for what they read. When an operand
/// that is dense in another axis order (a transposed matrix) gives its storage to the result, the axes are walked in
/// that order, in which its elements are contiguous. The kernels collapse neighbouring axes themselves, and have loops of
/// their own for contiguous, inner-contiguous and strided operands.
struct ElementwiseResult {
    /// The result; its elements are still those of the operand that gave its storage, or undefined.
    let tensor: AnyTensor
    /// The axis of the result that is walked at each depth, outermost first; nil for their own order.
    private let order: AxisValues?
    /// The dimensions in walking order.
    private let dimensions: AxisValues
    /// The strides, in walking order, of what has been reused: the contiguous ones.
    private let contiguousStrides: AxisValues

    var rank: Int { tensor.rank }

    /// A result in new storage.
    init(new type: TensorType) throws(TensorError) {
        tensor = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
        order = nil
        dimensions = type.shape.dimensions
        contiguousStrides = tensor.layout.strides
    }

    /// A result in the storage of `operand`, for which ``AnyTensor/isReusable(for:)`` holds.
    init(reusing operand: inout AnyTensor, as type: TensorType) {
        let storage = operand.storage!
        tensor = AnyTensor(
            storage, byteOffset: operand.byteOffset, layout: operand.layout, dtype: type.dtype)
        if operand.layout.isContiguous {
            order = nil
            dimensions = type.shape.dimensions
            contiguousStrides = Layout(contiguous: type.shape).strides
        } else {
            let order = operand.layout.axesByDescendingStride
            let walked = operand.layout.permuted(order)
            self.order = order
            dimensions = walked.shape.dimensions
            contiguousStrides = Layout(contiguous: walked.shape).strides
        }
    }

    /// Calls `body` with the dimensions, and with the strides of an operand that broadcasts to the result.
    @safe func withStrides(
        of operand: AnyTensor, _ body: (_ shape: UnsafePointer<Int>, _ strides: UnsafePointer<Int>) -> Void
    ) {
        let strides = walkedStrides(of: operand)
        dimensions.withPointer { shape in
            strides.withPointer { strides in unsafe body(shape, strides) }
        }
    }

    /// The strides of an operand that broadcasts to the result, in walking order.
    func walkedStrides(of operand: AnyTensor) -> AxisValues {
        if let storage = operand.storage, storage === tensor.storage { return contiguousStrides }
        guard let order else { return operand.layout.strides(broadcastTo: tensor.layout.shape) }
        return operand.layout.broadcast(to: tensor.shape).permuted(order).strides
    }
}

extension Layout {
    /// The axes from the one with the largest stride to the one with the smallest; equal strides keep their order.
    var axesByDescendingStride: AxisValues {
        let strides = strides
        var order = AxisValues(repeating: 0)
        for axis in 0..<rank {
            var place = axis
            while place > 0, strides[order[place - 1]] < strides[axis] {
                order[place] = order[place - 1]
                place -= 1
            }
            order[place] = axis
        }
        return order
    }
}
