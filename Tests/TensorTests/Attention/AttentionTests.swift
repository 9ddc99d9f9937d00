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

    @Test(
        "what a later key or value holds reaches no earlier query, not even NaN",
        arguments: [DType.float32, .float64, .bfloat16], [Float.nan, .infinity, -.infinity])
    func hiddenValues(dtype: DType, strange: Float) throws {
        // Of several blocks of queries, and more than one of keys.
        let (length, first) = (dtype == .float32 ? 300 : 70, dtype == .float32 ? 280 : 40)
        let key = RandomKey(seed: 5)
        let (heads, width) = (2, 3)
        let queries = try key.foldIn("q").normal([1, heads, length, width]).cast(to: dtype)
        let keys = try key.foldIn("k").normal([1, 1, length, width]).cast(to: dtype)
        let values = try key.foldIn("v").normal([1, 1, length, width]).cast(to: dtype)
        func results(_ keys: AnyTensor, _ values: AnyTensor) throws -> [[Float]] {
            let found = try queries.attention(keys: keys, values: values, isCausal: true).cast(to: .float32)
            return try (0..<length).map { try found.element($0, axis: 2).scalars(as: Float.self) }
        }
        func spoilt(_ tensor: AnyTensor) throws -> AnyTensor {
            var tensor = tensor
            try tensor.assign(.full([], number: Double(strange), dtype: dtype), at: [0, 0, .at(first), 1])
            return tensor
        }
        let expected = try results(keys, values)
        let ofValues = try results(keys, spoilt(values))
        let ofKeys = try results(spoilt(keys), values)
        for query in 0..<length {
            if query < first {
                #expect(ofValues[query] == expected[query], "query \(query)")
                #expect(ofKeys[query] == expected[query], "query \(query)")
            } else {
                // The spoilt column of each head, and no other.
                let isSpoilt = ofValues[query].map { !$0.isFinite }
                #expect(isSpoilt == [false, true, false, false, true, false], "query \(query)")
                #expect(ofValues[query][0] == expected[query][0] && ofValues[query][5] == expected[query][5])
            }
        }
        if !strange.isNaN { #expect(ofValues[first][1] == strange) }
    }

    @Test("no keys give NaN, no queries nothing")
    func empty() throws {
        let none = try AnyTensor.zeros([1, 1, 0, 2])
        let some = try AnyTensor.zeros([1, 1, 3, 2])
        #expect(try some.attention(keys: none, values: none).scalars(as: Float.self).allSatisfy(\.isNaN))
        #expect(try none.attention(keys: some, values: some).shape == [1, 1, 0, 2])
    }

    @Test("float64, in blocks of queries, and 16-bit floats by way of float32")
    func otherTypes() throws {
        let q = Tensor<Double>([0, 0.25, 0.5, 0.75, 1, 1.25], shape: [1, 1, 3, 2])
        let found = q.attention(keys: q.flipped(axes: [2]), values: q * 2, isCausal: true).scalars
        let expected = [
            0, 0.5, 0.3912783892843216, 0.8912783892843217, 0.5188900119980154, 1.0188900119980153,
        ]
        for (value, other) in zip(found, expected) { #expect(abs(value - other) < 1e-15) }
        // 1,100 keys of 1,000 queries are two blocks; every query sees means of 0, 1, 2, ….
        let zeros = try AnyTensor.zeros([1, 1, 1_000, 1], dtype: .float64)
        let keys = try AnyTensor.zeros([1, 1, 1_100, 1], dtype: .float64)
        let values = try AnyTensor((0..<1_100).map { Double($0) }, shape: [1, 1, 1_100, 1])
        let means = try zeros.attention(keys: keys, values: values, isCausal: true).scalars(as: Double.self)
        for place in [0, 1, 500, 952, 953, 954, 999] { #expect(abs(means[place] - Double(place) / 2) < 1e-9) }
        let none = try AnyTensor.zeros([1, 1, 0, 1], dtype: .float64)
        #expect(try zeros.attention(keys: none, values: none).scalars(as: Double.self).allSatisfy(\.isNaN))
        #expect(try none.attention(keys: keys, values: values).shape == [1, 1, 0, 1])
        let half = q.cast(to: Float16.self), wide = half.cast(to: Float.self)
        let mask = Tensor<Bool>([true, true, false])
        #expect(
            half.attention(keys: half, values: half, mask: mask).scalars
                == wide.attention(keys: wide, values: wide, mask: mask).cast(to: Float16.self).scalars)
        expectError(.dtypeMismatch, mentioning: "attention", "float64") {
            _ = try half.core.attention(keys: q.core, values: q.core)
        }
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
