import Foundation
import Tensor
import Testing

@Suite("Convolution")
struct ConvolutionTests {
    /// One or two spatial axes, channels first: the definition in double precision.
    private static func reference(
        _ input: [Float], _ inputShape: [Int], _ weights: [Float], _ weightShape: [Int], stride: Int, before: Int,
        after: Int, dilation: Int, groups: Int
    ) -> (values: [Double], shape: [Int]) {
        let (batch, channels, height, width) = (inputShape[0], inputShape[1], inputShape[2], inputShape[3])
        let (out, inner, high, wide) = (weightShape[0], weightShape[1], weightShape[2], weightShape[3])
        func length(_ from: Int, _ kernel: Int) -> Int {
            (from + before + after - (kernel - 1) * dilation - 1) / stride + 1
        }
        let shape = [batch, out, length(height, high), length(width, wide)]
        let values = NestedArray<Float>(shape: shape) { _ in 0 }.indices.map { index in
            var sum = 0.0
            for c in 0..<inner {
                for i in 0..<high {
                    for j in 0..<wide {
                        let y = index[2] * stride - before + i * dilation
                        let x = index[3] * stride - before + j * dilation
                        guard (0..<height).contains(y), (0..<width).contains(x) else { continue }
                        let channel = index[1] / (out / groups) * inner + c
                        sum +=
                            Double(input[((index[0] * channels + channel) * height + y) * width + x])
                            * Double(weights[((index[1] * inner + c) * high + i) * wide + j])
                    }
                }
            }
            return sum
        }
        return (values, shape)
    }

    @Test("images of views, in both layouts, with strides, dilations, groups and biases", arguments: 0..<6)
    func images(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let cases: [(input: [Int], weights: [Int], stride: Int, padding: Int, dilation: Int, groups: Int)] = [
            ([2, 3, 7, 9], [4, 3, 3, 3], 1, 1, 1, 1), ([1, 4, 8, 8], [6, 2, 3, 2], 2, 0, 1, 2),
            ([1, 2, 9, 9], [3, 2, 3, 3], 1, 2, 2, 1), ([2, 5, 6, 6], [5, 1, 3, 3], 1, 1, 1, 5),
            ([1, 3, 5, 5], [6, 1, 2, 2], 3, 0, 1, 3), ([1, 1, 1, 1], [1, 1, 1, 1], 1, 0, 1, 1),
        ]
        for (input, weights, stride, padding, dilation, groups) in cases {
            let x = try RandomView(shape: input, using: &generator)
            let w = try RandomView(shape: weights, using: &generator)
            let bias = try AnyTensor((0..<weights[0]).map { Float($0) }, shape: Shape([weights[0]]))
            let expected = Self.reference(
                x.model.values, input, w.model.values, weights, stride: stride, before: padding, after: padding,
                dilation: dilation, groups: groups)
            let first = try x.tensor.convolution(
                w.tensor, bias: bias, strides: [stride, stride], padding: .symmetric([padding, padding]),
                dilations: [dilation, dilation], groups: groups)
            let last = try x.tensor.transposed([0, 2, 3, 1]).convolution(
                w.tensor, bias: bias, strides: [stride, stride], padding: .symmetric([padding, padding]),
                dilations: [dilation, dilation], groups: groups, layout: .channelsLast)
            #expect(Array(first.shape) == expected.shape)
            let places = expected.shape[2] * expected.shape[3]
            let lastValues = try last.transposed([0, 3, 1, 2]).scalars(as: Float.self)
            for (index, found) in try first.scalars(as: Float.self).enumerated() {
                let sum = expected.values[index] + Double(index / places % weights[0])
                #expect(abs(Double(found) - sum) < 1e-4, "seed \(seed), \(input), \(weights)")
                #expect(abs(Double(lastValues[index]) - sum) < 1e-4, "seed \(seed), \(input), \(weights)")
            }
        }
    }

