import Autodiff
import Foundation
import NeuralNetwork
import Tensor
import Testing

@Suite struct ClassificationTests {
    @Test("cross-entropy is the mean of the labels' negative log-probabilities")
    func crossEntropyOfKnownLogits() throws {
        let logits = Tensor<Float>([1, 2, 3, 0, 0, 0], shape: [2, 3])
        let loss = try crossEntropy(logits, Tensor<Int32>([2, 1])).scalar
        let sum = exp(1.0) + exp(2.0) + exp(3.0)
        #expect(abs(Double(loss) - (log(sum) - 3 + log(3.0)) / 2) < 1e-6)
    }

    @Test("a label that names no class throws", arguments: [3, -1] as [Int32])
    func wrongLabel(label: Int32) {
        let error = #expect(throws: TensorError.self) {
            try crossEntropy(Tensor.zeros([2, 3]), Tensor<Int32>([0, label]))
        }
        #expect(error?.code == .indexOutOfRange)
    }

    @Test("labels that are not one to a row throw")
    func wrongNumberOfLabels() {
        let labels = Tensor<Int32>([0, 1, 2])
        #expect(throws: TensorError.self) { try crossEntropy(Tensor.zeros([2, 3]), labels) }
        #expect(throws: TensorError.self) { try accuracy(Tensor.zeros([2, 3]), labels) }
        #expect(throws: TensorError.self) { try accuracy(Tensor.zeros([3]), labels) }
    }

    @Test("binary cross-entropy is the mean of the answers' negative log-probabilities, at logits of any size")
    func binaryCrossEntropyOfKnownLogits() throws {
        let loss = try binaryCrossEntropy(Tensor<Float>([0, 2, -3]), Tensor<Float>([1, 0, 0.25])).scalar
        let expected = [log(2.0), log(1 + exp(2.0)), log(1 + exp(-3.0)) + 0.25 * 3]
        #expect(abs(Double(loss) - expected.reduce(0, +) / 3) < 1e-6)
        #expect(try binaryCrossEntropy(Tensor<Float>([1_000, -1_000]), Tensor<Float>([1, 0])).scalar == 0)
        #expect(try binaryCrossEntropy(Tensor<Float>([1_000, -1_000]), Tensor<Float>([0, 1])).scalar == 1_000)
        let weighted = try binaryCrossEntropy(
            Tensor<Float>([0, 0]), Tensor<Float>([1, 0]), positiveWeight: Tensor<Float>([3])
        ).scalar
        #expect(abs(Double(weighted) - 2 * log(2.0)) < 1e-6)
        #expect(throws: TensorError.self) { try binaryCrossEntropy(Tensor.zeros([3]), Tensor.zeros([2])) }
    }

    @Test("the gradient of binary cross-entropy is what the probabilities are off by")
    func gradientOfBinaryCrossEntropy() throws {
        let (logits, targets) = ([-40, -1, 0, 2, 40] as [Float], Tensor<Float>([0, 1, 0.5, 0, 0]))
        let found = try valueAndGradient(at: Tensor(logits)) { x in try binaryCrossEntropy(x, targets) }
            .gradient.scalars
        for (place, (x, t)) in zip(logits, targets.scalars).enumerated() {
            let expected = (1 / (1 + exp(-Double(x))) - Double(t)) / 5
            #expect(abs(Double(found[place]) - expected) < 1e-6, "\(x)")
        }
    }

    @Test("accuracy counts the rows whose largest logit is the label's")
    func accuracyOfKnownLogits() throws {
        let logits = Tensor<Float>([1, 2, 0, 5, 5, 1, -1, -2, -3, 0, 0, 9], shape: [4, 3])
        #expect(try accuracy(logits, Tensor<Int32>([1, 0, 0, 2])) == 1)
        #expect(try accuracy(logits, Tensor<Int32>([1, 1, 2, 2])) == 0.5)
        #expect(try accuracy(logits, Tensor<Int32>([7, -1, 2, 0])) == 0)
    }

    @Test("relu keeps what is positive")
    func reluOfKnownValues() {
        #expect(relu(Tensor<Float>([-1, 0, 2])).scalars == [0, 0, 2])
    }
}
