import Foundation
import Tensor
import Testing

@Suite("Distributions")
struct DistributionTests {
    private let key = RandomKey(seed: 0x0123_4567_89AB_CDEF)

    private func bits(_ tensor: AnyTensor) throws -> [UInt64] {
        switch tensor.dtype {
        case .float64: try tensor.scalars(as: Double.self).map(\.bitPattern)
        case .bfloat16: try tensor.scalars(as: BFloat16.self).map { UInt64($0.bitPattern) }
        case .float16: try tensor.scalars(as: Float16.self).map { UInt64($0.bitPattern) }
        default: try tensor.scalars(as: Float.self).map { UInt64($0.bitPattern) }
        }
    }

    // PERMANENT: these bits never change. Checkpoints and parameter servers rely on them.
    @Test("the first numbers of each distribution have their permanent bits")
    func permanentBits() throws {
        let shape: Shape = [4]
        #expect(try bits(key.normal(shape)) == [0x3f7b6fe0, 0xbf98c295, 0x3f574c5a, 0xbdf52755])
        #expect(
            try bits(key.normal(shape, mean: 1, standardDeviation: 0.5)) == [
                0x3fbedbf8, 0x3ece7ad6, 0x3fb5d316, 0x3f70ad8b,
            ])
        #expect(
            try bits(key.normal(shape, dtype: .float64)) == [
                0x3fe16d507c57ba6d, 0xbfb3d7f6bd2141c5, 0x3fc159cba12f485d, 0x3fd62570baee95c9,
            ])
        #expect(try bits(key.normal(shape, dtype: .bfloat16)) == [0x3f7b, 0xbf99, 0x3f57, 0xbdf5])
        #expect(try bits(key.normal(shape, dtype: .float16)) == [0x3bdb, 0xbcc6, 0x3aba, 0xafa9])
        #expect(try bits(key.uniform(shape, in: -1..<3)) == [0x3e588490, 0x401c0e53, 0x3fe4eb92, 0x403a3d4f])
        #expect(
            try bits(key.uniform(shape, in: -1..<3, dtype: .float64)) == [
                0x400381ca72e9b109, 0x400747a9f1764eb9, 0x4005dd5f73d4e0c9, 0xbfce6c87c74a3f50,
            ])
        #expect(try bits(key.exponential(shape)) == [0x3f98e4c9, 0x3e1aed39, 0x3eb8bc67, 0x3cba7118])
        #expect(
            try bits(key.exponential(shape, rate: 2, dtype: .float64)) == [
                0x3fb35da7168a1210, 0x3f874e22fa705c1b, 0x3fa1adbfe4861d7e, 0x3fea85e897183a1a,
            ])
        #expect(try bits(key.gumbel(shape)) == [0xbe35fa4c, 0x3ff1bb06, 0x3f827b9b, 0x4072194e])
        #expect(
            try bits(key.gumbel(shape, dtype: .float64)) == [
                0x3ffe3760cc8f1361, 0x400e4329b399bd77, 0x400561ed8facde62, 0xbfe02c74604b02a1,
            ])
        #expect(try bits(key.truncatedNormal(shape)) == [0x3f810094, 0x3fda0f72, 0x3fae76d7, 0xbf5339d9])
        #expect(
            try bits(key.truncatedNormal(shape, in: 1...3, dtype: .float64)) == [
                0x3ff188ab6dcd0378, 0x3ff03c5d023c0b1b, 0x3ff0b5b5ee1e0abd, 0x3ffdc92a0da27a10,
            ])
        #expect(try bits(key.gamma(shape, concentration: 2.5)) == [0x40448ebe, 0x3f279f71, 0x40484ff8, 0x403669f2])
        #expect(
            try bits(key.gamma(shape, concentration: 0.3, dtype: .float64)) == [
                0x3f7a38584b539deb, 0x3f998f8c8eb03bd3, 0x3d811ac0e79fe252, 0x3fa302dfdaf36610,
            ])
        #expect(try key.integers([6], in: 0..<100 as Range<Int32>).scalars(as: Int32.self) == [85, 97, 93, 19, 34, 50])
        #expect(
            try key.integers([2], in: Int64.min ... .max).scalars(as: Int64.self) == [
                6633331210469263617, 8808283907619670281,
            ])
        #expect(
            try key.bernoulli([8], probability: 0.5).scalars(as: Bool.self) == [
                true, false, false, false, false, false, true, true,
            ])
        #expect(
            try key.categorical(logits: AnyTensor([0, 1, 2, 3] as [Float], shape: [4]).broadcast(to: [6, 4]))
                .withoutTrace().cast(to: .int32).scalars(as: Int32.self) == [3, 1, 2, 3, 3, 2])
        #expect(
            try key.shuffled(Tensor<Int32>.stride(from: 0, to: 10).core).scalars(as: Int32.self) == [
                5, 7, 2, 0, 1, 6, 3, 9, 4, 8,
            ])
    }

    @Test("any part of a distribution is what the whole has there")
    func parts() throws {
        let distributions: [(Shape, UInt64) throws -> AnyTensor] = [
            { try key.normal($0, offset: $1) }, { try key.normal($0, dtype: .float64, offset: $1) },
            { try key.uniform($0, in: 2..<5, offset: $1) },
            { try key.uniform($0, in: 2..<5, dtype: .float64, offset: $1) },
            { try key.exponential($0, offset: $1) }, { try key.gumbel($0, dtype: .float64, offset: $1) },
            { try key.truncatedNormal($0, offset: $1) }, { try key.gamma($0, concentration: 0.4, offset: $1) },
            { try key.gamma($0, concentration: 3, rate: 2, dtype: .float64, offset: $1) },
            { try key.normal($0, dtype: .float16, offset: $1) },
        ]
        for distribution in distributions {
            let whole = try bits(distribution([50], 0))
            for range in [0..<50, 1..<2, 7..<20, 49..<50, 10..<10] {
                #expect(try bits(distribution([range.count], UInt64(range.lowerBound))) == Array(whole[range]))
            }
        }
        let whole = try key.integers([50], in: -3...200 as ClosedRange<Int16>).scalars(as: Int16.self)
        let part = try key.integers([20], in: -3...200 as ClosedRange<Int16>, offset: 11).scalars(as: Int16.self)
        #expect(part == Array(whole[11..<31]))
    }

    /// Mean and variance.
    private func moments(_ tensor: AnyTensor) throws -> (mean: Double, variance: Double) {
        let values = try tensor.scalars(as: Double.self)
        let mean = values.reduce(0, +) / Double(values.count)
        return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count))
    }

    @Test("means and variances are those of the distributions")
    func moments() throws {
        let shape: Shape = [20_000]
        let cases: [(AnyTensor, mean: Double, variance: Double)] = [
            (try key.uniform(shape, in: -1..<5, dtype: .float64), 2, 3),
            (try key.normal(shape, mean: 3, standardDeviation: 2, dtype: .float64), 3, 4),
            (try key.exponential(shape, rate: 2, dtype: .float64), 0.5, 0.25),
            (try key.gumbel(shape, dtype: .float64), 0.5772156649, 1.6449340668),
            // 1 - 4 φ(2) / (Φ(2) - Φ(-2)).
            (try key.truncatedNormal(shape, dtype: .float64), 0, 0.7737),
            (try key.gamma(shape, concentration: 1, dtype: .float64), 1, 1),
            (try key.gamma(shape, concentration: 4.5, rate: 3, dtype: .float64), 1.5, 0.5),
            (try key.gamma(shape, concentration: 1e6, dtype: .float64), 1e6, 1e6),
        ]
        for (tensor, mean, variance) in cases {
            let found = try moments(tensor)
            // Five standard errors, with a kurtosis of at most 9.
            #expect(abs(found.mean - mean) < 5 * (variance / 20_000).squareRoot(), "\(found)")
            #expect(abs(found.variance - variance) < 5 * variance * (8.0 / 20_000).squareRoot(), "\(found)")
        }
    }

    /// The probability that a gamma number of that concentration is below `x` (Numerical Recipes, 6.2: a series, or from
    /// `a + 1` on Lentz's continued fraction).
    private func gammaProbability(_ a: Double, below x: Double) -> Double {
        guard x > 0 else { return 0 }
        let front = exp(a * log(x) - x - lgamma(a))
        if x < a + 1 {
            var (term, sum, n) = (1 / a, 1 / a, a)
            while term > sum * 1e-16 {
                n += 1
                term *= x / n
                sum += term
            }
            return front * sum
        }
        var b = x + 1 - a
        var (c, d) = (1e300, 1 / b)
        var fraction = d
        for i in 1..<10_000 {
            let step = -Double(i) * (Double(i) - a)
            b += 2
            d = 1 / (step * d + b)
            c = b + step / c
            fraction *= d * c
            if abs(d * c - 1) < 1e-15 { break }
        }
        return 1 - front * fraction
    }

    @Test(
        "gamma numbers are distributed as they should, by Kolmogorov and Smirnov's test",
        arguments: [0.05, 0.5, 1, 2.5, 60])
    func gamma(concentration: Double) throws {
        let count = 20_000
        let numbers = try key.gamma([count], concentration: concentration, rate: 0.5, dtype: .float64)
        let values = try numbers.scalars(as: Double.self).sorted()
        var distance = 0.0
        for (place, value) in values.enumerated() {
            let probability = gammaProbability(concentration, below: value / 2)
            distance = max(distance, probability - Double(place) / Double(count))
            distance = max(distance, Double(place + 1) / Double(count) - probability)
        }
        // One in a thousand samples of the right distribution is further away (1.95 / √n).
        #expect(distance * Double(count).squareRoot() < 1.95, "\(distance)")
        #expect(Set(values).count > count - 3)
    }

    @Test("gamma numbers of every float type; a concentration or rate that is no positive number throws")
    func gammaArguments() throws {
        for (dtype, tolerance) in [(DType.float32, 1e-7), (.float16, 1e-3), (.bfloat16, 8e-3)] {
            let wide = try key.gamma([50], concentration: 2, dtype: .float64).scalars(as: Double.self)
            let narrow = try key.gamma([50], concentration: 2, dtype: dtype).cast(to: .float64).scalars(as: Double.self)
            for (one, other) in zip(wide, narrow) { #expect(abs(one - other) <= tolerance * one) }
        }
        #expect(Tensor<Float>.gamma([3], concentration: 2, key: key).scalars.allSatisfy { $0 > 0 })
        for (concentration, rate) in [(0.0, 1.0), (-1, 1), (.nan, 1), (.infinity, 1), (1, 0), (1, .nan)] {
            expectError(.shapeMismatch, mentioning: "gamma", "\(concentration)", "\(rate)") {
                _ = try key.gamma([1], concentration: concentration, rate: rate)
            }
        }
        expectError(.dtypeMismatch, mentioning: "gamma", "int32") {
            _ = try key.gamma([1], concentration: 1, dtype: .int32)
        }
        expectError(.indexOutOfRange, mentioning: "gamma") { _ = try key.gamma([2], concentration: 1, offset: 1 << 53) }
    }

    @Test("ranges hold, and their upper bound is never reached")
    func ranges() throws {
        for dtype in [DType.float32, .float64, .float16, .bfloat16] {
            // So narrow that rounding would reach the upper bound.
            let high = dtype == .bfloat16 ? 1.015625 : 1.001953125
            let values = try key.uniform([2_000], in: 1..<high, dtype: dtype)
            let text = try bits(values)
            let top: [UInt64] = try bits(.full([1], number: high, dtype: dtype))
            #expect(!text.contains(top[0]) && !text.isEmpty, "\(dtype)")
        }
        let truncated = try key.truncatedNormal([3_000], in: -0.5...0.25).scalars(as: Float.self)
        #expect(truncated.allSatisfy { (-0.5...0.25).contains($0) })
        let tail = try key.truncatedNormal([1_000], in: 8...9, dtype: .float64).scalars(as: Double.self)
        #expect(tail.allSatisfy { (8...9).contains($0) })
        #expect(Set(tail).count > 990)
        let integers = try key.integers([1_000], in: -3...3 as ClosedRange<Int8>).scalars(as: Int8.self)
        #expect(Set(integers) == Set(-3...3))
        #expect(try key.bernoulli([500], probability: 0).scalars(as: Bool.self).allSatisfy { !$0 })
        #expect(try key.bernoulli([500], probability: 1).scalars(as: Bool.self).allSatisfy { $0 })
        let mixed = try AnyTensor([0, 1, .nan, -1] as [Float], shape: [4]).broadcast(to: [200, 4])
        #expect(
            try key.bernoulli(probabilities: mixed).sliced(axis: 1, 1..<2).scalars(as: Bool.self).allSatisfy { $0 })
        #expect(
            try key.bernoulli(probabilities: mixed).sliced(axis: 1, 2..<4).scalars(as: Bool.self).allSatisfy { !$0 })
    }

    @Test("classes are drawn as often as their softmax says")
    func categorical() throws {
        let logits = try AnyTensor([1, -.infinity, 1, Float(1) + 0.6931472] as [Float], shape: [4])
        let classes = try key.categorical(logits: logits.broadcast(to: [4_000, 4])).cast(to: .int32)
            .scalars(as: Int32.self)
        var counts = [0, 0, 0, 0]
        for index in classes { counts[Int(index)] += 1 }
        #expect(counts[1] == 0)
        #expect(
            abs(counts[0] - 1_000) < 150 && abs(counts[2] - 1_000) < 150 && abs(counts[3] - 2_000) < 170, "\(counts)")
    }

    @Test("integers are spread evenly")
    func integers() throws {
        var counts = [Int](repeating: 0, count: 7)
        for value in try key.integers([14_000], in: 0..<7 as Range<UInt8>).scalars(as: UInt8.self) {
            counts[Int(value)] += 1
        }
        #expect(counts.allSatisfy { abs($0 - 2_000) < 210 }, "\(counts)")
        #expect(Tensor<UInt64>.integers([5], in: 3..<4, key: key).scalars == [3, 3, 3, 3, 3])
    }

    @Test("the typed face gives the key's numbers")
    func typedFace() throws {
        #expect(try Tensor<Float>.normal([7], key: key).scalars == key.normal([7]).scalars(as: Float.self))
        #expect(Tensor<Double>.uniform([7], key: key).scalars.allSatisfy { (0..<1).contains($0) })
        #expect(Tensor<Bool>.bernoulli([3], probability: 1, key: key).scalars == [true, true, true])
        #expect(Tensor<Int32>([1, 2, 3]).shuffled(key: key).scalars.sorted() == [1, 2, 3])
    }

    @Test("parameters that make no sense throw")
    func mistakes() {
        expectError(.shapeMismatch, mentioning: "integers", "empty") {
            _ = try key.integers([1], in: 3..<3 as Range<Int32>)
        }
        expectError(.shapeMismatch, mentioning: "bernoulli", "1.5") { _ = try key.bernoulli([1], probability: 1.5) }
        expectError(.shapeMismatch, mentioning: "bernoulli") { _ = try key.bernoulli([1], probability: .nan) }
        expectError(.shapeMismatch, mentioning: "truncatedNormal") { _ = try key.truncatedNormal([1], in: 50...60) }
        expectError(.shapeMismatch, mentioning: "uniform") { _ = try key.uniform([1], in: 0 ..< .infinity) }
        expectError(.dtypeMismatch, mentioning: "normal", "int32") { _ = try key.normal([1], dtype: .int32) }
        expectError(.dtypeMismatch, mentioning: "uniform", "int64") {
            _ = try key.uniform([1], in: 0..<1, dtype: .int64)
        }
        expectError(.dtypeMismatch, mentioning: "categorical") {
            _ = try key.categorical(logits: .zeros([2, 2], dtype: .int32))
        }
        expectError(.indexOutOfRange, mentioning: "integers") {
            _ = try key.integers([1], in: 0..<3 as Range<Int32>, offset: 1 << 57)
        }
    }
}
