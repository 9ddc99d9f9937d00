import Tensor

/// Losses of classes, which ONNX has on the second axis and the library on the last one.
let onnxLosses: [String: GoldenOperation] = [
    "NegativeLogLikelihoodLoss": { golden in
        let scores = try golden.input(0).movingAxis(1, to: -1)
        return [
            try scores.negativeLogLikelihood(
                labels: golden.input(1), weights: golden.optionalInput(2),
                ignoredLabel: golden.integer("ignore_index").map { Int32($0) }, reduction: golden.lossReduction())
        ]
    },
    "SoftmaxCrossEntropyLoss": { golden in
        let scores = try golden.input(0).movingAxis(1, to: -1)
        let loss = try scores.crossEntropy(
            labels: golden.input(1), weights: golden.optionalInput(2),
            ignoredLabel: golden.integer("ignore_index").map { Int32($0) }, reduction: golden.lossReduction())
        guard golden.outputCount > 1 else { return [loss] }
        return [loss, try golden.input(0).logSoftmax(axis: 1)]
    },
]

extension GoldenCase {
    fileprivate func lossReduction() throws -> LossReduction {
        switch text("reduction") ?? "mean" {
        case "none": .none
        case "mean": .mean
        case "sum": .sum
        case let name: throw OutsideScope("the reduction \(name)")
        }
    }
}
