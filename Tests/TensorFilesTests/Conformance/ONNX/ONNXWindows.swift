import Tensor

/// Convolutions and pooling.
let onnxWindows: [String: GoldenOperation] = [
    "Conv": { golden in
        let weights = try golden.input(1)
        let windows = try golden.windows(kernel: Array(weights.shape.dropFirst(2)))
        return [
            try golden.input(0).convolution(
                weights, bias: golden.optionalInput(2), strides: windows.strides, padding: windows.padding,
                dilations: windows.dilations, groups: golden.integer("group") ?? 1)
        ]
    },
    "ConvTranspose": { golden in
        let weights = try golden.input(1)
        let windows = try golden.windows(kernel: Array(weights.shape.dropFirst(2)), isTransposed: true)
        return [
            try golden.input(0).transposedConvolution(
                weights, bias: golden.optionalInput(2), strides: windows.strides, padding: windows.padding,
                outputPadding: windows.outputPadding, dilations: windows.dilations,
                groups: golden.integer("group") ?? 1)
        ]
    },
    "MaxPool": { golden in
        let windows = try golden.windows(kernel: golden.integers("kernel_shape") ?? [])
        let x = try golden.input(0)
        let maxima = try x.maxPool(
            windows.kernel, strides: windows.strides, padding: windows.padding, dilations: windows.dilations,
            roundsUp: windows.roundsUp)
        guard golden.outputCount > 1 else { return [maxima] }
        // ONNX counts places through the whole tensor, with a storage order of 1 down the columns of an image.
        let isColumnMajor = golden.integer("storage_order") == 1
        guard !isColumnMajor || x.rank == 4 else { throw OutsideScope("places column by column but of images") }
        var places = try x.maxPoolIndices(
            windows.kernel, strides: windows.strides, padding: windows.padding, dilations: windows.dilations,
            roundsUp: windows.roundsUp
        ).cast(to: .int64)
        let area = x.shape.dropFirst(2).reduce(1, *)
        if isColumnMajor {
            let (height, width) = (Int64(x.shape[2]), try AnyTensor.scalar(Int64(x.shape[3])))
            let (row, column) = (try places.floorDivided(by: width), try places.floorRemainder(dividingBy: width))
            places = try column * .scalar(height) + row
        }
        let planes = (0..<x.shape[0] * x.shape[1]).map { Int64($0 * area) }
        let ones = Array(repeating: 1, count: x.rank - 2)
        places = try places + AnyTensor(planes, shape: Shape([x.shape[0], x.shape[1]] + ones))
        return [maxima, places]
    },
    "Col2Im": { golden in
        let kernel = try golden.input(2).scalars(as: Int64.self).map { Int($0) }
        let windows = try golden.windows(kernel: kernel)
        return [
            try golden.input(0).foldingImages(
                to: golden.input(1).scalars(as: Int64.self).map { Int($0) }, kernel: kernel, strides: windows.strides,
                padding: windows.padding, dilations: windows.dilations)
        ]
    },
    "AveragePool": { golden in
        let windows = try golden.windows(kernel: golden.integers("kernel_shape") ?? [])
        return [
            try golden.input(0).averagePool(
                windows.kernel, strides: windows.strides, padding: windows.padding, dilations: windows.dilations,
                countsPadding: golden.integer("count_include_pad") == 1, roundsUp: windows.roundsUp)
        ]
    },
    "LpPool": { golden in
        let windows = try golden.windows(kernel: golden.integers("kernel_shape") ?? [])
        return [
            try golden.input(0).normPool(
                order: golden.number("p") ?? 2, windows.kernel, strides: windows.strides, padding: windows.padding,
                dilations: windows.dilations, roundsUp: windows.roundsUp)
        ]
    },
    "GlobalAveragePool": { [try $0.input(0).globalAveragePool()] },
    "GlobalMaxPool": { [try $0.input(0).globalMaxPool()] },
]

/// What ONNX says of the windows over the spatial axes of an operator's first input.
private struct ONNXWindows {
    let kernel: [Int]
    let strides: [Int]
    let dilations: [Int]
    var padding: ConvolutionPadding
    var outputPadding: [Int]
    let roundsUp: Bool
}

extension GoldenCase {
    fileprivate func windows(kernel: [Int], isTransposed: Bool = false) throws -> ONNXWindows {
        let ones = Array(repeating: 1, count: kernel.count)
        var windows = ONNXWindows(
            kernel: kernel, strides: integers("strides") ?? ones, dilations: integers("dilations") ?? ones,
            padding: .valid, outputPadding: integers("output_padding") ?? [], roundsUp: integer("ceil_mode") == 1)
        if let pads = integers("pads") {
            windows.padding = .explicit(
                before: Array(pads[..<kernel.count]), after: Array(pads[kernel.count...]))
        }
        let lengths = Array(try input(0).shape.dropFirst(2))
        let automatic = text("auto_pad") ?? "NOTSET"
        if isTransposed {
            let isSame = automatic.hasPrefix("SAME")
            let scaled = isSame ? zip(lengths, windows.strides).map { $0 * $1 } : nil
            guard let wanted = integers("output_shape") ?? scaled else { return windows }
            windows.pad(lengths, to: wanted, isUpper: automatic == "SAME_UPPER")
        } else if automatic.hasPrefix("SAME") {
            windows.padSame(lengths, isUpper: automatic == "SAME_UPPER")
        }
        return windows
    }
}

extension ONNXWindows {
    /// As many windows as strides fit into the input; an odd place goes to the end, or else to the start.
    fileprivate mutating func padSame(_ lengths: [Int], isUpper: Bool) {
        let totals = kernel.indices.map { axis in
            let last = (lengths[axis] - 1) / strides[axis] * strides[axis]
            return max(last + (kernel[axis] - 1) * dilations[axis] + 1 - lengths[axis], 0)
        }
        split(totals, isUpper: isUpper)
    }

    /// Takes from the transpose of a convolution what it has more than these lengths, and adds what it has less.
    fileprivate mutating func pad(_ lengths: [Int], to wanted: [Int], isUpper: Bool) {
        let extra = outputPadding.isEmpty ? kernel.map { _ in 0 } : outputPadding
        let totals = kernel.indices.map { axis in
            let covered = (kernel[axis] - 1) * dilations[axis] + 1
            return (lengths[axis] - 1) * strides[axis] + covered + extra[axis] - wanted[axis]
        }
        outputPadding = zip(extra, totals).map { $0 + max(-$1, 0) }
        split(totals.map { max($0, 0) }, isUpper: isUpper)
    }

    private mutating func split(_ totals: [Int], isUpper: Bool) {
        let halves = totals.map { $0 / 2 }
        let rests = zip(totals, halves).map { $0 - $1 }
        padding = .explicit(before: isUpper ? halves : rests, after: isUpper ? rests : halves)
    }
}