    @Test("same padding keeps ⌈length / stride⌉ places, the odd zero at the end")
    func samePadding() {
        let signal = Tensor<Float>([1, 2, 3, 4, 5], shape: [1, 1, 5])
        let pair = Tensor<Float>([1, 10], shape: [1, 1, 2])
        #expect(signal.convolution(pair, padding: .same).scalars == [21, 32, 43, 54, 5])
        #expect(signal.convolution(pair, strides: [2], padding: .same).scalars == [21, 43, 5])
        #expect(signal.convolution(pair, padding: .explicit(before: [1], after: [0])).scalars == [10, 21, 32, 43, 54])
        #expect(signal.convolution(pair).scalars == [21, 32, 43, 54])
        #expect(signal.convolution(pair, dilations: [3]).scalars == [41, 52])
    }

    @Test("a volume is the sum over its depths of images")
    func volumes() throws {
        var generator = SeededGenerator(seed: 3)
        let x = try RandomView(shape: [2, 3, 4, 5, 6], using: &generator).tensor
        let w = try RandomView(shape: [5, 3, 2, 3, 3], using: &generator).tensor
        let volume = try x.convolution(w, padding: .symmetric([0, 1, 1]))
        #expect(volume.shape == [2, 5, 3, 5, 6])
        for depth in 0..<3 {
            let upper = try x.element(depth, axis: 2).convolution(w.element(0, axis: 2), padding: .symmetric([1, 1]))
            let lower = try x.element(depth + 1, axis: 2)
                .convolution(w.element(1, axis: 2), padding: .symmetric([1, 1]))
            let expected = try (upper + lower).scalars(as: Float.self)
            for (found, sum) in zip(try volume.element(depth, axis: 2).scalars(as: Float.self), expected) {
                #expect(abs(found - sum) < 1e-4)
            }
        }
    }

    @Test("the transpose is the adjoint: ⟨convolution(x), y⟩ = ⟨x, transpose(y)⟩", arguments: 0..<4)
    func adjoint(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let stride = 1 + Int(seed) % 3
        let groups = 1 + Int(seed) % 2
        let x = try RandomView(shape: [2, 4, 8, 7], using: &generator).tensor
        let w = try RandomView(shape: [6, 4 / groups, 3, 2], using: &generator).tensor
        let padding = ConvolutionPadding.symmetric([1, 0])
        let y = try x.convolution(w, strides: [stride, stride], padding: padding, groups: groups)
        let extra = [(8 + 2 - 3) % stride, (7 - 2) % stride]
        for layout in [SpatialLayout.channelsFirst, .channelsLast] {
            let upstream = layout == .channelsFirst ? y : try y.transposed([0, 2, 3, 1])
            var back = try upstream.transposedConvolution(
                w, strides: [stride, stride], padding: padding, outputPadding: extra, groups: groups, layout: layout)
            if layout == .channelsLast { back = try back.transposed([0, 3, 1, 2]) }
            #expect(back.shape == x.shape)
            let left = try (y * y).sum().scalars(as: Float.self)[0]
            let right = try (x * back).sum().scalars(as: Float.self)[0]
            #expect(abs(left - right) < 1e-4 * abs(left), "seed \(seed)")
        }
    }

    @Test("a transposed convolution of one element is its weights, spread by stride and dilation")
    func transposedLengths() {
        let x = Tensor<Float>([2, 3], shape: [1, 1, 2])
        let w = Tensor<Float>([1, 10], shape: [1, 1, 2])
        #expect(x.transposedConvolution(w, strides: [3]).scalars == [2, 20, 0, 3, 30])
        #expect(x.transposedConvolution(w, strides: [3], outputPadding: [1]).scalars == [2, 20, 0, 3, 30, 0])
        #expect(x.transposedConvolution(w, dilations: [2]).scalars == [2, 3, 20, 30])
        #expect(x.transposedConvolution(w, strides: [2], padding: .symmetric([1])).scalars == [20, 3])
    }

