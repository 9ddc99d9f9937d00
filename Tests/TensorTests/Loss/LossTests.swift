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

    @Test("counts under Poisson distributions, targets under normal ones")
    func likelihoods() {
        let counts = Tensor<Float>([0, 1, 3, 2])
        expectClose(
            values.poissonLikelihoodLoss(counts, reduction: .none), [1.6487213, 1.7231302, 11.0855369, 1.2788008])
        expectClose(
            values.poissonLikelihoodLoss(counts, addsFactorial: true, reduction: .none),
            [1.6487213, 1.7231302, 12.8496185, 1.9306073])
        let rates = Tensor<Float>([0.5, 1.5, 3, 0.25])
        expectClose(
            rates.poissonLikelihoodLoss(counts, isLogarithm: false, reduction: .none),
            [0.5, 1.0945349, -0.2958369, 3.0225886])
        let near = values + Tensor([1, -1, 2, 0]), variance = Tensor<Float>([1, 0.5, 2, 1e-9])
        expectClose(
            values.gaussianLikelihoodLoss(near, variance: variance, reduction: .none),
            [0.5, 0.6534264, 1.3465736, -6.9077553])
        expectClose(values.gaussianLikelihoodLoss(near, variance: variance, addsConstant: true), [-0.1830003])
    }

    @Test("triplets of vectors")
    func triplets() {
        let anchors: Tensor<Float> = [[1, 2, 3], [0, 0, 1]]
        expectClose(
            anchors.tripletMarginLoss(
                positive: [[1, 2, 2], [0, 1, 1]], negative: [[3, 2, 1], [0, 0, 1]], reduction: .none), [0, 1.9999973])
    }

    @Test("float64 keeps its digits; a 16-bit loss is the float32 one, rounded once")
    func otherTypes() throws {
        let logits = Tensor<Double>([1, 2, 3, 0.5, -1, 0, 2, 2, 2, 1, 0, -1], shape: [4, 3])
        let labels = Tensor<Int32>([2, 0, -100, 1])
        let entropy = logits.crossEntropy(
            labels: labels, weights: Tensor([1, 2, 0.5]), smoothing: 0.2, ignoredLabel: -100, reduction: .none)
        for (found, expected) in zip(
            entropy.scalars, [0.5248171108147743, 0.8409349588479527, 0, 2.547277601481364])
        {
            #expect(abs(found - expected) < 1e-14)
        }
        let binary = Tensor<Double>([0.5, -1.5, 3, -0.25]).binaryCrossEntropy(
            logitsFor: Tensor([0, 1, 1, 0.3]), reduction: .none)
        for (found, expected) in zip(
            binary.scalars, [0.9740769841801067, 1.7014132779827524, 0.04858735157374206, 0.6509394198788436])
        {
            #expect(abs(found - expected) < 1e-15)
        }
        // 300² is beyond float16, and the mean of four is not.
        let far = Tensor<Float16>([300, 0, 0, 0]).meanSquaredError(Tensor([0, 0, 0, 0]))
        #expect(far.scalars == [22_496])
        let narrow = Tensor<BFloat16>([0.5, -1.5, 3, -0.25]), ones = Tensor<BFloat16>([0, 1, 1, 0])
        let wide = narrow.cast(to: Float.self).binaryCrossEntropy(logitsFor: ones.cast(to: Float.self))
        #expect(narrow.binaryCrossEntropy(logitsFor: ones).scalars == wide.cast(to: BFloat16.self).scalars)
        let half = logits.cast(to: Float16.self)
        let rows = half.cast(to: Float.self).crossEntropy(labels: Tensor<Int32>([2, 0, 0, 1]))
        #expect(half.crossEntropy(labels: Tensor<Int32>([2, 0, 0, 1])).scalars == rows.cast(to: Float16.self).scalars)
        expectError(.indexOutOfRange, mentioning: "crossEntropy", "-1") {
            _ = try logits.core.crossEntropy(labels: AnyTensor([0, 0, 0, -1] as [Int32], shape: [4]))
        }
    }

    @Test("alignments of labels in time, with lengths of their own")
    func connectionist() throws {
        let angles = Tensor<Float>((0..<24).map { Float($0) * 0.7 }, shape: [2, 4, 3])
        let logarithms = angles.sin().logSoftmax()
        let labels = Tensor<Int32>([1, 1, 2, 9], shape: [2, 2])
        func loss(_ reduction: LossReduction) -> Tensor<Float> {
            logarithms.connectionistLoss(
                labels: labels, inputLengths: [4, 3], labelLengths: [2, 1], reduction: reduction)
        }
        expectClose(loss(.none), [2.7509945, 1.3064895])
        expectClose(loss(.mean), [1.3409934])
        // Two equal labels need a blank between them; no label needs blanks only.
        let short = Tensor<Float>(
            [-1.7198181, -1.0756005, -0.7343684, -0.6348091, -1.163030, -1.848802], shape: [1, 2, 3])
        #expect(short.connectionistLoss(labels: Tensor<Int32>([1, 1], shape: [1, 2])).scalar == .infinity)
        expectClose(
            short.connectionistLoss(labels: Tensor<Int32>([1, 1], shape: [1, 2]), labelLengths: [0], reduction: .sum),
            [2.3546273])
        expectError(.indexOutOfRange, mentioning: "connectionistLoss", "row 1", "0..<3") {
            _ = try logarithms.core.connectionistLoss(labels: labels.core)
        }
        expectError(.shapeMismatch, mentioning: "connectionistLoss", "[5, 4]") {
            _ = try logarithms.core.connectionistLoss(labels: labels.core, inputLengths: [5, 4])
        }
    }

    @Test("an ignored row may hold anything, and a mean of none is NaN")
    func ignored() {
        let logits = Tensor<Float>([.nan, 1, 0, 0], shape: [2, 2])
        let loss = logits.crossEntropy(labels: Tensor<Int32>([9, 0]), ignoredLabel: 9, reduction: .none).scalars
        #expect(loss[0] == 0)
        #expect(abs(loss[1] - 0.6931472) < 1e-6)
        #expect(logits.crossEntropy(labels: Tensor<Int32>([9, 9]), ignoredLabel: 9, reduction: .mean).scalar.isNaN)
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
        expectError(.shapeMismatch, mentioning: "binaryCrossEntropy", "weights [5, 2, 3]") {
            _ = try x.binaryCrossEntropy(logitsFor: x, positiveWeight: .zeros([5, 2, 3]))
        }
        expectError(.dtypeMismatch, mentioning: "crossEntropy", "float64") {
            _ = try x.crossEntropy(
                labels: .zeros([2], dtype: .int32), weights: .zeros([3], dtype: .float64), reduction: .mean)
        }
        expectError(.dtypeMismatch, mentioning: "absoluteError", "floats") {
            let integers = try AnyTensor.zeros([2], dtype: .int32)
            _ = try integers.absoluteError(integers)
        }
        expectError(.dtypeMismatch, mentioning: "float32") {
            _ = try x.meanSquaredError(.zeros([2, 3], dtype: .int32))
        }
    }
}
