import CTensorKernels

/// The windows of a pooling operation.
package struct PoolingGeometry: Sendable {
    /// For each spatial axis.
    package var kernel: AxisValues
    package var strides: AxisValues
    package var padding: AxisValues
    package var dilations: AxisValues
    package var layout: SpatialLayout
    /// Whether an average divides by the size of the window, padding and all.
    package var countsPadding: Bool

    /// The number of windows along an axis of that length.
    func windows(axis: Int, length: Int) -> Int {
        (length + 2 * padding[axis] - (kernel[axis] - 1) * dilations[axis] - 1) / strides[axis] + 1
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
                return mw_pooling_axis(in: 1, out: 1, kernel: 1, stride: 1, padding: 0, dilation: 1)
            }
            let length = tensor.shape[layout.firstSpatialAxis + axis]
            return mw_pooling_axis(
                in: length, out: windows(axis: axis, length: length), kernel: kernel[axis], stride: strides[axis],
                padding: padding[axis], dilation: dilations[axis])
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
        _ kernel: [Int], strides: [Int], padding: [Int], dilations: [Int] = [], layout: SpatialLayout,
        countsPadding: Bool = false
    ) throws(TensorError) -> PoolingGeometry {
        guard kernel.count == rank else {
            throw TensorError(
                .shapeMismatch, "\(operation): a kernel \(kernel) for \(rank) spatial axes of \(shape)")
        }
        let geometry = PoolingGeometry(
            kernel: try values(kernel, or: 1, atLeast: 1, "kernel"),
            strides: try values(strides.isEmpty ? kernel : strides, or: 1, atLeast: 1, "strides"),
            padding: try values(padding, or: 0, atLeast: 0, "padding"),
            dilations: try values(dilations, or: 1, atLeast: 1, "dilations"), layout: layout,
            countsPadding: countsPadding)
        for axis in 0..<rank {
            let length = shape[layout.firstSpatialAxis + axis]
            let covered = try extent(kernel: geometry.kernel[axis], dilation: geometry.dilations[axis])
            guard length > 0, length + 2 * geometry.padding[axis] >= covered else {
                throw TensorError(
                    .shapeMismatch,
                    "\(operation): a window of \(kernel[axis]) with dilation \(geometry.dilations[axis]) is longer than "
                        + "spatial axis \(axis) of \(shape) with its padding")
            }
            guard geometry.padding[axis] <= geometry.kernel[axis] / 2 else {
                throw TensorError(
                    .shapeMismatch,
                    "\(operation): padding \(padding) is more than half of the kernel \(kernel) for \(shape)")
            }
            guard
                geometry.dilations[axis] == 1 || geometry.padding[axis] == 0
                    || geometry.everyWindowHasAnElement(axis, length)
            else {
                throw TensorError(
                    .shapeMismatch,
                    "\(operation): a window of \(kernel) with dilations \(dilations) has padding only in \(shape)")
            }
        }
        return geometry
    }
}

extension PoolingGeometry {
    /// Without dilation, padding of at most half a kernel makes sure of it.
    fileprivate func everyWindowHasAnElement(_ axis: Int, _ length: Int) -> Bool {
        (0..<windows(axis: axis, length: length)).allSatisfy { window in
            let start = window * strides[axis] - padding[axis]
            let first = start < 0 ? (dilations[axis] - 1 - start) / dilations[axis] : 0
            return first < kernel[axis] && start + first * dilations[axis] < length
        }
    }
}
