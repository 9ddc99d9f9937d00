import Tensor

extension DerivativeCase {
    static let normalizations: [DerivativeCase] = [
        DerivativeCase(.layerNorm, "rows", [[3, 5]]) { try $0[0].layerNorm(epsilon: 0.1) },
        DerivativeCase(.layerNorm, "weights and biases of two axes", [[2, 3, 2], [3, 2], [3, 2]]) {
            try $0[0].layerNorm(weight: $0[1], bias: $0[2], axes: 2, epsilon: 0.1)
        },
        DerivativeCase(.rootMeanSquareNorm, "rows with weights", [[3, 4], [4]]) {
            try $0[0].rmsNorm(weight: $0[1], epsilon: 0.1)
        },
        DerivativeCase(.groupNorm, "two groups of channels", [[2, 4, 3], [4], [4]]) {
            try $0[0].groupNorm(groups: 2, weight: $0[1], bias: $0[2], epsilon: 0.1)
        },
        DerivativeCase(.groupNorm, "instances, without weights", [[2, 2, 2, 2]]) {
            try $0[0].instanceNorm(epsilon: 0.1)
        },
    ]

    static let convolutions: [DerivativeCase] = [
        DerivativeCase(.convolution, "an image", [[2, 2, 4, 5], [3, 2, 3, 2], [3]], in: -1...1) {
            try $0[0].convolution($0[1], bias: $0[2], padding: .same)
        },
        DerivativeCase(.convolution, "strides, dilations and groups", [[1, 7, 4], [6, 2, 3]], in: -1...1) {
            try $0[0].convolution(
                $0[1], strides: [2], padding: .symmetric([1]), dilations: [2], groups: 2, layout: .channelsLast)
        },
        DerivativeCase(.transposedConvolution, "an output padding", [[1, 2, 3, 3], [2, 2, 3, 3]], in: -1...1) {
            try $0[0].transposedConvolution(
                $0[1], strides: [2, 2], padding: .symmetric([1, 1]), outputPadding: [1, 0])
        },
        DerivativeCase(.convolutionWeights, "of a gradient", [[1, 2, 5], [2, 2, 2]], in: -1...1) { operands in
            // The gradient of ⟨y, convolution(x, w)⟩ by w is linear in x and in y.
            var geometry = ConvolutionGeometry(
                strides: AxisValues(repeating: 2), dilations: AxisValues(repeating: 1),
                before: AxisValues(repeating: 0), after: AxisValues(repeating: 0), groups: 1, layout: .channelsFirst,
                input: AxisValues(repeating: 1), kernel: AxisValues(repeating: 1))
            geometry.input[0] = 5
            geometry.kernel[0] = 3
            geometry.strides = AxisValues(repeating: 2)
            var (x, y) = (operands[0], try operands[1].sliced(axis: 0, 0..<1))
            return try Primitive.convolutionWeights.apply(&x, &y, .convolution(geometry))
        },
        DerivativeCase(.maxPool, "overlapping windows", [[2, 2, 4, 4]], in: -1...1) {
            try apart($0[0]).maxPool([3, 3], strides: [1, 2], padding: [1, 1])
        },
        DerivativeCase(.maxPool, "channels last", [[2, 5, 3]], in: -1...1) {
            try apart($0[0]).maxPool([2], strides: [2], layout: .channelsLast)
        },
        DerivativeCase(.averagePool, "padding that does not count", [[1, 2, 4, 5]]) {
            try $0[0].averagePool([3, 2], strides: [2, 2], padding: [1, 1])
        },
        DerivativeCase(.averagePool, "padding that counts, channels last", [[2, 5, 2]]) {
            try $0[0].averagePool([3], strides: [1], padding: [1], countsPadding: true, layout: .channelsLast)
        },
        DerivativeCase(.averagePool, "dilated windows, of which the last covers a rest", [[1, 2, 6, 7]]) {
            try $0[0].averagePool(
                [2, 3], strides: [3, 3], padding: .explicit(before: [1, 0], after: [0, 1]), dilations: [2, 1],
                roundsUp: true)
        },
        DerivativeCase(.maxPool, "a rest", [[1, 1, 5]], in: -1...1) { try apart($0[0]).maxPool([2], roundsUp: true) },
    ]

    static let attentions: [DerivativeCase] = [
        DerivativeCase(.attention, "heads", [[1, 2, 3, 2], [1, 2, 4, 2], [1, 2, 4, 3]], in: -1...1) {
            try $0[0].attention(keys: $0[1], values: $0[2])
        },
        DerivativeCase(
            .attention, "heads that share keys, a mask", [[2, 2, 3, 2], [2, 1, 3, 2], [2, 1, 3, 2], [3, 3]],
            in: -1...1
        ) {
            try $0[0].attention(keys: $0[1], values: $0[2], mask: $0[3], scale: 0.7)
        },
        DerivativeCase(.attention, "causal", [[1, 1, 3, 2], [1, 1, 3, 2], [1, 1, 3, 2]], in: -1...1) {
            try $0[0].attention(keys: $0[1], values: $0[2], isCausal: true)
        },
    ]

    /// The values so far apart that no small step changes which one is the largest.
    private static func apart(_ operand: AnyTensor) throws -> AnyTensor {
        let order = RandomKey(seed: 1).permutation(operand.elementCount).map { Float($0) * 5 }
        return try operand + AnyTensor(order, shape: operand.shape)
    }
}
