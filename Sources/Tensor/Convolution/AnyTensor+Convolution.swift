extension AnyTensor {
    /// The convolution (in the field's sense: a cross-correlation) of signals, images or volumes with weights
    /// `[out channels, in channels / groups, …]`, for one to three spatial axes.
    ///
    /// `[batch, in channels, …]` gives `[batch, out channels, …]`, or with the channels last as `layout` says. Along an
    /// axis the result has `⌊(length + padding - (kernel - 1) · dilation - 1) / stride⌋ + 1` places. `strides` and
    /// `dilations` have a number for each spatial axis; without any they are 1. `bias` is `[out channels]`.
    ///
    /// 16-bit floats are summed in f32. The last bits of f32 depend on the machine's instruction set, not on threads.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for ranks, channels, groups, strides, dilations or padding that do not
    ///   fit, or a kernel that is longer than the padded input; ``TensorError/Code/dtypeMismatch`` unless all are of one
    ///   float type.
    public consuming func convolution(
        _ weights: consuming AnyTensor, bias: AnyTensor? = nil, strides: [Int] = [],
        padding: ConvolutionPadding = .valid, dilations: [Int] = [], groups: Int = 1,
        layout: SpatialLayout = .channelsFirst
    ) throws(TensorError) -> AnyTensor {
        let arguments = try SpatialArguments(shape, of: "convolution")
        var geometry = try arguments.geometry(
            weights: weights.shape, strides: strides, dilations: dilations, groups: groups, layout: layout)
        for axis in 0..<arguments.rank { geometry.input[axis] = shape[layout.firstSpatialAxis + axis] }
        try arguments.pad(&geometry, padding)
        let result = try Primitive.convolution.apply(&self, &weights, .convolution(geometry))
        return try result.adding(bias: bias, layout, of: "convolution")
    }

    /// The transpose of a convolution in its input ("deconvolution"), with weights
    /// `[in channels, out channels / groups, …]`: `[batch, in channels, …]` gives `[batch, out channels, …]`.
    ///
    /// Along an axis the result has `(length - 1) · stride - padding + (kernel - 1) · dilation + 1 + outputPadding` places;
    /// `outputPadding`, less than the stride, tells which of the lengths is meant that a convolution maps to this one.
    /// `padding` is what the convolution would have padded: symmetric or explicit, or none.
    ///
    /// - Throws: as ``convolution(_:bias:strides:padding:dilations:groups:layout:)``; for `.same`, which says nothing here.
    public consuming func transposedConvolution(
        _ weights: consuming AnyTensor, bias: AnyTensor? = nil, strides: [Int] = [],
        padding: ConvolutionPadding = .valid, outputPadding: [Int] = [], dilations: [Int] = [], groups: Int = 1,
        layout: SpatialLayout = .channelsFirst
    ) throws(TensorError) -> AnyTensor {
        let arguments = try SpatialArguments(shape, of: "transposedConvolution")
        var geometry = try arguments.geometry(
            weights: weights.shape, strides: strides, dilations: dilations, groups: groups, layout: layout)
        guard padding != .same else {
            throw TensorError(.shapeMismatch, "transposedConvolution: padding is symmetric, explicit or valid")
        }
        try arguments.pad(&geometry, padding)
        let extra = try arguments.values(outputPadding, or: 0, atLeast: 0, "output padding")
        for axis in 0..<arguments.rank {
            let length = shape[layout.firstSpatialAxis + axis]
            let covered = try arguments.extent(kernel: geometry.kernel[axis], dilation: geometry.dilations[axis])
            let (spread, overflow) = Swift.max(length - 1, 0).multipliedReportingOverflow(by: geometry.strides[axis])
            guard !overflow, spread < Shape.maximumElementCount else {
                throw TensorError(.outOfMemory, "transposedConvolution: strides \(strides) for \(shape)")
            }
            let result = spread + covered + extra[axis] - geometry.before[axis] - geometry.after[axis]
            guard length > 0, result > 0, extra[axis] < geometry.strides[axis] else {
                throw TensorError(
                    .shapeMismatch,
                    "transposedConvolution: \(shape), weights \(weights.shape), padding \(padding) and output padding "
                        + "\(outputPadding) leave nothing, or no convolution of stride \(geometry.strides[axis])")
            }
            geometry.input[axis] = result
        }
        let result = try Primitive.transposedConvolution.apply(&self, &weights, .convolution(geometry))
        return try result.adding(bias: bias, layout, of: "transposedConvolution")
    }

    /// Adds a value to each channel.
    private consuming func adding(
        bias: AnyTensor?, _ layout: SpatialLayout, of operation: StaticString
    ) throws(TensorError) -> AnyTensor {
        guard let bias else { return self }
        let channels = shape[layout.channelAxis(rank: rank)]
        guard bias.shape == [channels] else {
            throw TensorError(.shapeMismatch, "\(operation): a bias \(bias.shape) for \(channels) channels")
        }
        let column = [channels] + Array(repeating: 1, count: layout == .channelsFirst ? rank - 2 : 0)
        return try self + bias.reshaped(to: Shape(column))
    }
}

