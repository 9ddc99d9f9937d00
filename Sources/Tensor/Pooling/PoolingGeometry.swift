import CTensorKernels

/// The windows of a pooling operation.
package struct PoolingGeometry: Sendable {
    /// For each spatial axis.
    package var kernel: AxisValues
    package var strides: AxisValues
    package var before: AxisValues
    package var after: AxisValues
    package var dilations: AxisValues
    package var layout: SpatialLayout
    /// Whether an average divides by the number of places in the padded input, and not in the input alone.
    package var countsPadding: Bool
    /// Whether what the last whole window leaves over has a window too.
    package var roundsUp: Bool

    /// The number of windows along an axis of that length.
    func windows(axis: Int, length: Int) -> Int {
        let room = length + before[axis] + after[axis] - (kernel[axis] - 1) * dilations[axis] - 1
        guard roundsUp else { return room / strides[axis] + 1 }
        let count = (room + strides[axis] - 1) / strides[axis] + 1
        // A further one begins in the input or before it.
        return count > 1 && (count - 1) * strides[axis] >= length + before[axis] ? count - 1 : count
    }

    /// How far the last window reaches beyond an axis of that length.
    func reach(axis: Int, length: Int) -> Int {
        let last = (windows(axis: axis, length: length) - 1) * strides[axis] - before[axis]
        return Swift.max(last + (kernel[axis] - 1) * dilations[axis] + 1 - length, 0)
    }

    /// The type of the result for operands of `type`.
    func resultType(of type: TensorType, dtype: DType? = nil) throws(TensorError) -> TensorType {
        let first = layout.firstSpatialAxis
        let spatial = (0..<type.shape.rank - 2).map { windows(axis: $0, length: type.shape[first + $0]) }
        let channels = type.shape[layout.channelAxis(rank: type.shape.rank)]
        return TensorType(
            dtype ?? type.dtype, try layout.shape(batch: type.shape[0], channels: channels, spatial: spatial))
    }

    /// What the C kernels take.
    func descriptor(for tensor: AnyTensor) -> mw_pooling {
        let rank = tensor.rank - 2
        func axis(_ place: Int) -> mw_pooling_axis {
            let axis = place - (3 - rank)
            guard axis >= 0 else {
                return mw_pooling_axis(in: 1, out: 1, kernel: 1, stride: 1, padding: 0, padding_after: 0, dilation: 1)
            }
            let length = tensor.shape[layout.firstSpatialAxis + axis]
            return mw_pooling_axis(
                in: length, out: windows(axis: axis, length: length), kernel: kernel[axis], stride: strides[axis],
                padding: before[axis], padding_after: after[axis], dilation: dilations[axis])
        }
        var descriptor = mw_pooling()
        descriptor.batch = tensor.shape[0]
        descriptor.channels = tensor.shape[layout.channelAxis(rank: tensor.rank)]
        descriptor.axes = (axis(0), axis(1), axis(2))
        descriptor.in_strides = layout.strides(of: tensor)
        descriptor.is_channels_last = layout == .channelsLast
        return descriptor
    }
}

extension SpatialArguments {
    /// Windows whose every one has an element of the input.
    func windows(
        _ kernel: [Int], strides: [Int], padding: ConvolutionPadding, dilations: [Int], layout: SpatialLayout,
        countsPadding: Bool = false, roundsUp: Bool
    ) throws(TensorError) -> PoolingGeometry {
        guard kernel.count == rank else {
            throw TensorError(
                .shapeMismatch, "\(operation): a kernel \(kernel) for \(rank) spatial axes of \(shape)")
        }
        var lengths = AxisValues(repeating: 1)
        for axis in 0..<rank { lengths[axis] = shape[layout.firstSpatialAxis + axis] }
        var geometry = PoolingGeometry(
            kernel: try values(kernel, or: 1, atLeast: 1, "kernel"),
            strides: try values(strides.isEmpty ? kernel : strides, or: 1, atLeast: 1, "strides"),
            before: AxisValues(repeating: 0), after: AxisValues(repeating: 0),
            dilations: try values(dilations, or: 1, atLeast: 1, "dilations"), layout: layout,
            countsPadding: countsPadding, roundsUp: roundsUp)
        (geometry.before, geometry.after) = try widths(
            of: padding, lengths: lengths, kernel: geometry.kernel, strides: geometry.strides,
            dilations: geometry.dilations)
        for axis in 0..<rank {
            let covered = try extent(kernel: geometry.kernel[axis], dilation: geometry.dilations[axis])
            let missing = covered - lengths[axis] - geometry.before[axis] - geometry.after[axis]
            // A rest has a window too, even where there is nothing else.
            guard lengths[axis] > 0, missing <= (roundsUp ? geometry.strides[axis] - 1 : 0) else {
                throw TensorError(
                    .shapeMismatch,
                    "\(operation): a window of \(kernel[axis]) with dilation \(geometry.dilations[axis]) is longer than "
                        + "spatial axis \(axis) of \(shape) with its padding")
            }
            guard geometry.everyWindowHasAnElement(axis, lengths[axis]) else {
                throw TensorError(
                    .shapeMismatch,
                    "\(operation): a window of \(kernel) with dilations \(dilations) and \(padding) has padding only "
                        + "in \(shape)")
            }
        }
        return geometry
    }
}

extension PoolingGeometry {
    fileprivate func everyWindowHasAnElement(_ axis: Int, _ length: Int) -> Bool {
        let count = windows(axis: axis, length: length)
        let last = (count - 1) * strides[axis] - before[axis]
        guard last < length, before[axis] <= (kernel[axis] - 1) * dilations[axis] else { return false }
        // Steps that are no longer than the input do not pass over it.
        if dilations[axis] <= length { return true }
        return (0..<count).allSatisfy { window in
            let start = window * strides[axis] - before[axis]
            let first = start < 0 ? (dilations[axis] - 1 - start) / dilations[axis] : 0
            return first < kernel[axis] && start + first * dilations[axis] < length
        }
    }
}
