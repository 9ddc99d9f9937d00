import Tensor
import Testing

@Suite("Positions in attention")
struct RotaryEmbeddingTests {
    private func expectClose(_ found: [Double], _ expected: [Double], sourceLocation: SourceLocation = #_sourceLocation)
    {
        #expect(found.count == expected.count, sourceLocation: sourceLocation)
        for (value, other) in zip(found, expected) {
            #expect(abs(value - other) < 1e-14, sourceLocation: sourceLocation)
        }
    }

    @Test("a rotary embedding turns halves or neighbours by their place")
    func rotary() throws {
        let x = Tensor<Double>([1, 2, 3, 4, 1, 2, 3, 4], shape: [2, 4])
        let halves = x.rotaryEmbedding().scalars
        #expect(Array(halves[..<4]) == [1, 2, 3, 4])
        let turned = [-1.9841106485555495, 1.959900667496664, 2.4623779024123156, 4.019799668334994]
        expectClose(Array(halves[4...]), turned)
        expectClose(
            Array(x.rotaryEmbedding(pairs: .neighbours).scalars[4...]),
            [-1.1426396637476532, 1.922075596544176, 2.9598506679133294, 4.029799501669161])
        expectClose(Array(x.rotaryEmbedding(firstPosition: 1).scalars[..<4]), turned)
        let half = x.cast(to: BFloat16.self)
        #expect(
            half.rotaryEmbedding().scalars
                == half.cast(to: Float.self).rotaryEmbedding().cast(to: BFloat16.self).scalars)
        #expect(try AnyTensor.zeros([3, 0, 4]).rotaryEmbedding().shape == [3, 0, 4])
        expectError(.shapeMismatch, mentioning: "rotaryEmbedding", "[2, 3]") {
            _ = try AnyTensor.zeros([2, 3]).rotaryEmbedding()
        }
    }

    @Test("linear biases fall with the distance, more steeply in the first heads")
    func biases() {
        let two = Tensor<Float>.linearBiases(heads: 2, queries: 2, keys: 3)
        #expect(
            two.scalars == [
                -0.0625, 0, 0.0625, -0.125, -0.0625, 0, -0.00390625, 0, 0.00390625, -0.0078125, -0.00390625, 0,
            ])
        // Of four heads the slopes are 2^-2, 2^-4, 2^-6 and 2^-8, and of eight 2^-1, 2^-2, ….
        let six = Tensor<Float>.linearBiases(heads: 6, queries: 1, keys: 2).scalars
        #expect(
            six.enumerated().filter { $0.offset % 2 == 0 }.map(\.element) == [
                -0.25, -0.0625, -0.015625, -0.00390625, -0.5, -0.125,
            ])
        expectError(.dtypeMismatch, mentioning: "linearBiases") {
            _ = try AnyTensor.linearBiases(heads: 1, queries: 1, keys: 1, dtype: .int32)
        }
    }
}
