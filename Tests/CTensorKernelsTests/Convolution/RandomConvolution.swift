import CTensorKernels

/// A convolution or a transposed one of random shape, with its definition written out as the reference.
struct RandomConvolution {
    var descriptor = mw_convolution()
    let input: [Float]
    let weights: [Float]
    let isTransposed: Bool

    /// Small integers for values, so that every sum is exact.
    init(seed: UInt64) {
        var values = SeededValues(seed: seed)
        func axis(_ isUsed: Bool, _ isTransposed: Bool, _ longest: Int) -> mw_convolution_axis {
            guard isUsed else {
                return mw_convolution_axis(
                    in: 1, out: 1, kernel: 1, multiply: 1, offset: 0, tap_step: 1, divisor: 1)
            }
            while true {
                let length = values.integer(in: 1..<longest)
                let kernel = values.integer(in: 1..<5)
                let stride = values.integer(in: 1..<4)
                let dilation = values.integer(in: 1..<3)
                let padding = values.integer(in: 0..<3)
                let covered = (kernel - 1) * dilation + 1
                if isTransposed {
                    let out = (length - 1) * stride + covered - 2 * padding
                    if out < 1 { continue }
                    return mw_convolution_axis(
                        in: length, out: out, kernel: kernel, multiply: 1, offset: padding, tap_step: -dilation,
                        divisor: stride)
                }
                if length + 2 * padding < covered { continue }
                return mw_convolution_axis(
                    in: length, out: (length + 2 * padding - covered) / stride + 1, kernel: kernel, multiply: stride,
                    offset: -padding, tap_step: dilation, divisor: 1)
            }
        }
        let rank = values.integer(in: 1..<4)
        isTransposed = values.integer(in: 0..<3) == 0
        let longest = rank == 1 ? 140 : rank == 2 ? 20 : 6
        descriptor.axes = (
            axis(rank > 2, isTransposed, longest), axis(rank > 1, isTransposed, longest),
            axis(true, isTransposed, longest)
        )
        descriptor.batch = values.integer(in: 1..<3)
        descriptor.groups = values.integer(in: 0..<2) == 0 ? 1 : values.integer(in: 2..<20)
        let isDepthwise = descriptor.groups > 1 && values.integer(in: 0..<2) == 0
        descriptor.in_channels = isDepthwise ? 1 : values.integer(in: 1..<(descriptor.groups > 1 ? 3 : 20))
        descriptor.out_channels = values.integer(in: 1..<(descriptor.groups > 1 ? 3 : 36))
        descriptor.is_channels_last = values.integer(in: 0..<2) == 0
        let channels = descriptor.groups * descriptor.in_channels
        let (depth, height, width) = (descriptor.axes.0.in, descriptor.axes.1.in, descriptor.axes.2.in)
        descriptor.in_strides =
            descriptor.is_channels_last
            ? (depth * height * width * channels, 1, height * width * channels, width * channels, channels)
            : (depth * height * width * channels, depth * height * width, height * width, width, 1)
        let (deep, high, wide) = (descriptor.axes.0.kernel, descriptor.axes.1.kernel, descriptor.axes.2.kernel)
        let taps = deep * high * wide
        let group = descriptor.in_channels * descriptor.out_channels * taps
        descriptor.weight_strides =
            isTransposed
            ? (group, taps, descriptor.out_channels * taps, high * wide, wide, 1)
            : (group, descriptor.in_channels * taps, taps, high * wide, wide, 1)
        func small(_ count: Int) -> [Float] { (0..<count).map { _ in Float(values.integer(in: -3..<4)) } }
        input = small(descriptor.batch * channels * depth * height * width)
        weights = small(descriptor.groups * group)
    }

    var resultCount: Int {
        let places = descriptor.axes.0.out * descriptor.axes.1.out * descriptor.axes.2.out
        return descriptor.batch * descriptor.groups * descriptor.out_channels * places
    }

    /// Calls `body` with the places in result, input and weights of each product that the definition has.
    func forEachProduct(_ body: (_ result: Int, _ input: Int, _ weight: Int) -> Void) {
        let d = descriptor
        let (deep, high, wide) = (d.axes.0, d.axes.1, d.axes.2)
        func source(_ axis: mw_convolution_axis, _ out: Int, _ tap: Int) -> Int? {
            let position = out * axis.multiply + axis.offset + tap * axis.tap_step
            let place = position / axis.divisor
            return position >= 0 && position % axis.divisor == 0 && place < axis.in ? place : nil
        }
        let channels = d.groups * d.out_channels
        for index in indices(of: [d.batch, deep.out, high.out, wide.out]) {
            for tap in indices(of: [deep.kernel, high.kernel, wide.kernel]) {
                guard let z = source(deep, index[1], tap[0]), let y = source(high, index[2], tap[1]),
                    let x = source(wide, index[3], tap[2])
                else { continue }
                for channel in 0..<channels {
                    let group = channel / d.out_channels
                    let place = (index[1] * high.out + index[2]) * wide.out + index[3]
                    let places = deep.out * high.out * wide.out
                    let result =
                        d.is_channels_last
                        ? (index[0] * places + place) * channels + channel
                        : (index[0] * channels + channel) * places + place
                    for from in 0..<d.in_channels {
                        let (n, c, s2, s3, s4) = d.in_strides
                        let (g, o, i, w3, w4, w5) = d.weight_strides
                        body(
                            result,
                            index[0] * n + (group * d.in_channels + from) * c + z * s2 + y * s3 + x * s4,
                            group * g + channel % d.out_channels * o + from * i + tap[0] * w3 + tap[1] * w4
                                + tap[2] * w5)
                    }
                }
            }
        }
    }

    var expected: [Float] {
        var result = [Float](repeating: 0, count: resultCount)
        forEachProduct { result[$0] += input[$1] * weights[$2] }
        return result
    }
}
