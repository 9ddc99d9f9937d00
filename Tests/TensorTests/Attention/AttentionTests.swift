import Tensor
import Testing

@Suite("Attention")
struct AttentionTests {
    @Test("blocks of keys give what the composition of products and softmax gives", arguments: 0..<3)
    func composition(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let q = try RandomView(shape: [2, 4, 5, 6], using: &generator).tensor
        let k = try RandomView(shape: [2, 2, 300, 6], using: &generator).tensor
        let v = try RandomView(shape: [2, 2, 300, 3], using: &generator).tensor
        let mask = try RandomView(shape: [2, 1, 5, 300], using: &generator).tensor
        // Two heads share each key head.
        func repeated(_ x: AnyTensor) throws -> AnyTensor {
            let shape = Array(x.shape)
            return try x.reshaped(to: Shape([2, 2, 1] + shape[2...])).broadcast(to: Shape([2, 2, 2] + shape[2...]))
                .reshaped(to: Shape([2, 4] + shape[2...]))
        }
        let scores = try q.matmul(repeated(k).transposed()) * .scalar(Float(0.5)) + mask
        let expected = try scores.softmax().matmul(repeated(v)).scalars(as: Float.self)
        let found = try q.attention(keys: k, values: v, mask: mask, scale: 0.5)
        #expect(found.shape == [2, 4, 5, 3])
        for (value, other) in zip(try found.scalars(as: Float.self), expected) {
            #expect(abs(value - other) < 1e-5, "seed \(seed)")
        }
    }

    @Test("a causal query sees itself and what came before; a bool mask hides keys")
    func masks() {
        // Equal scores: the result is the mean of the values that are seen.
        let zeros = Tensor<Float>.zeros([1, 1, 4, 2])
        let values = Tensor<Float>([4, 8, 12, 16], shape: [1, 1, 4, 1])
        #expect(zeros.attention(keys: zeros, values: values).scalars == [10, 10, 10, 10])
        #expect(zeros.attention(keys: zeros, values: values, isCausal: true).scalars == [4, 6, 8, 10])
        let hidden = Tensor<Bool>([true, false, false, true])
        #expect(zeros.attention(keys: zeros, values: values, mask: hidden).scalars == [10, 10, 10, 10])
        let first = Tensor<Bool>([false, true, true, true])
        let causal = zeros.attention(keys: zeros, values: values, mask: first, isCausal: true).scalars
        #expect(causal[0].isNaN)
        #expect(Array(causal[1...]) == [8, 10, 12])
    }

    @Test("no keys give NaN, no queries nothing")
    func empty() throws {
        let none = try AnyTensor.zeros([1, 1, 0, 2])
        let some = try AnyTensor.zeros([1, 1, 3, 2])
        #expect(try some.attention(keys: none, values: none).scalars(as: Float.self).allSatisfy(\.isNaN))
        #expect(try none.attention(keys: some, values: some).shape == [1, 1, 0, 2])
    }

    @Test("what does not fit throws with the shapes")
    func mistakes() throws {
        func zeros(_ shape: Shape) throws -> AnyTensor { try .zeros(shape) }
        expectError(.shapeMismatch, mentioning: "attention", "[1, 3, 4, 2]", "[1, 2, 4, 2]") {
            _ = try zeros([1, 3, 4, 2]).attention(keys: zeros([1, 2, 4, 2]), values: zeros([1, 2, 4, 2]))
        }
        expectError(.shapeMismatch, mentioning: "[1, 1, 4, 3]") {
            _ = try zeros([1, 1, 4, 2]).attention(keys: zeros([1, 1, 4, 3]), values: zeros([1, 1, 4, 2]))
        }
        expectError(.shapeMismatch, mentioning: "mask", "[5]", "[1, 1, 4, 4]") {
            let x = try zeros([1, 1, 4, 2])
            _ = try x.attention(keys: x, values: x, mask: zeros([5]))
        }
        expectError(.dtypeMismatch, mentioning: "attention") {
            let x = try AnyTensor.zeros([1, 1, 4, 2], dtype: .int32)
            _ = try x.attention(keys: x, values: x)
        }
    }
}
