extension AnyTensor {
    /// The largest element of each window over one to three spatial axes of `[batch, channels, …]`, or with the channels
    /// last; NaN if there is one.
    ///
    /// Along an axis there are `⌊(length + before + after - (kernel - 1) · dilation - 1) / stride⌋ + 1` windows; with
    /// `roundsUp` the quotient is rounded up, but no window begins after the input (PyTorch's `ceil_mode`). `kernel` has a
    /// number for each spatial axis, and so have the others where given: strides are the kernel's lengths without.
    /// Padding takes no part.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for ranks, strides or dilations that do not fit, a window longer than
    ///   the padded input (with `roundsUp` by a stride), a window of padding only; ``TensorError/Code/dtypeMismatch`` for
    ///   bools.
    public consuming func maxPool(
        _ kernel: [Int], strides: [Int] = [], padding: ConvolutionPadding = .valid, dilations: [Int] = [],
        roundsUp: Bool = false, layout: SpatialLayout = .channelsFirst
    ) throws(TensorError) -> AnyTensor {
        let windows = try SpatialArguments(shape, of: "maxPool").windows(
            kernel, strides: strides, padding: padding, dilations: dilations, layout: layout, roundsUp: roundsUp)
        return try Primitive.maxPool.apply(&self, .pooling(windows))
    }

    /// Where the largest element of each window of ``maxPool(_:strides:padding:dilations:roundsUp:layout:)`` lies: its
    /// place in row-major order among those of its image and channel, as int32; the first of equal ones, or the first NaN.
    ///
    /// - Throws: as `maxPool`.
    public consuming func maxPoolIndices(
        _ kernel: [Int], strides: [Int] = [], padding: ConvolutionPadding = .valid, dilations: [Int] = [],
        roundsUp: Bool = false, layout: SpatialLayout = .channelsFirst
    ) throws(TensorError) -> AnyTensor {
        let windows = try SpatialArguments(shape, of: "maxPoolIndices").windows(
            kernel, strides: strides, padding: padding, dilations: dilations, layout: layout, roundsUp: roundsUp)
        return try Primitive.maxPoolIndices.apply(&self, .pooling(windows))
    }

    /// The mean of each window, as ``maxPool(_:strides:padding:dilations:roundsUp:layout:)`` otherwise. Divides by the
    /// number of the window's places inside the input, or with `countsPadding` inside the padded input.
    ///
    /// - Throws: as `maxPool`; ``TensorError/Code/dtypeMismatch`` unless of a float type.
    public consuming func averagePool(
        _ kernel: [Int], strides: [Int] = [], padding: ConvolutionPadding = .valid, dilations: [Int] = [],
        countsPadding: Bool = false, roundsUp: Bool = false, layout: SpatialLayout = .channelsFirst
    ) throws(TensorError) -> AnyTensor {
        let windows = try SpatialArguments(shape, of: "averagePool").windows(
            kernel, strides: strides, padding: padding, dilations: dilations, layout: layout,
            countsPadding: countsPadding, roundsUp: roundsUp)
        return try Primitive.averagePool.apply(&self, .pooling(windows))
    }

    /// The mean over all places of each image and channel; the spatial axes stay with length 1.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` without spatial axes, ``TensorError/Code/dtypeMismatch``.
    public consuming func globalAveragePool(layout: SpatialLayout = .channelsFirst) throws(TensorError) -> AnyTensor {
        let axes = try spatialAxes(layout, of: "globalAveragePool")
        return try mean(axes: axes, keepsDimensions: true)
    }

    /// The largest element over all places of each image and channel; the spatial axes stay with length 1.
    ///
    /// - Throws: as ``globalAveragePool(layout:)``.
    public consuming func globalMaxPool(layout: SpatialLayout = .channelsFirst) throws(TensorError) -> AnyTensor {
        let axes = try spatialAxes(layout, of: "globalMaxPool")
        return try max(axes: axes, keepsDimensions: true)
    }

