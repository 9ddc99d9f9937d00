extension AnyTensor {
    /// The sum of windows at their places in images, 0 where there is none: `[batch, channels · window, count]` gives
    /// `[batch, channels, …]` with spatial axes of `lengths` (ONNX's Col2Im, PyTorch's `fold`).
    ///
    /// `kernel` says how long a window is along each of one to three spatial axes, and `window` is its product; a window's
    /// places and the windows themselves are counted in row-major order, and what lies in the padding is dropped. Strides
    /// and dilations are 1 without. 16-bit floats add up in float32, each element rounded once.
    ///
    /// ```swift
    /// // Four windows of 2 x 2 on a 3 x 3 image: the middle is in all of them.
    /// try AnyTensor.ones([1, 4, 4]).foldingImages(to: [3, 3], kernel: [2, 2])    // [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    /// ```
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for ranks, lengths, kernels, strides, dilations or padding that do not
    ///   fit, or unless `count` windows are what the padded images have; ``TensorError/Code/dtypeMismatch`` for bools.
    public consuming func foldingImages(
        to lengths: [Int], kernel: [Int], strides: [Int] = [], padding: ConvolutionPadding = .valid,
        dilations: [Int] = []
    ) throws(TensorError) -> AnyTensor {
        try type.require(.numbers, in: "foldingImages")
        let dtype = self.dtype
        let windows = try ImageWindows(
            shape, lengths: lengths, kernel: kernel, strides: strides, padding: padding, dilations: dilations)
        let axes = 0..<windows.rank
        // [batch, channels, window…, count…] to [batch, channels, count…, window…]: the last axes fold one by one.
        let order = [0, 1] + axes.map { 2 + windows.rank + $0 } + axes.map { 2 + $0 }
        var result = try self.cast(to: dtype.wide).reshaped(to: windows.split).transposed(order)
        for axis in axes.reversed() {
            let whole = try Shape(Array(result.shape.dropLast())).replacing(
                axis: 2 + axis, with: windows.paddedLength(axis))
            let view = StridedView.windows(
                axis: 2 + axis, size: kernel[axis], step: windows.strides[axis], dilation: windows.dilations[axis])
            result = try Primitive.accumulateView.apply(&result, .view(view, whole: whole))
        }
        for axis in axes {
            let first = windows.before[axis]
            result = try result.sliced(axis: 2 + axis, first..<first + lengths[axis])
        }
        return try result.cast(to: dtype)
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// The sum of windows at their places in images: `[batch, channels · window, count]` to `[batch, channels, …]`.
    public consuming func foldingImages(
        to lengths: [Int], kernel: [Int], strides: [Int] = [], padding: ConvolutionPadding = .valid,
        dilations: [Int] = []
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().foldingImages(
                to: lengths, kernel: kernel, strides: strides, padding: padding, dilations: dilations)
        }
    }
}

/// How the windows of images lie in `[batch, channels · window, count]`.
private struct ImageWindows {
    let rank: Int
    let strides: AxisValues
    let dilations: AxisValues
    let before: AxisValues
    /// The windows' places and the windows with an axis for each of theirs: `[batch, channels, window…, count…]`.
    let split: Shape
    private let after: AxisValues
    private let lengths: [Int]

    init(
        _ shape: Shape, lengths: [Int], kernel: [Int], strides: [Int], padding: ConvolutionPadding, dilations: [Int]
    ) throws(TensorError) {
        func mismatch(_ what: String) -> TensorError {
            TensorError(.shapeMismatch, "foldingImages: \(what) for \(shape)")
        }
        guard shape.rank == 3, kernel.count == lengths.count, kernel.allSatisfy({ $0 > 0 }) else {
            throw mismatch("lengths \(lengths) and a kernel of \(kernel)")
        }
        let window = try Shape(kernel).elementCount
        guard shape[1] % window == 0 else { throw mismatch("a kernel of \(kernel)") }
        let images = try SpatialArguments(Shape([shape[0], shape[1] / window] + lengths), of: "foldingImages")
        rank = images.rank
        self.lengths = lengths
        self.strides = try images.values(strides, or: 1, atLeast: 1, "strides")
        self.dilations = try images.values(dilations, or: 1, atLeast: 1, "dilations")
        var (kernels, places) = (AxisValues(repeating: 1), AxisValues(repeating: 1))
        for axis in 0..<rank { (kernels[axis], places[axis]) = (kernel[axis], lengths[axis]) }
        (before, after) = try images.widths(
            of: padding, lengths: places, kernel: kernels, strides: self.strides, dilations: self.dilations)
        var counts: [Int] = []
        for axis in 0..<rank {
            let room =
                try lengths[axis] + before[axis] + after[axis]
                - images.extent(kernel: kernel[axis], dilation: self.dilations[axis])
            guard room >= 0 else { throw mismatch("windows of \(kernel) longer than the padded images of \(lengths)") }
            counts.append(room / self.strides[axis] + 1)
        }
        guard try Shape(counts).elementCount == shape[2] else {
            throw mismatch("\(counts) windows of \(kernel) in images of \(lengths)")
        }
        split = try Shape([shape[0], shape[1] / window] + kernel + counts)
    }

    func paddedLength(_ axis: Int) -> Int { lengths[axis] + before[axis] + after[axis] }
}
