import MeshWire
import TestSupport
import Testing

@testable import MeshTransport

@Suite struct WeightedSamplerTests {
    @Test("after any changes a point is in the share of the position that it would be in if they were laid end to end")
    func beside() {
        for seed in 0..<UInt64(rounds(40)) {
            var generator = SeededGenerator(seed: seed)
            var sampler = WeightedSampler()
            var weights: [UInt32] = []
            for _ in 0..<200 {
                switch UInt32.random(in: 0..<4, using: &generator) {
                case 0, 1:
                    let weight = UInt32.random(in: 1...9, using: &generator)
                    sampler.append(weight)
                    weights.append(weight)
                case 2 where !weights.isEmpty:
                    let position = Int.random(in: weights.indices, using: &generator)
                    let weight = UInt32.random(in: 1...100, using: &generator)
                    sampler.set(weight, at: position)
                    weights[position] = weight
                default:
                    guard !weights.isEmpty else { continue }
                    sampler.removeLast()
                    weights.removeLast()
                }
                #expect(sampler.total == weights.reduce(0) { $0 + UInt64($1) }, "seed \(seed)")
                guard sampler.total > 0 else { continue }
                let point = UInt64.random(in: 0..<sampler.total, using: &generator)
                var (expected, rest) = (0, point)
                while rest >= UInt64(weights[expected]) {
                    rest -= UInt64(weights[expected])
                    expected += 1
                }
                #expect(sampler.position(of: point) == expected, "seed \(seed), point \(point) of \(weights)")
            }
        }
    }
}
