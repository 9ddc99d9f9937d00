/// The elements `start`, `start + step`, … of each axis, as many as the shape says. Steps may be negative, not 0.
package struct SliceBounds: Sendable {
    package private(set) var start: AxisValues
    package private(set) var step: AxisValues
    /// The shape of the slice.
    package private(set) var shape: Shape

    /// Every element of a tensor of this shape.
    package init(whole shape: Shape) {
        start = AxisValues(repeating: 0)
        step = AxisValues(repeating: 1)
        self.shape = shape
    }

    /// Narrows an axis to `range`, walked from its front with a positive `step` and from its back with a negative one.
    package mutating func narrow(axis: Int, to range: Range<Int>, step: Int, in operation: StaticString)
        throws(TensorError)
    {
        let dimension = shape.dimensions[axis]
        guard range.lowerBound >= 0, range.upperBound <= dimension else {
            throw TensorError(
                .indexOutOfRange, "\(operation): \(range) on axis \(axis) of length \(dimension) in \(shape)")
        }
        guard step != 0, step != Int.min else {
            throw TensorError(.indexOutOfRange, "\(operation): a step of \(step) on axis \(axis)")
        }
        // Not (count + |step| - 1) / |step|, which overflows for a huge step.
        let count = range.isEmpty ? 0 : (range.count - 1) / abs(step) + 1
        start[axis] = step > 0 || range.isEmpty ? range.lowerBound : range.upperBound - 1
        self.step[axis] = step
        shape = try shape.replacing(axis: axis, with: count)
    }
}

extension Layout {
    /// The elements that `bounds` names, and how far the first of them lies from this layout's first.
    package func sliced(_ bounds: SliceBounds) -> (layout: Layout, offset: Int) {
        var sliced = strides
        var offset = 0
        for axis in 0..<rank {
            // A slice of no or one element never steps; its stride must not overflow for a huge step.
            sliced[axis] = bounds.shape.dimensions[axis] > 1 ? strides[axis] &* bounds.step[axis] : 1
            offset &+= bounds.start[axis] &* strides[axis]
        }
        return (Layout(shape: bounds.shape, strides: sliced), bounds.shape.elementCount == 0 ? 0 : offset)
    }
}
