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
        expectError(.dtypeMismatch, mentioning: "integers") { _ = try logits.crossEntropy(labels: .zeros([3])) }
        expectError(.indexOutOfRange) {
            _ = try AnyTensor.zeros([1, 0]).crossEntropy(labels: .zeros([1], dtype: .int32))
        }
    }

    @Test("labels of every integer type name the same classes", arguments: DType.allCases.filter(\.isInteger))
    func labelTypes(dtype: DType) throws {
        let scores = try AnyTensor((0..<12).map { Float($0 * 5 % 7) }, shape: [3, 4])
        let labels = try AnyTensor([3, 0, 2] as [Int32], shape: [3])
        let others = try labels.cast(to: dtype)
        func same(_ loss: (AnyTensor) throws -> AnyTensor) throws {
            #expect(try loss(others).scalars(as: Float.self) == loss(labels).scalars(as: Float.self))
        }
        try same { try scores.crossEntropy(labels: $0) }
        try same { try scores.cast(to: .float64).crossEntropy(labels: $0).cast(to: .float32) }
        try same { try scores.crossEntropy(labels: $0, smoothing: 0.1, ignoredLabel: 2, reduction: .sum) }
        try same { try scores.logSoftmax().negativeLogLikelihood(labels: $0) }
        try same { labels in
            try scores.reshaped(to: [1, 3, 4]).logSoftmax().connectionistLoss(
                labels: labels.sliced(axis: 0, 0..<1).reshaped(to: [1, 1]))
        }
        let abstract = try AnyTensor.abstract(shape: [3, 4], dtype: .float32)
            .crossEntropy(labels: .abstract(shape: [3], dtype: dtype))
        #expect(abstract.shape == [3])
        // 4 names no class in any type, nor does what would be 1 in 32 bits.
        let wrong = try AnyTensor([1, 4, 0] as [Int32], shape: [3]).cast(to: dtype)
        expectError(.indexOutOfRange, mentioning: "crossEntropy", "element 1 is 4") {
            _ = try scores.crossEntropy(labels: wrong)
        }
        guard dtype.byteWidth == 8 else { return }
        let far = try others * .scalar(0x1p32, dtype: dtype) + .scalar(1, dtype: dtype)
        expectError(.indexOutOfRange, mentioning: "crossEntropy", "element 0", "12884901889") {
            _ = try scores.crossEntropy(labels: far)
        }
    }

    @Test("what is below zero in 32 bits, or beyond 63 bits, is told as it was given")
    func farLabels() throws {
        let scores = try AnyTensor.zeros([2, 4])
        for (labels, value) in [
            (try AnyTensor([0, -5_000_000_000] as [Int64], shape: [2]), "-5000000000"),
            (try AnyTensor([0, .max] as [UInt64], shape: [2]), "18446744073709551615"),
            (try AnyTensor([0, .max] as [UInt32], shape: [2]), "4294967295"),
        ] {
            expectError(.indexOutOfRange, mentioning: "negativeLogLikelihood", "element 1", value) {
                _ = try scores.negativeLogLikelihood(labels: labels)
            }
        }
        expectError(.indexOutOfRange, mentioning: "crossEntropy", "-3") {
            _ = try scores.crossEntropy(labels: AnyTensor([1, -3] as [Int8], shape: [2]))
        }
        #expect(
            Tensor<Float>.zeros([2, 4]).crossEntropy(labels: Tensor<UInt8>([3, 0])).scalars == [1.3862944, 1.3862944])
    }
}
