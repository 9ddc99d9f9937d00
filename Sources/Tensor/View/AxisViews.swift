// Views that rename, move, reverse or cut axes; all are slices, transposes and reshapes, and none copies.

extension AnyTensor {
    /// Without the named axes, or all of them when nil, which have length 1. No copy.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for a named axis of another length or one named twice,
    ///   ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks.
    public consuming func squeezed(axes: [Int]? = nil) throws(TensorError) -> AnyTensor {
        let shape = self.shape
        var removed = AxisSet()
        if let axes {
            removed = try AxisSet(axes, rank: shape.rank, of: "squeezed")
            if let wrong = shape.indices.first(where: { removed.contains($0) && shape[$0] != 1 }) {
                throw TensorError(.shapeMismatch, "squeezed: axis \(wrong) of \(shape) has length \(shape[wrong])")
            }
        } else {
            for axis in shape.indices where shape[axis] == 1 { removed.insert(axis) }
        }
        return try self.reshaped(to: shape.reduced(over: removed, keepsDimensions: false))
    }

    /// With a new axis of length 1 that has this place in the result; −1 makes it the last. No copy.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange``, ``TensorError/Code/rankTooLarge``.
    public consuming func expandingDimensions(at axis: Int) throws(TensorError) -> AnyTensor {
        var dimensions = Array(shape)
        let position = try AxisSet.position(of: axis, rank: dimensions.count + 1, of: "expandingDimensions")
        dimensions.insert(1, at: position)
        return try self.reshaped(to: Shape(dimensions))
    }

    /// One axis moved to another place; the others keep their order. No copy.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for a place that the tensor lacks.
    public consuming func movingAxis(_ source: Int, to destination: Int) throws(TensorError) -> AnyTensor {
        let source = try AxisSet.position(of: source, rank: rank, of: "movingAxis")
        let destination = try AxisSet.position(of: destination, rank: rank, of: "movingAxis")
        var order = Array(0..<rank)
        order.insert(order.remove(at: source), at: destination)
        return try self.transposed(order)
    }

    /// Two axes exchanged. No copy.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks.
    public consuming func swappingAxes(_ first: Int, _ second: Int) throws(TensorError) -> AnyTensor {
        let first = try AxisSet.position(of: first, rank: rank, of: "swappingAxes")
        let second = try AxisSet.position(of: second, rank: rank, of: "swappingAxes")
        return try Primitive.transpose.apply(&self, .permutation(.swapping(first, second)))
    }

    /// The elements in reverse order along the named axes, or along all of them when nil. No copy.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/shapeMismatch`` for one named twice.
    public consuming func flipped(axes: [Int]? = nil) throws(TensorError) -> AnyTensor {
        let shape = self.shape
        let flipped = try AxisSet(axes ?? Array(shape.indices), rank: shape.rank, of: "flipped")
        var bounds = SliceBounds(whole: shape)
        for axis in shape.indices where flipped.contains(axis) {
            try bounds.narrow(axis: axis, to: 0..<shape[axis], step: -1, in: "flipped")
        }
        return try Primitive.slice.apply(&self, .bounds(bounds, whole: shape))
    }

    /// Consecutive parts of an axis, as long as `sizes` says. No copies.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless the sizes are not negative and add up to the axis,
    ///   ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks.
    public func split(sizes: [Int], axis: Int = 0) throws(TensorError) -> [AnyTensor] {
        let axis = try AxisSet.position(of: axis, rank: rank, of: "split")
        var remaining = shape[axis]
        for size in sizes {
            guard size >= 0, size <= remaining else {
                throw TensorError(.shapeMismatch, "split: sizes \(sizes) of axis \(axis) of \(shape)")
            }
            remaining -= size
        }
        guard remaining == 0 else {
            throw TensorError(.shapeMismatch, "split: sizes \(sizes) leave \(remaining) of axis \(axis) of \(shape)")
        }
        var parts: [AnyTensor] = []
        var start = 0
        for size in sizes {
            parts.append(try sliced(axis: axis, start..<start + size))
            start += size
        }
        return parts
    }

    /// An axis in `count` parts of lengths that differ by at most 1, the longer ones first. No copies.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless `count` is positive, and for more parts than there are places
    ///   and than 65,536; ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks.
    public func split(into count: Int, axis: Int = 0) throws(TensorError) -> [AnyTensor] {
        let axis = try AxisSet.position(of: axis, rank: rank, of: "split")
        guard count > 0, count <= Swift.max(shape[axis], 65_536) else {
            throw TensorError(.shapeMismatch, "split: axis \(axis) of \(shape) into \(count) parts")
        }
        let (size, longer) = shape[axis].quotientAndRemainder(dividingBy: count)
        return try split(sizes: (0..<count).map { $0 < longer ? size + 1 : size }, axis: axis)
    }

    /// Consecutive parts of `size` places of an axis; the last may be shorter. No copies.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless `size` is positive,
    ///   ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks.
    public func chunks(of size: Int, axis: Int = 0) throws(TensorError) -> [AnyTensor] {
        let axis = try AxisSet.position(of: axis, rank: rank, of: "chunks")
        guard size > 0 else {
            throw TensorError(.shapeMismatch, "chunks: of \(size) along axis \(axis) of \(shape)")
        }
        let length = shape[axis]
        let starts = Array(Swift.stride(from: 0, to: length, by: size))
        return try split(sizes: starts.map { Swift.min(size, length - $0) }, axis: axis)
    }
}

extension Tensor {
    /// Without the named axes, or all of them when nil, which have length 1. No copy.
    public consuming func squeezed(axes: [Int]? = nil) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().squeezed(axes: axes) }
    }

    /// With a new axis of length 1 that has this place in the result; −1 makes it the last. No copy.
    public consuming func expandingDimensions(at axis: Int) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().expandingDimensions(at: axis) }
    }

    /// One axis moved to another place; the others keep their order. No copy.
    public consuming func movingAxis(_ source: Int, to destination: Int) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().movingAxis(source, to: destination) }
    }

    /// Two axes exchanged. No copy.
    public consuming func swappingAxes(_ first: Int, _ second: Int) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().swappingAxes(first, second) }
    }

    /// The elements in reverse order along the named axes, or along all of them when nil. No copy.
    public consuming func flipped(axes: [Int]? = nil) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().flipped(axes: axes) }
    }

    /// Consecutive parts of an axis, as long as `sizes` says. No copies.
    public func split(sizes: [Int], axis: Int = 0) -> [Tensor] {
        trapping { () throws(TensorError) in try core.split(sizes: sizes, axis: axis) }.map(Tensor.init(known:))
    }

    /// An axis in `count` parts of lengths that differ by at most 1, the longer ones first. No copies.
    public func split(into count: Int, axis: Int = 0) -> [Tensor] {
        trapping { () throws(TensorError) in try core.split(into: count, axis: axis) }.map(Tensor.init(known:))
    }

    /// Consecutive parts of `size` places of an axis; the last may be shorter. No copies.
    public func chunks(of size: Int, axis: Int = 0) -> [Tensor] {
        trapping { () throws(TensorError) in try core.chunks(of: size, axis: axis) }.map(Tensor.init(known:))
    }
}
