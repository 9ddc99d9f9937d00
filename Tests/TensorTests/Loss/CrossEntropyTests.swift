import Foundation
import Tensor
import Testing

@Suite("Cross-entropy")
struct CrossEntropyTests {
    @Test("the loss of each row is the logarithm of the label's probability, negated", arguments: 0..<3)
    func values(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for shape in [[1, 1], [6, 10], [2, 3, 4], [29, 7]] {
            let logits = try RandomView(shape: shape, in: -20...20, using: &generator)
            let rows = shape.dropLast().reduce(1, *)
            let labels = (0..<rows).map { _ in Int32.random(in: 0..<Int32(shape.last!), using: &generator) }
            let loss = try logits.tensor.crossEntropy(labels: AnyTensor(labels, shape: Shape(shape.dropLast())))
            #expect(Array(loss.shape) == Array(shape.dropLast()))
            let values = logits.model.values
            for (row, found) in try loss.scalars(as: Float.self).enumerated() {
                let scores = values[row * shape.last!..<(row + 1) * shape.last!].map(Double.init)
                let largest = scores.max()!
                let expected = log(scores.reduce(0) { $0 + exp($1 - largest) }) + largest - scores[Int(labels[row])]
                #expect(abs(Double(found) - expected) < 1e-5, "seed \(seed)")
            }
        }
    }

    @Test("a label that names no class throws with its place and its value")
    func outOfRange() throws {
        let logits = try AnyTensor.zeros([3, 10])
        for wrong: Int32 in [10, -1] {
            expectError(.indexOutOfRange, mentioning: "label", "element 2", "\(wrong)", "0..<10") {
                _ = try logits.crossEntropy(labels: AnyTensor([0, 9, wrong], shape: [3]))
            }
        }
        expectError(.shapeMismatch, mentioning: "[3, 10]", "[2]") {
            _ = try logits.crossEntropy(labels: .zeros([2], dtype: .int32))
        }
        expectError(.dtypeMismatch, mentioning: "int32") { _ = try logits.crossEntropy(labels: .zeros([3])) }
        expectError(.indexOutOfRange) {
            _ = try AnyTensor.zeros([1, 0]).crossEntropy(labels: .zeros([1], dtype: .int32))
        }
    }
}
