import CTensorKernels
import Foundation
import Testing

@Suite struct AttentionKernelsTests {
    @Test(
        "blocks of queries and keys give what all scores at once give", arguments: KernelPath.all,
        [(1, 1), (3, 70), (70, 300), (65, 257)])
    func blocks(path: KernelPath, lengths: (queries: Int, keys: Int)) {
        let (heads, keyHeads, width, valueWidth) = (2, 1, 5, 3)
        let (queries, keys) = lengths
        var values = SeededValues(seed: 8)
        let q = values.floats(heads * queries * width).map { $0 * 4 }
        let k = values.floats(keyHeads * keys * width).map { $0 * 4 }
        let v = values.floats(keyHeads * keys * valueWidth)
        // The first 260 keys are hidden from odd queries: a whole block without a score.
        let mask = (0..<queries * keys).map { index -> Float in
            index / keys % 2 == 1 && keys > 260 && index % keys < 260 ? -.infinity : Float(index % 7) * 0.1
        }
        for isCausal in [false, true] {
            for scale: Float in [0.6, -0.3] {
                var shape = mw_attention(
                    batch: 1, heads: heads, key_heads: keyHeads, queries: queries, keys: keys, width: width,
                    value_width: valueWidth, query_strides: (0, queries * width, width),
                    key_strides: (0, keys * width, width), value_strides: (0, keys * valueWidth, valueWidth),
                    mask_strides: (0, 0, keys, 1), scale: scale, is_causal: isCausal)
                var out = [Float](repeating: .nan, count: heads * queries * valueWidth)
                // The arrays have the elements that the shape speaks of.
                _ = unsafe path.kernels.attention.attention_f32(&shape, &out, q, k, v, mask)
                for row in 0..<heads * queries {
                    let query = row % queries
                    let scores = (0..<keys).map { key -> Double in
                        if isCausal, key > query { return -.infinity }
                        let product = (0..<width).reduce(0.0) {
                            $0 + Double(q[row * width + $1]) * Double(k[key * width + $1])
                        }
                        return product * Double(scale) + Double(mask[query * keys + key])
                    }
                    let largest = scores.max()!
                    let weights = scores.map { exp($0 - largest) }
                    let total = weights.reduce(0, +)
                    for column in 0..<valueWidth {
                        let expected =
                            (0..<keys).reduce(0.0) { $0 + weights[$1] * Double(v[$1 * valueWidth + column]) } / total
                        let found = Double(out[row * valueWidth + column])
                        guard abs(found - expected) < 2e-5 || (found.isNaN && expected.isNaN) else {
                            Issue.record("row \(row), causal \(isCausal): \(found), expected \(expected)")
                            return
                        }
                    }
                }
            }
        }
    }

    @Test(
        "a value that is no number reaches the causal queries that see it, and leaves the bits of the others",
        arguments: KernelPath.all, [5, 64, 100, 299])
    func hidden(path: KernelPath, place: Int) {
        let (count, width, valueWidth) = (300, 4, 19)
        var random = SeededValues(seed: 3)
        let (q, k, v) = (random.floats(count * width), random.floats(count * width), random.floats(count * valueWidth))
        var shape = mw_attention(
            batch: 1, heads: 1, key_heads: 1, queries: count, keys: count, width: width, value_width: valueWidth,
            query_strides: (0, 0, width), key_strides: (0, 0, width), value_strides: (0, 0, valueWidth),
            mask_strides: (0, 0, 0, 0), scale: 0.5, is_causal: true)
        func results(_ values: [Float]) -> [UInt32] {
            var out = [Float](repeating: 7, count: count * valueWidth)
            // The arrays have the elements that the shape speaks of.
            _ = unsafe path.kernels.attention.attention_f32(&shape, &out, q, k, values, nil)
            return out.map(\.bitPattern)
        }
        var spoilt = v
        spoilt[place * valueWidth + 17] = .nan
        let (expected, found) = (results(v), results(spoilt))
        let wrong = (0..<count * valueWidth).filter { index in
            let isHit = index / valueWidth >= place && index % valueWidth == 17
            return isHit ? !Float(bitPattern: found[index]).isNaN : found[index] != expected[index]
        }
        #expect(wrong == [])
    }
}
