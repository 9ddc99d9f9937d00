import CTensorKernels
import Testing

@Suite struct DistributionKernelsTests {
    /// A kernel by name, with its elements as bits.
    struct Distribution: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bits: @Sendable (KernelPath, _ first: UInt64, _ count: Int) -> [UInt64]

        static func floats(
            _ name: String,
            _ kernel:
                @escaping @Sendable (mw_random_kernels) -> (
                    (UInt32, UInt32, UInt64, Int, UnsafeMutablePointer<Float>) -> Void
                )
        ) -> Distribution {
            Distribution(testDescription: name) { path, first, count in
                var out = [Float](repeating: .nan, count: count)
                // The array has room for `count` values.
                unsafe kernel(path.kernels.random)(7, 9, first, count, &out)
                return out.map { UInt64($0.bitPattern) }
            }
        }

        static func doubles(
            _ name: String,
            _ kernel:
                @escaping @Sendable (mw_random_kernels) -> (
                    (UInt32, UInt32, UInt64, Int, UnsafeMutablePointer<Double>) -> Void
                )
        ) -> Distribution {
            Distribution(testDescription: name) { path, first, count in
                var out = [Double](repeating: .nan, count: count)
                // The array has room for `count` values.
                unsafe kernel(path.kernels.random)(7, 9, first, count, &out)
                return out.map(\.bitPattern)
            }
        }

        static func integers(_ range: UInt64) -> Distribution {
            Distribution(testDescription: "integers below \(range)") { path, first, count in
                var out = [UInt64](repeating: 0, count: count)
                // The array has room for `count` values.
                unsafe path.kernels.random.random_integers(7, 9, first, count, range, &out)
                return out
            }
        }

        static let all: [Distribution] = [
            unsafe .floats("normal f32") { unsafe $0.random_normal_f32 },
            unsafe .floats("exponential f32") { unsafe $0.random_exponential_f32 },
            unsafe .floats("gumbel f32") { unsafe $0.random_gumbel_f32 },
            unsafe .doubles("uniform f64") { unsafe $0.random_uniform_f64 },
            unsafe .doubles("normal f64") { unsafe $0.random_normal_f64 },
            unsafe .doubles("exponential f64") { unsafe $0.random_exponential_f64 },
            unsafe .doubles("gumbel f64") { unsafe $0.random_gumbel_f64 },
            integers(0), integers(1), integers(6), integers(1 << 32 - 1), integers(1 << 32), integers(3 << 62),
            Distribution(testDescription: "bernoulli") { path, first, count in
                var out = [UInt8](repeating: 9, count: count)
                // The array has room for `count` values.
                unsafe path.kernels.random.random_bernoulli(7, 9, first, count, 1 << 31 + 12_345, &out)
                return out.map { UInt64($0) }
            },
            Distribution(testDescription: "truncated normal") { path, first, count in
                var out = [Double](repeating: .nan, count: count)
                // The array has room for `count` values.
                unsafe path.kernels.random.random_truncated_normal(7, 9, first, count, 0.01, 0.7, &out)
                return out.map(\.bitPattern)
            },
            gamma(0.03), gamma(0.7), gamma(1), gamma(40),
        ]

        static func gamma(_ shape: Double) -> Distribution {
            Distribution(testDescription: "gamma of shape \(shape)") { path, first, count in
                var out = [Double](repeating: .nan, count: count)
                // The array has room for `count` values.
                unsafe path.kernels.random.random_gamma(7, 9, first, count, shape, &out)
                return out.map(\.bitPattern)
            }
        }
    }

    @Test(
        "every path gives the same bits, and any part is what the whole has there", arguments: Distribution.all,
        KernelPath.all)
    func bits(distribution: Distribution, path: KernelPath) {
        let whole = distribution.bits(.scalar, 0, 400)
        for (first, count) in [(0, 400), (0, 1), (1, 1), (1, 2), (3, 70), (64, 65), (399, 1), (50, 0)] {
            #expect(distribution.bits(path, UInt64(first), count) == Array(whole[first..<first + count]))
        }
        let far: UInt64 = 1 << 40 + 1
        #expect(distribution.bits(path, far, 9) == distribution.bits(.scalar, far, 9))
    }

    @Test("a range that pool threads share has the bits that its parts have")
    func pieces() {
        let distribution = Distribution.all[0]
        let whole = distribution.bits(KernelPath.all.last!, 1, 140_000)
        #expect(Array(whole[65_530..<65_545]) == distribution.bits(.scalar, 65_531, 15))
        #expect(Array(whole[131_070..<131_080]) == distribution.bits(.scalar, 131_071, 10))
    }

    @Test("normal numbers are Box and Muller's of their words, to float32's digits")
    func normal() {
        var numbers = [Float](repeating: 0, count: 2_000)
        var words = [UInt32](repeating: 0, count: 2_000)
        // Both have room for 2,000.
        unsafe KernelPath.scalar.kernels.random.random_normal_f32(7, 9, 0, 2_000, &numbers)
        unsafe KernelPath.scalar.kernels.random.random_bits(7, 9, 0, 2_000, &words)
        for pair in 0..<1_000 {
            let radius = reference.log(Double(words[2 * pair]) * 0x1p-32 + 0x1p-33)
            let squared =
                Double(numbers[2 * pair]) * Double(numbers[2 * pair])
                + Double(numbers[2 * pair + 1]) * Double(numbers[2 * pair + 1])
            #expect(abs(squared + 2 * radius) < 1e-5 * max(squared, 1))
            // The quadrant of the angle is that of its word.
            let quadrant = words[2 * pair + 1] >> 30
            #expect((numbers[2 * pair] > 0) == (quadrant == 0 || quadrant == 3))
            #expect((numbers[2 * pair + 1] > 0) == (quadrant < 2))
        }
    }

    @Test("quantiles are those of the normal distribution")
    func quantile() {
        // Python's statistics.NormalDist().inv_cdf.
        let cases: [(Double, Double)] = [
            (1e-300, -37.0470962993612), (1e-20, -9.262340089798405), (1e-5, -4.2648907939228256),
            (0.0227, -2.0009293881015715), (0.3, -0.5244005127080407), (0.5, 0), (0.75, 0.6744897501960817),
            (0.999, 3.090232306167813),
        ]
        for (probability, quantile) in cases {
            #expect(abs(mw_standard_normal_quantile(probability) - quantile) <= 4e-15 * max(abs(quantile), 1))
        }
    }

    @Test("integers are drawn again where a remainder would favour some")
    func unbiased() {
        // Of three quarters of all numbers a quarter of the draws is refused, so that without another draw each third
        // of the range would not have the same share.
        var out = [UInt64](repeating: 0, count: 3_000)
        // The array has room for them.
        unsafe KernelPath.scalar.kernels.random.random_integers(1, 2, 0, 3_000, 3 << 62, &out)
        var counts = [0, 0, 0]
        for value in out { counts[Int(value >> 62)] += 1 }
        // Five standard deviations.
        #expect(counts.allSatisfy { abs($0 - 1_000) < 130 }, "\(counts)")
    }

    private let reference = Reference()

    private struct Reference {
        /// ln x by the series of atanh, for tests that have no C library at hand.
        func log(_ x: Double) -> Double {
            let exponent = Double(x.exponent)
            let y = (x.significand - 1) / (x.significand + 1)
            var term = y
            var sum = 0.0
            for k in stride(from: 1.0, to: 80, by: 2) {
                sum += term / k
                term *= y * y
            }
            return 2 * sum + exponent * 0.693147180559945309417
        }
    }
}
