// Pooling to given lengths. Both reductions are separable: one spatial axis after the other.

extension AnyTensor {
    /// Means over so many windows along each spatial axis that the result has `lengths`: window `i` of `m` has the places
    /// from `⌊i · length / m⌋` to before `⌈(i + 1) · length / m⌉`. 16-bit floats are averaged in float32.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for ranks or lengths that do not fit, ``TensorError/Code/dtypeMismatch``
    ///   unless of a float type.
    public consuming func adaptiveAveragePool(
        to lengths: [Int], layout: SpatialLayout = .channelsFirst
    ) throws(TensorError) -> AnyTensor {
        let dtype = self.dtype
        let axes = try adaptiveAxes(lengths, layout, of: "adaptiveAveragePool")
        var result = try self.cast(to: dtype.wide)
        for (axis, count) in axes where count != result.shape[axis] {
            let length = result.shape[axis]
            _ = try result.shape.replacing(axis: axis, with: count)
            // The windows are the columns of a matrix that each line along the axis is multiplied with. A tensor, not an
            // array: lengths from outside may be more than memory holds, and that throws.
            let weights = try AnyTensor.filled(Shape([length, count])) { index -> Double in
                let (place, window) = index.quotientAndRemainder(dividingBy: count)
                let range = Self.adaptiveWindow(window, of: count, length)
                return range.contains(place) ? 1 / Double(range.count) : 0
            }
            let lines = try result.swappingLast(with: axis)
            let others = lines.shape.dropLast()
            let rows = try lines.reshaped(to: Shape([others.reduce(1, *), length]))
            let means = try rows.matmul(weights.cast(to: rows.dtype))
            result = try means.reshaped(to: Shape(Array(others) + [count])).swappingLast(with: axis)
        }
        return try result.cast(to: dtype)
    }

    /// The largest elements of so many windows along each spatial axis that the result has `lengths`, the windows those of
    /// ``adaptiveAveragePool(to:layout:)``; NaN if there is one.
    ///
    /// - Throws: as `adaptiveAveragePool`.
    public consuming func adaptiveMaxPool(
        to lengths: [Int], layout: SpatialLayout = .channelsFirst
    ) throws(TensorError) -> AnyTensor {
        let axes = try adaptiveAxes(lengths, layout, of: "adaptiveMaxPool")
        var result = self
        for (axis, count) in axes where count != result.shape[axis] {
            _ = try result.shape.replacing(axis: axis, with: count)
            var parts: [AnyTensor] = []
            for window in 0..<count {
                let range = Self.adaptiveWindow(window, of: count, result.shape[axis])
                parts.append(try result.sliced(axis: axis, range).max(axes: [axis], keepsDimensions: true))
            }
            result = try .concatenate(parts, axis: axis)
        }
        return result
    }

    /// Where the elements of ``adaptiveMaxPool(to:layout:)`` lie: their places in row-major order among those of their image
    /// and channel, as int32; the first of equal ones, or the first NaN.
    ///
    /// - Throws: as `adaptiveAveragePool`, and ``TensorError/Code/shapeMismatch`` for images with places that no int32
    ///   names.
    public consuming func adaptiveMaxPoolIndices(
        to lengths: [Int], layout: SpatialLayout = .channelsFirst
    ) throws(TensorError) -> AnyTensor {
        let operation: StaticString = "adaptiveMaxPoolIndices"
        let axes = try adaptiveAxes(lengths, layout, of: operation)
        let count = axes.reduce(1) { $0 * shape[$1.axis] }
        guard count <= Int(Int32.max) else {
            throw TensorError(.shapeMismatch, "\(operation): \(shape) has places that no int32 names")
        }
        var spatial = Array(repeating: 1, count: rank)
        for (axis, _) in axes { spatial[axis] = shape[axis] }
        var values = self.withoutTrace()
        var places = try AnyTensor.stride(from: 0, to: count, by: 1, dtype: .int32).reshaped(to: Shape(spatial))
            .broadcast(to: values.shape)
        // The last axis first: then the first of the lines with the largest element has the first of its places.
        for (axis, count) in axes.reversed() where count != values.shape[axis] {
            _ = try values.shape.replacing(axis: axis, with: count)
            var (maxima, names): ([AnyTensor], [AnyTensor]) = ([], [])
            for window in 0..<count {
                let range = Self.adaptiveWindow(window, of: count, values.shape[axis])
                let lines = try values.sliced(axis: axis, range)
                let largest = try lines.argmax(axis: axis).expandingDimensions(at: axis)
                maxima.append(try lines.taking(along: axis, largest))
                names.append(try places.sliced(axis: axis, range).taking(along: axis, largest))
            }
            values = try .concatenate(maxima, axis: axis)
            places = try .concatenate(names, axis: axis)
        }
        return places
    }

    private static func adaptiveWindow(_ window: Int, of count: Int, _ length: Int) -> Range<Int> {
        window * length / count..<((window + 1) * length + count - 1) / count
    }

    /// The spatial axes with their lengths in the result.
    private func adaptiveAxes(
        _ lengths: [Int], _ layout: SpatialLayout, of operation: StaticString
    ) throws(TensorError) -> [(axis: Int, count: Int)] {
        try type.require(.floats, in: operation)
        let arguments = try SpatialArguments(shape, of: operation)
        // Products with lengths of at most 31 bits do not overflow.
        guard lengths.count == arguments.rank, lengths.allSatisfy({ $0 > 0 && $0 <= Int(Int32.max) }) else {
            throw TensorError(.shapeMismatch, "\(operation): lengths \(lengths) for \(shape)")
        }
        let axes = lengths.enumerated().map { (axis: layout.firstSpatialAxis + $0.offset, count: $0.element) }
        for (axis, _) in axes where shape[axis] == 0 || shape[axis] > Int(Int32.max) {
            throw TensorError(.shapeMismatch, "\(operation): \(shape[axis]) places along axis \(axis) of \(shape)")
        }
        return axes
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// Means over so many windows along each spatial axis that the result has `lengths`.
    public consuming func adaptiveAveragePool(to lengths: [Int], layout: SpatialLayout = .channelsFirst) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().adaptiveAveragePool(to: lengths, layout: layout)
        }
    }

    /// The largest elements of so many windows along each spatial axis that the result has `lengths`.
    public consuming func adaptiveMaxPool(to lengths: [Int], layout: SpatialLayout = .channelsFirst) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().adaptiveMaxPool(to: lengths, layout: layout) }
    }

    /// Where the elements of ``adaptiveMaxPool(to:layout:)`` lie among those of their image and channel.
    public consuming func adaptiveMaxPoolIndices(
        to lengths: [Int], layout: SpatialLayout = .channelsFirst
    ) -> Tensor<Int32> {
        Tensor<Int32> { () throws(TensorError) in
            try self.core.take().adaptiveMaxPoolIndices(to: lengths, layout: layout)
        }
    }
}
