import CTensorKernels
import Testing

@Suite struct ConvolutionKernelsTests {
    @Test("every shape, stride, dilation, padding and grouping is as defined", arguments: KernelPath.all, 0..<40)
    func definition(path: KernelPath, seed: UInt64) {
        var random = RandomConvolution(seed: seed)
        let expected = random.expected
        var result = [Float](repeating: .nan, count: expected.count)
        // The arrays have the elements that the descriptor speaks of.
        let succeeded = unsafe path.kernels.convolution.convolution(
            MW_DTYPE_F32, &random.descriptor, &result, random.input, random.weights)
        #expect(succeeded)
        #expect(result == expected, "seed \(seed)")
    }

    @Test("float64 and 16-bit floats compute the same sums", arguments: KernelPath.all, 0..<8)
    func otherTypes(path: KernelPath, seed: UInt64) {
        var random = RandomConvolution(seed: 1000 + seed)
        let expected = random.expected
        var double = [Double](repeating: .nan, count: expected.count)
        // As above, in f64.
        _ = unsafe path.kernels.convolution.convolution(
            MW_DTYPE_F64, &random.descriptor, &double, random.input.map(Double.init), random.weights.map(Double.init))
        #expect(double == expected.map(Double.init), "seed \(seed)")
        var half = [Float16](repeating: .nan, count: expected.count)
        // As above, in f16.
        _ = unsafe path.kernels.convolution.convolution(
            MW_DTYPE_F16, &random.descriptor, &half, random.input.map { Float16($0) },
            random.weights.map { Float16($0) })
        #expect(half == expected.map { Float16($0) }, "seed \(seed)")
    }

    @Test("the gradient of the weights is the sum of what each was multiplied with", arguments: KernelPath.all, 0..<20)
    func weightGradient(path: KernelPath, seed: UInt64) {
        var random = RandomConvolution(seed: 2000 + seed)
        guard !random.isTransposed else { return }
        random.descriptor.is_channels_last = true
        var values = SeededValues(seed: seed)
        let upstream = (0..<random.resultCount).map { _ in Float(values.integer(in: -3..<4)) }
        var expected = [Float](repeating: 0, count: random.weights.count)
        random.forEachProduct { expected[$2] += upstream[$0] * random.input[$1] }
        var gradient = [Float](repeating: .nan, count: random.weights.count)
        // The input keeps its strides, and the result is asked for with channels last.
        _ = unsafe path.kernels.convolution.convolution_weight_gradient_f32(
            &random.descriptor, &gradient, random.input, upstream)
        #expect(gradient == expected, "seed \(seed)")
    }

    @Test("without input channels every sum is 0", arguments: KernelPath.all)
    func noChannels(path: KernelPath) {
        let one = mw_convolution_axis(in: 1, out: 1, kernel: 1, multiply: 1, offset: 0, tap_step: 1, divisor: 1)
        let nothing: [Float] = []
        for isChannelsLast in [false, true] {
            var descriptor = mw_convolution(
                batch: 1, groups: 1, in_channels: 0, out_channels: 2,
                axes: (
                    one, one,
                    mw_convolution_axis(in: 4, out: 4, kernel: 3, multiply: 1, offset: -1, tap_step: 1, divisor: 1)
                ), in_strides: (0, 4, 4, 4, 1), weight_strides: (0, 0, 3, 3, 3, 1), is_channels_last: isChannelsLast)
            for type in [MW_DTYPE_F32, MW_DTYPE_F16] {
                var result = [Float](repeating: .nan, count: 8)
                // The result has more room than its elements need; nothing is read.
                let succeeded = unsafe path.kernels.convolution.convolution(
                    type, &descriptor, &result, nothing, nothing)
                #expect(succeeded)
                #expect(result.prefix(type == MW_DTYPE_F32 ? 8 : 4).allSatisfy { $0 == 0 })
            }
        }
    }

    @Test("a row that is wider than a block, and channels that fill panels in part", arguments: KernelPath.all)
    func wideRows(path: KernelPath) {
        let (length, channels) = (1000, 33)
        var values = SeededValues(seed: 5)
        let input = (0..<length).map { _ in Float(values.integer(in: -3..<4)) }
        let weights = (0..<channels * 2).map { _ in Float(values.integer(in: -3..<4)) }
        for isChannelsLast in [false, true] {
            let one = mw_convolution_axis(in: 1, out: 1, kernel: 1, multiply: 1, offset: 0, tap_step: 1, divisor: 1)
            var descriptor = mw_convolution(
                batch: 1, groups: 1, in_channels: 1, out_channels: channels,
                axes: (
                    one, one,
                    mw_convolution_axis(
                        in: length, out: length - 1, kernel: 2, multiply: 1, offset: 0, tap_step: 1, divisor: 1)
                ), in_strides: (length, length, 0, 0, 1), weight_strides: (0, 2, 2, 0, 0, 1),
                is_channels_last: isChannelsLast)
            var result = [Float](repeating: .nan, count: (length - 1) * channels)
            // The arrays have the elements that the descriptor speaks of.
            _ = unsafe path.kernels.convolution.convolution(MW_DTYPE_F32, &descriptor, &result, input, weights)
            for place in 0..<length - 1 {
                for channel in 0..<channels {
                    let expected = input[place] * weights[2 * channel] + input[place + 1] * weights[2 * channel + 1]
                    let found = isChannelsLast ? place * channels + channel : channel * (length - 1) + place
                    guard result[found] == expected else {
                        Issue.record("place \(place), channel \(channel): \(result[found]), expected \(expected)")
                        return
                    }
                }
            }
        }
    }
}
