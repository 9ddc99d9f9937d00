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

    /// The mean over all places of each image and channel; the spatial axes stay with length 1.
    public consuming func globalAveragePool(layout: SpatialLayout = .channelsFirst) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().globalAveragePool(layout: layout) }
    }

    /// The largest element over all places of each image and channel; the spatial axes stay with length 1.
    public consuming func globalMaxPool(layout: SpatialLayout = .channelsFirst) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().globalMaxPool(layout: layout) }
    }
}
