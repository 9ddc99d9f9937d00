import CTensorKernels

/// How the places of a convolution's input, kernel and result belong together.
///
/// The convolution, its transpose and the gradient of its weights are three sides of one form that is linear in input,
/// weights and result; each takes the geometry of the convolution, with the lengths that its own operands do not tell.
package struct ConvolutionGeometry: Sendable {
    /// For each spatial axis.
    package var strides: AxisValues
    package var dilations: AxisValues
    package var before: AxisValues
    package var after: AxisValues
    package var groups: Int
    package var layout: SpatialLayout
    /// The lengths of the convolution's input and kernel.
    package var input: AxisValues
    package var kernel: AxisValues

    package init(
        strides: AxisValues, dilations: AxisValues, before: AxisValues, after: AxisValues, groups: Int,
        layout: SpatialLayout, input: AxisValues, kernel: AxisValues
    ) {
        self.strides = strides
        self.dilations = dilations
        self.before = before
        self.after = after
        self.groups = groups
        self.layout = layout
        self.input = input
        self.kernel = kernel
    }

    /// The result's length along an axis; the padded input is at least as long as the kernel.
    func resultLength(axis: Int) -> Int {
        let covered = (kernel[axis] - 1) * dilations[axis] + 1
        return (input[axis] + before[axis] + after[axis] - covered) / strides[axis] + 1
    }

    /// The result's lengths along the first `rank` axes.
    func resultLengths(rank: Int) -> [Int] { (0..<rank).map { resultLength(axis: $0) } }

    /// What the C kernels take, but for channels and strides. `rank` axes are given; depth and height may be missing.
    func descriptor(rank: Int, isTransposed: Bool) -> mw_convolution {
        func axis(_ place: Int) -> mw_convolution_axis {
            let axis = place - (3 - rank)
            guard axis >= 0 else {
                return mw_convolution_axis(
                    in: 1, out: 1, kernel: 1, multiply: 1, offset: 0, tap_step: 1, divisor: 1)
            }
            let result = resultLength(axis: axis)
            if isTransposed {
                return mw_convolution_axis(
                    in: result, out: input[axis], kernel: kernel[axis], multiply: 1, offset: before[axis],
                    tap_step: -dilations[axis], divisor: strides[axis])
            }
            return mw_convolution_axis(
                in: input[axis], out: result, kernel: kernel[axis], multiply: strides[axis], offset: -before[axis],
                tap_step: dilations[axis], divisor: 1)
        }
        var descriptor = mw_convolution()
        descriptor.groups = groups
        descriptor.axes = (axis(0), axis(1), axis(2))
        descriptor.is_channels_last = layout == .channelsLast
        return descriptor
    }
}

extension mw_convolution {
    /// Says how weights `[out channels, in channels of a group, …]` lie, whose axes change parts in the transpose.
    mutating func setWeights(_ layout: Layout, isTransposed: Bool) {
        let strides = layout.strides
        let spatial = layout.rank - 2
        func stride(_ fromLast: Int) -> Int { spatial > fromLast ? strides[1 + spatial - fromLast] : 0 }
        let group = layout.shape[0] / groups * strides[0]
        let (out, inner) = isTransposed ? (strides[1], strides[0]) : (strides[0], strides[1])
        weight_strides = (group, out, inner, stride(2), stride(1), stride(0))
        let (outChannels, inChannels) = (layout.shape[0] / groups, layout.shape[1])
        out_channels = isTransposed ? inChannels : outChannels
        in_channels = isTransposed ? outChannels : inChannels
    }
}
