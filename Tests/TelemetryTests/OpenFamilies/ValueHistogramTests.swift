import Testing

@testable import Telemetry

@Suite struct ValueHistogramTests {
    @Test("a value is in the first bucket whose bound is not below it", arguments: [UInt64(1), 2, 3])
    func positions(seed: UInt64) {
        var generator = SplitMix(state: seed)
        let bounds = ValueHistogram.exponents.map { Double(sign: .plus, exponent: 2 * $0, significand: 1) }
        func expected(_ value: Double) -> Int { bounds.firstIndex { value <= $0 } ?? bounds.count }
        var values = bounds + bounds.map(\.nextUp) + bounds.map(\.nextDown)
        values += [0, -1, -.greatestFiniteMagnitude, .greatestFiniteMagnitude, .leastNonzeroMagnitude, 1e-300, 3, 5]
        for _ in 0..<2_000 {
            values.append(
                Double(
                    sign: .plus, exponent: Int(generator.next() % 80) - 30,
                    significand: 1 + Double(generator.next() >> 11) * 0x1p-53))
        }
        for value in values { #expect(ValueHistogram.position(of: value) == expected(value), "\(value), seed \(seed)") }
    }

    @Test("counts and the sum are of all values that are numbers")
    func counts() {
        let histogram = ValueHistogram()
        for value in [0.5, 2, .nan, .infinity, -1, 1e30] { histogram.record(value) }
        #expect(histogram.counts.reduce(0, +) == 4)
        #expect(histogram.counts.last == 1 && histogram.counts.first == 1)
        #expect(histogram.sum == 0.5 + 2 - 1 + 1e30)
    }

    private struct SplitMix {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }
}
