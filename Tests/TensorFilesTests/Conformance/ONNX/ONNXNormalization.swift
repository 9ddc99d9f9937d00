import Tensor

/// Normalisations. ONNX's ε is 10⁻⁵ where nothing is said, as the library's.
let onnxNormalization: [String: GoldenOperation] = [
    "BatchNormalization": { golden in
        let x = try golden.input(0)
        let (weight, bias) = (try golden.input(1), try golden.input(2))
        let (mean, variance) = (try golden.input(3), try golden.input(4))
        let epsilon = golden.number("epsilon") ?? 1e-5
        guard golden.integer("training_mode") == 1 else {
            return [try x.batchNorm(mean: mean, variance: variance, weight: weight, bias: bias, epsilon: epsilon)]
        }
        let batch = try x.batchNorm(weight: weight, bias: bias, epsilon: epsilon)
        let kept = golden.number("momentum") ?? 0.9
        return [
            batch.result, try mean * kept + batch.mean * (1 - kept), try variance * kept + batch.variance * (1 - kept),
        ]
    },
    "InstanceNormalization": { golden in
        let epsilon = golden.number("epsilon") ?? 1e-5
        return [try golden.input(0).instanceNorm(weight: golden.input(1), bias: golden.input(2), epsilon: epsilon)]
    },
    "GroupNormalization": { golden in
        // Before version 21, weights and biases are those of groups.
        guard golden.opset >= 21 else { throw OutsideScope("weights of groups, which ONNX has given up") }
        return [
            try golden.input(0).groupNorm(
                groups: golden.integer("num_groups") ?? 1, weight: golden.input(1), bias: golden.input(2),
                epsilon: golden.number("epsilon") ?? 1e-5)
        ]
    },
    "LayerNormalization": { golden in
        let x = try golden.input(0)
        let axis = golden.integer("axis") ?? -1
        let count = axis < 0 ? -axis : x.rank - axis
        let epsilon = golden.number("epsilon") ?? 1e-5
        let result = try x.layerNorm(
            weight: golden.input(1), bias: golden.optionalInput(2), axes: count, epsilon: epsilon)
        guard golden.outputCount > 1 else { return [result] }
        let axes = Array(x.rank - count..<x.rank)
        let variance = try x.variance(axes: axes, keepsDimensions: true)
        let scale = try (variance + epsilon).reciprocalSquareRoot()
        return [result, try x.mean(axes: axes, keepsDimensions: true), scale]
    },
    "MeanVarianceNormalization": { golden in
        let x = try golden.input(0)
        let axes = golden.integers("axes") ?? [0, 2, 3]
        let deviation = try x.standardDeviation(axes: axes, keepsDimensions: true)
        return [try (x - x.mean(axes: axes, keepsDimensions: true)) / (deviation + 1e-9)]
    },
]
