import Tensor
import Testing

// The expected numbers are those of PyTorch 2's functions of the same meaning, to seven digits.

@Suite("Losses")
struct LossTests {
    private let values = Tensor<Float>([0.5, -1.5, 3, -0.25])
    private let targets = Tensor<Float>([1, -1, 0.5, -0.25])
    private let labels01 = Tensor<Float>([0, 1, 1, 0.3])

    private func expectClose(
        _ found: Tensor<Float>, _ expected: [Float], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(found.elementCount == expected.count, sourceLocation: sourceLocation)
        for (value, other) in zip(found.scalars, expected) {
            #expect(abs(value - other) <= 2e-6 * max(1, abs(other)), sourceLocation: sourceLocation)
        }
    }

    @Test("squares, magnitudes, and what lies between them")
    func regression() {
        expectClose(values.meanSquaredError(targets, reduction: .none), [0.25, 0.25, 6.25, 0])
        expectClose(values.meanSquaredError(targets), [1.6875])
        expectClose(values.meanSquaredError(targets, reduction: .sum), [6.75])
        expectClose(values.absoluteError(targets, reduction: .none), [0.5, 0.5, 2.5, 0])
        expectClose(values.huberLoss(targets, delta: 0.75, reduction: .none), [0.125, 0.125, 1.59375, 0])
        expectClose(values.smoothAbsoluteError(targets, beta: 2, reduction: .none), [0.0625, 0.0625, 1.5, 0])
        expectClose(values.smoothAbsoluteError(targets, beta: 0, reduction: .sum), [3.5])
        let far = Tensor<Float>([.infinity, -3e38]).huberLoss(Tensor([0, 3e38]), reduction: .none).scalars
        #expect(far == [.infinity, .infinity])
    }

    @Test("binary cross-entropy of probabilities and of logits")
    func binary() {
        expectClose(
            values.binaryCrossEntropy(logitsFor: labels01, reduction: .none),
            [0.974077, 1.7014133, 0.0485874, 0.6509394])
        expectClose(
            values.binaryCrossEntropy(logitsFor: labels01, positiveWeight: Tensor(3), reduction: .none),
            [0.974077, 5.1042399, 0.1457621, 1.1465031])
        let probabilities = Tensor<Float>([0.1, 0.9, 1, 0])
        expectClose(
            probabilities.binaryCrossEntropy(labels01, reduction: .none), [0.1053605, 0.1053605, 0, 30])
    }

    @Test("a sure and right answer keeps its small loss, and a sure and wrong one does not overflow")
    func sureAnswers() {
        let loss = Tensor<Float>([20, 90, 90]).binaryCrossEntropy(logitsFor: Tensor([1, 1, 0]), reduction: .none)
            .scalars
        #expect(abs(loss[0] - 2.0611537e-9) < 1e-15)
        #expect(loss[1] < 1e-38)
        #expect(loss[2] == 90)
    }

    @Test("the Kullback-Leibler divergence, where nothing is expected of a target of 0")
    func divergence() {
        let logarithms = Tensor<Float>([0.2, 0.3, 0.5]).log()
        let target = Tensor<Float>([0.5, 0, 0.5])
        expectClose(logarithms.klDivergence(target, reduction: .none), [0.4581454, 0, 0])
        let half = Tensor<Float>([0.5]).log()
        expectClose(
            Tensor<Float>([0.2]).log().klDivergence(half, targetIsLogarithm: true, reduction: .none), [0.4581454])
    }

    @Test("hinges and cosines")
    func margins() {
        let signs = Tensor<Float>([1, -1, 1, -1])
        expectClose(values.hingeLoss(signs, reduction: .none), [0.5, 0, 0, 0.75])
        expectClose(values.hingeEmbeddingLoss(signs, reduction: .none), [0.5, 2.5, 3, 1.25])
        let left: Tensor<Float> = [[1, 2, 3], [1, 0, 0]]
        let right: Tensor<Float> = [[3, 2, 1], [1, 1, 0]]
        expectClose(
            left.cosineEmbeddingLoss(right, target: Tensor([1, -1]), margin: 0.1, reduction: .none),
            [0.2857143, 0.6071067])
    }

