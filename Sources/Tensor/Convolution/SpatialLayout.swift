/// Where the channels of images, volumes or signals lie.
public enum SpatialLayout: Sendable, Hashable {
    /// `[batch, channels, depth?, height?, width]`, as in PyTorch and ONNX.
    case channelsFirst
    /// `[batch, depth?, height?, width, channels]`, as in TensorFlow; the faster one for most convolutions.
    case channelsLast

    /// The axis of the channels in a tensor of that rank.
    package func channelAxis(rank: Int) -> Int { self == .channelsFirst ? 1 : rank - 1 }

    /// The first of the spatial axes.
    package var firstSpatialAxis: Int { self == .channelsFirst ? 2 : 1 }

    /// The shape of a tensor with these dimensions.
    func shape(batch: Int, channels: Int, spatial: [Int]) throws(TensorError) -> Shape {
        try Shape(self == .channelsFirst ? [batch, channels] + spatial : [batch] + spatial + [channels])
    }

    /// How the elements of a tensor lie along batch, channels, depth, height and width; what it lacks has stride 0.
    func strides(of tensor: AnyTensor) -> (Int, Int, Int, Int, Int) {
        let strides = tensor.layout.strides
        let first = firstSpatialAxis
        let spatial = tensor.rank - 2
        func stride(_ fromLast: Int) -> Int { spatial > fromLast ? strides[first + spatial - 1 - fromLast] : 0 }
        return (strides[0], strides[channelAxis(rank: tensor.rank)], stride(2), stride(1), stride(0))
    }
}

/// What surrounds the input of a convolution or of windows. A literal of numbers is symmetric padding.
public enum ConvolutionPadding: Sendable, Hashable {
    /// Nothing: the kernel stays inside.
    case valid
    /// As many zeros as make the result `⌈length / stride⌉` long; an odd one goes to the end.
    case same
    /// So many zeros on both sides of each spatial axis: one number for each axis.
    case symmetric([Int])
    /// Zeros before and after each spatial axis.
    case explicit(before: [Int], after: [Int])
}

extension ConvolutionPadding: ExpressibleByArrayLiteral {
    /// So many places on both sides of each spatial axis.
    public init(arrayLiteral widths: Int...) { self = .symmetric(widths) }
}

/// Arguments for each spatial axis, as the core reads them.
struct SpatialArguments {
    let operation: StaticString
    let shape: Shape
    /// The number of spatial axes.
    let rank: Int

    /// For a tensor with one to three spatial axes beside batch and channels.
    init(_ shape: Shape, of operation: StaticString) throws(TensorError) {
        guard shape.rank >= 3, shape.rank <= 5 else {
            throw TensorError(
                .shapeMismatch,
                "\(operation): \(shape) has not one to three spatial axes beside batch and channels")
        }
        self.operation = operation
        self.shape = shape
        rank = shape.rank - 2
    }

    /// One number for each axis: as given, or `fallback` for no numbers.
    func values(
        _ given: [Int], or fallback: Int, atLeast least: Int, _ name: StaticString
    ) throws(TensorError) -> AxisValues {
        guard given.isEmpty || given.count == rank else {
            throw TensorError(
                .shapeMismatch, "\(operation): \(name) \(given) for \(rank) spatial axes of \(shape)")
        }
        var values = AxisValues(repeating: fallback)
        for (axis, value) in given.enumerated() {
            guard value >= least, value <= Int(Int32.max) else {
                throw TensorError(
                    .shapeMismatch, "\(operation): \(name) \(given) for \(shape), expected \(least) or more")
            }
            values[axis] = value
        }
        return values
    }

    /// How many places are before and after each axis of an input of these lengths.
    func widths(
        of padding: ConvolutionPadding, lengths: AxisValues, kernel: AxisValues, strides: AxisValues,
        dilations: AxisValues
    ) throws(TensorError) -> (before: AxisValues, after: AxisValues) {
        switch padding {
        case .valid: return (AxisValues(repeating: 0), AxisValues(repeating: 0))
        case .symmetric(let widths):
            let widths = try values(widths, or: 0, atLeast: 0, "padding")
            return (widths, widths)
        case .explicit(let before, let after):
            return (
                try values(before, or: 0, atLeast: 0, "padding"), try values(after, or: 0, atLeast: 0, "padding")
            )
        case .same:
            var (before, after) = (AxisValues(repeating: 0), AxisValues(repeating: 0))
            for axis in 0..<rank where lengths[axis] > 0 {
                let covered = try extent(kernel: kernel[axis], dilation: dilations[axis])
                let last = (lengths[axis] - 1) / strides[axis] * strides[axis]
                let total = Swift.max(last + covered - lengths[axis], 0)
                before[axis] = total / 2
                after[axis] = total - total / 2
            }
            return (before, after)
        }
    }

    /// The length that a kernel covers: `(kernel - 1) · dilation + 1`.
    func extent(kernel: Int, dilation: Int) throws(TensorError) -> Int {
        let (product, overflow) = Swift.max(kernel - 1, 0).multipliedReportingOverflow(by: dilation)
        guard !overflow, product < Shape.maximumElementCount else {
            throw TensorError(
                .shapeMismatch, "\(operation): a kernel of \(kernel) with dilation \(dilation) for \(shape)")
        }
        return product + 1
    }
}