extension SpatialArguments {
    /// The geometry without padding and the input's lengths.
    fileprivate func geometry(
        weights: Shape, strides: [Int], dilations: [Int], groups: Int, layout: SpatialLayout
    ) throws(TensorError) -> ConvolutionGeometry {
        var geometry = ConvolutionGeometry(
            strides: try values(strides, or: 1, atLeast: 1, "strides"),
            dilations: try values(dilations, or: 1, atLeast: 1, "dilations"),
            before: AxisValues(repeating: 0), after: AxisValues(repeating: 0), groups: groups, layout: layout,
            input: AxisValues(repeating: 1), kernel: AxisValues(repeating: 1))
        guard weights.rank == rank + 2, groups > 0, weights[0] % groups == 0, !weights.contains(0) else {
            throw TensorError(
                .shapeMismatch,
                "\(operation): weights \(weights) in \(groups) groups for \(shape), expected channels and channels of a "
                    + "group, and a kernel for \(rank) spatial axes")
        }
        for axis in 0..<rank { geometry.kernel[axis] = weights[2 + axis] }
        return geometry
    }

    /// Pads an input whose lengths are known (1 where they are not), and checks that the kernel fits.
    fileprivate func pad(_ geometry: inout ConvolutionGeometry, _ padding: ConvolutionPadding) throws(TensorError) {
        (geometry.before, geometry.after) = try widths(
            of: padding, lengths: geometry.input, kernel: geometry.kernel, strides: geometry.strides,
            dilations: geometry.dilations)
        guard operation.description == "convolution" else { return }
        for axis in 0..<rank {
            let covered = try extent(kernel: geometry.kernel[axis], dilation: geometry.dilations[axis])
            guard geometry.input[axis] + geometry.before[axis] + geometry.after[axis] >= covered else {
                throw TensorError(
                    .shapeMismatch,
                    "\(operation): a kernel of \(geometry.kernel[axis]) with dilation \(geometry.dilations[axis]) is longer "
                        + "than spatial axis \(axis) of \(shape) with its padding")
            }
        }
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The convolution of signals, images or volumes with weights `[out channels, in channels / groups, …]`, for one to
    /// three spatial axes: `[batch, in channels, …]` gives `[batch, out channels, …]`, or with the channels last.
    public consuming func convolution(
        _ weights: consuming Tensor, bias: Tensor? = nil, strides: [Int] = [], padding: ConvolutionPadding = .valid,
        dilations: [Int] = [], groups: Int = 1, layout: SpatialLayout = .channelsFirst
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().convolution(
                weights.core.take(), bias: bias?.core, strides: strides, padding: padding, dilations: dilations,
                groups: groups, layout: layout)
        }
    }

    /// The transpose of a convolution in its input ("deconvolution"), with weights
    /// `[in channels, out channels / groups, …]`.
    public consuming func transposedConvolution(
        _ weights: consuming Tensor, bias: Tensor? = nil, strides: [Int] = [], padding: ConvolutionPadding = .valid,
        outputPadding: [Int] = [], dilations: [Int] = [], groups: Int = 1, layout: SpatialLayout = .channelsFirst
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().transposedConvolution(
                weights.core.take(), bias: bias?.core, strides: strides, padding: padding,
                outputPadding: outputPadding, dilations: dilations, groups: groups, layout: layout)
        }
    }
}