    @Test("class weights, smoothing, ignored labels, and the means that go with them")
    func classes() {
        let logits: Tensor<Float> = [[1, 2, 3], [0.5, -1, 0], [2, 2, 2], [1, 0, -1]]
        let labels = Tensor<Int32>([2, 0, -100, 1])
        let weights = Tensor<Float>([1, 2, 0.5])
        func entropy(_ reduction: LossReduction) -> Tensor<Float> {
            logits.crossEntropy(
                labels: labels, weights: weights, smoothing: 0.2, ignoredLabel: -100, reduction: reduction)
        }
        expectClose(entropy(.none), [0.5248171, 0.840935, 0, 2.5472775])
        expectClose(entropy(.mean), [1.1180086])
        expectClose(entropy(.sum), [3.9130297])
        expectClose(
            logits.crossEntropy(labels: labels, smoothing: 0.2, ignoredLabel: -100, reduction: .mean), [0.9175586])
        let logarithms = logits.logSoftmax()
        func likelihood(_ reduction: LossReduction) -> Tensor<Float> {
            logarithms.negativeLogLikelihood(
                labels: labels, weights: weights, ignoredLabel: -100, reduction: reduction)
        }
        expectClose(likelihood(.none), [0.203803, 0.6041306, 0, 2.8152118])
        expectClose(likelihood(.mean), [1.0351845])
        expectClose(likelihood(.sum), [3.6231456])
    }

    @Test("an ignored row may hold anything, and a mean of none is NaN")
    func ignored() {
        let logits = Tensor<Float>([.nan, 1, 0, 0], shape: [2, 2])
        let loss = logits.crossEntropy(labels: Tensor([9, 0]), ignoredLabel: 9, reduction: .none).scalars
        #expect(loss[0] == 0)
        #expect(abs(loss[1] - 0.6931472) < 1e-6)
        #expect(logits.crossEntropy(labels: Tensor([9, 9]), ignoredLabel: 9, reduction: .mean).scalar.isNaN)
    }

    @Test("what does not fit throws with the shapes")
    func mistakes() throws {
        let x = try AnyTensor.zeros([2, 3])
        expectError(.shapeMismatch, mentioning: "meanSquaredError", "[2, 3]", "[3]") {
            _ = try x.meanSquaredError(.zeros([3]))
        }
        expectError(.shapeMismatch, mentioning: "huberLoss", "delta") { _ = try x.huberLoss(x, delta: 0) }
        expectError(.shapeMismatch, mentioning: "beta") { _ = try x.smoothAbsoluteError(x, beta: -1) }
        expectError(.shapeMismatch, mentioning: "smoothing") {
            _ = try x.crossEntropy(labels: .zeros([2], dtype: .int32), smoothing: 2, reduction: .mean)
        }
        expectError(.shapeMismatch, mentioning: "crossEntropy", "weights [2]") {
            _ = try x.crossEntropy(labels: .zeros([2], dtype: .int32), weights: .zeros([2]), reduction: .mean)
        }
        expectError(.indexOutOfRange, mentioning: "negativeLogLikelihood", "0..<3") {
            _ = try x.negativeLogLikelihood(labels: AnyTensor([0, 3] as [Int32], shape: [2]))
        }
        expectError(.shapeMismatch, mentioning: "negativeLogLikelihood", "[3]") {
            _ = try x.negativeLogLikelihood(labels: .zeros([3], dtype: .int32))
        }
        expectError(.dtypeMismatch, mentioning: "float32") {
            _ = try x.meanSquaredError(.zeros([2, 3], dtype: .int32))
        }
    }
}