    /// Means over so many windows along each spatial axis that the result has `lengths`: window `i` of `m` has the places
    /// from `⌊i · length / m⌋` to before `⌈(i + 1) · length / m⌉`.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for ranks or lengths that do not fit, ``TensorError/Code/dtypeMismatch``
    ///   unless float32.
    public consuming func adaptiveAveragePool(
        to lengths: [Int], layout: SpatialLayout = .channelsFirst
    ) throws(TensorError) -> AnyTensor {
        let arguments = try SpatialArguments(shape, of: "adaptiveAveragePool")
        try type.require(.float32, in: "adaptiveAveragePool")
        guard lengths.count == arguments.rank, lengths.allSatisfy({ $0 > 0 }) else {
            throw TensorError(.shapeMismatch, "adaptiveAveragePool: lengths \(lengths) for \(shape)")
        }
        var result = self
        for (spatial, count) in lengths.enumerated() {
            let axis = layout.firstSpatialAxis + spatial
            let length = result.shape[axis]
            guard length > 0 else {
                throw TensorError(
                    .shapeMismatch, "adaptiveAveragePool: no places along axis \(axis) of \(result.shape)")
            }
            if count == length { continue }
            _ = try result.shape.replacing(axis: axis, with: count)
            // The windows are the columns of a matrix that each line along the axis is multiplied with.
            let weights = try AnyTensor.filled(Shape([length, count])) { index -> Float in
                let (place, window) = index.quotientAndRemainder(dividingBy: count)
                let range = window * length / count..<((window + 1) * length + count - 1) / count
                return range.contains(place) ? 1 / Float(range.count) : 0
            }
            let lines = try result.swappingLast(with: axis)
            let others = lines.shape.dropLast()
            let rows = try lines.reshaped(to: Shape([others.reduce(1, *), length]))
            let means = try rows.matmul(weights)
            result = try means.reshaped(to: Shape(Array(others) + [count])).swappingLast(with: axis)
        }
        return result
    }

    private func spatialAxes(_ layout: SpatialLayout, of operation: StaticString) throws(TensorError) -> [Int] {
        let arguments = try SpatialArguments(shape, of: operation)
        return (0..<arguments.rank).map { layout.firstSpatialAxis + $0 }
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// The largest element of each window over one to three spatial axes; NaN if there is one.
    public consuming func maxPool(
        _ kernel: [Int], strides: [Int] = [], padding: ConvolutionPadding = .valid, dilations: [Int] = [],
        roundsUp: Bool = false, layout: SpatialLayout = .channelsFirst
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().maxPool(
                kernel, strides: strides, padding: padding, dilations: dilations, roundsUp: roundsUp, layout: layout)
        }
    }

    /// Where the largest element of each window lies among those of its image and channel.
    public consuming func maxPoolIndices(
        _ kernel: [Int], strides: [Int] = [], padding: ConvolutionPadding = .valid, dilations: [Int] = [],
        roundsUp: Bool = false, layout: SpatialLayout = .channelsFirst
    ) -> Tensor<Int32> {
        Tensor<Int32> { () throws(TensorError) in
            try self.core.take().maxPoolIndices(
                kernel, strides: strides, padding: padding, dilations: dilations, roundsUp: roundsUp, layout: layout)
        }
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The mean of each window over one to three spatial axes.
    public consuming func averagePool(
        _ kernel: [Int], strides: [Int] = [], padding: ConvolutionPadding = .valid, dilations: [Int] = [],
        countsPadding: Bool = false, roundsUp: Bool = false, layout: SpatialLayout = .channelsFirst
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().averagePool(
                kernel, strides: strides, padding: padding, dilations: dilations, countsPadding: countsPadding,
                roundsUp: roundsUp, layout: layout)
        }
    }
}

extension Tensor where Scalar == Float {
    /// The mean over all places of each image and channel; the spatial axes stay with length 1.
    public consuming func globalAveragePool(layout: SpatialLayout = .channelsFirst) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().globalAveragePool(layout: layout) }
    }

    /// The largest element over all places of each image and channel; the spatial axes stay with length 1.
    public consuming func globalMaxPool(layout: SpatialLayout = .channelsFirst) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().globalMaxPool(layout: layout) }
    }

    /// Means over so many windows along each spatial axis that the result has `lengths`.
    public consuming func adaptiveAveragePool(to lengths: [Int], layout: SpatialLayout = .channelsFirst) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().adaptiveAveragePool(to: lengths, layout: layout)
        }
    }
}