    @Test("16-bit floats and float64 convolve; a NaN reaches only the places that read it")
    func otherTypes() {
        let half = Tensor<Float16>([1, 2, 3], shape: [1, 1, 3])
        #expect(half.convolution(Tensor<Float16>([1, 1], shape: [1, 1, 2])).scalars == [3, 5])
        let brain = Tensor<BFloat16>([1, 2, 3], shape: [1, 3, 1])
        let ones = Tensor<BFloat16>([1, 1], shape: [1, 1, 2])
        #expect(brain.convolution(ones, layout: .channelsLast).scalars == [3, 5])
        let double = Tensor<Double>([1, 2, 1e-12], shape: [1, 1, 3])
        #expect(double.convolution(Tensor<Double>([1, 1], shape: [1, 1, 2])).scalars == [3, 2 + 1e-12])
        let holed = Tensor<Float>([1, .nan, 3, 4, 5], shape: [1, 1, 5])
        let sums = holed.convolution(Tensor<Float>([1, 1], shape: [1, 1, 2])).scalars
        #expect(sums.map(\.isNaN) == [true, true, false, false])
    }

    @Test("an empty batch gives an empty result")
    func empty() throws {
        let result = try AnyTensor.zeros([0, 2, 4, 4]).convolution(.zeros([3, 2, 3, 3]))
        #expect(result.shape == [0, 3, 2, 2])
    }

    @Test("what does not fit throws with the shapes")
    func mistakes() throws {
        let image = try AnyTensor.zeros([1, 4, 5, 5])
        func weights(_ shape: Shape) throws -> AnyTensor { try .zeros(shape) }
        expectError(.shapeMismatch, mentioning: "convolution", "[1, 4, 5, 5]", "[3, 3, 3, 3]", "4 channels") {
            _ = try image.convolution(weights([3, 3, 3, 3]))
        }
        expectError(.shapeMismatch, mentioning: "[3, 4, 3]") { _ = try image.convolution(weights([3, 4, 3])) }
        expectError(.shapeMismatch, mentioning: "spatial axes") {
            _ = try AnyTensor.zeros([4, 5]).convolution(weights([3, 4]))
        }
        expectError(.shapeMismatch, mentioning: "strides", "[0, 1]") {
            _ = try image.convolution(weights([3, 4, 3, 3]), strides: [0, 1])
        }
        expectError(.shapeMismatch, mentioning: "dilations", "[-1, 1]") {
            _ = try image.convolution(weights([3, 4, 3, 3]), dilations: [-1, 1])
        }
        expectError(.shapeMismatch, mentioning: "padding", "[1]") {
            _ = try image.convolution(weights([3, 4, 3, 3]), padding: .symmetric([1]))
        }
        expectError(.shapeMismatch, mentioning: "kernel of 6", "[1, 4, 5, 5]") {
            _ = try image.convolution(weights([3, 4, 6, 6]))
        }
        expectError(.shapeMismatch, mentioning: "kernel of 3", "dilation 3") {
            _ = try image.convolution(weights([3, 4, 3, 3]), dilations: [3, 1])
        }
        expectError(.shapeMismatch, mentioning: "3 groups") {
            _ = try image.convolution(weights([4, 2, 3, 3]), groups: 3)
        }
        expectError(.shapeMismatch, mentioning: "0 groups") {
            _ = try image.convolution(weights([4, 2, 3, 3]), groups: 0)
        }
        expectError(.shapeMismatch, mentioning: "bias", "[5]", "3 channels") {
            _ = try image.convolution(weights([3, 4, 3, 3]), bias: .zeros([5]))
        }
        expectError(.dtypeMismatch, mentioning: "convolution", "int32") {
            _ = try image.convolution(.zeros([3, 4, 3, 3], dtype: .int32))
        }
        expectError(.shapeMismatch, mentioning: "transposedConvolution", "[1, 4, 5, 5]") {
            _ = try image.transposedConvolution(weights([3, 4, 3, 3]))
        }
        expectError(.shapeMismatch, mentioning: "output padding") {
            _ = try image.transposedConvolution(weights([4, 4, 3, 3]), strides: [2, 2], outputPadding: [2, 0])
        }
        expectError(.shapeMismatch, mentioning: "leave nothing") {
            _ = try image.transposedConvolution(weights([4, 4, 1, 1]), padding: .symmetric([3, 3]))
        }
    }
}
