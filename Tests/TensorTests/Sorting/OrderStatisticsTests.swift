import Foundation
import Tensor
import Testing

@Suite("Quantiles, different elements, search and histograms")
struct OrderStatisticsTests {
    @Test("a quantile is interpolated between the neighbours in order", arguments: [1, 2, 7, 48, 301])
    func quantiles(count: Int) {
        var generator = SeededGenerator(seed: 91)
        let values = (0..<count).map { _ in Float.random(in: -5...5, using: &generator) }
        let sorted = values.sorted().map { Double($0) }
        for quantile in [0, 0.1, 0.25, 0.5, 0.9, 1] {
            let position = quantile * Double(count - 1)
            let lower = sorted[Int(position)]
            let upper = sorted[Swift.min(Int(position) + 1, count - 1)]
            let expected = lower + (upper - lower) * (position - position.rounded(.down))
            let single = Tensor<Float>(values).quantile(quantile).scalar
            let double = Tensor<Double>(values.map { Double($0) }).quantile(quantile).scalar
            #expect(abs(Double(single) - expected) < 1e-6, "\(quantile) of \(count), seed 91")
            #expect(abs(double - expected) < 1e-14, "\(quantile) of \(count), seed 91")
        }
    }

    @Test("medians along axes, with ties, infinities and NaN")
    func medians() throws {
        let rows = Tensor<Float>([3, 1, 2, 4, .nan, 0, 0, 1], shape: [2, 4])
        let found = rows.median(axis: 1).scalars
        #expect(found[0] == 2.5)
        #expect(found[1].isNaN)
        #expect(rows.median().scalar.isNaN)
        #expect(Tensor<Float16>([1, 5, 3, 5, 2, 9], shape: [3, 2]).median(axis: 0).scalars == [2, 5])
        #expect(Tensor<BFloat16>([1, 2]).median().scalar == BFloat16(1.5))
        // A little above the middle of two neighbours: rounded by way of f32, it would be their middle, and a tie.
        #expect(Tensor<BFloat16>([1, 1.0078125]).quantile(0.5 + 0x1p-30).scalar == BFloat16(1.0078125))
        #expect(Tensor<Float16>([1, 1.0009765625]).quantile(0.5 + 0x1p-30).scalar == 1.0009765625)
        #expect(Tensor<Float>([-.infinity, -.infinity, 1]).quantile(0.25).scalar == -.infinity)
        #expect(Tensor<Float>([1, 2, .infinity, .infinity]).median().scalar == .infinity)
        #expect(Tensor<Float>([-.infinity, 1]).quantile(0.75).scalar == -.infinity)
        #expect(Tensor<Float>([-.infinity, .infinity]).median().scalar.isNaN)
        // Their distance overflows.
        let far = 0x1p1023
        #expect(Tensor<Double>([-far, far]).median().scalar == 0)
        #expect(Tensor<Double>([-far, far]).quantile(0.75).scalar == far / 2)
        #expect(Tensor<Double>([7, 7, 7, 7]).quantile(0.3).scalar == 7)
        #expect(Tensor<Int32>([5, -3, 9]).kthSmallest(1).scalar == 5)
        expectError(.indexOutOfRange, mentioning: "quantile", "1.5") { _ = try AnyTensor.zeros([2]).quantile(1.5) }
        expectError(.indexOutOfRange, mentioning: "quantile") { _ = try AnyTensor.zeros([2]).quantile(.nan) }
        expectError(.shapeMismatch, mentioning: "quantile", "[0]") { _ = try AnyTensor.zeros([0]).median() }
        expectError(.dtypeMismatch, mentioning: "quantile", "int32") {
            _ = try AnyTensor.zeros([2], dtype: .int32).median()
        }
    }

    @Test("different elements, their counts, first places and the way back", arguments: 0..<3)
    func unique(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let values = (0..<200).map { _ in Int16.random(in: -9...9, using: &generator) }
        let found = try AnyTensor(values, shape: [10, 20]).uniqueElements()
        let expected = Set(values).sorted()
        let different = try found.values.scalars(as: Int16.self)
        #expect(different == expected, "seed \(seed)")
        #expect(
            try found.counts.scalars(as: Int64.self)
                == expected.map { value in Int64(values.filter { $0 == value }.count) }, "seed \(seed)")
        #expect(
            try found.firstPlaces.scalars(as: Int32.self) == expected.map { Int32(values.firstIndex(of: $0)!) },
            "seed \(seed)")
        #expect(found.inverse.shape == [10, 20])
        #expect(try found.inverse.scalars(as: Int32.self).map { different[Int($0)] } == values, "seed \(seed)")
    }

    @Test("slices that differ, in the order of their elements, along any axis")
    func uniqueSlices() throws {
        let rows = try AnyTensor([2, 1, 2, 1, 5, 5, 2, 1, 2, 1, 5, 0] as [Int32], shape: [4, 3])
        let found = try rows.uniqueSlices(axis: 0)
        #expect(found.values.shape == [3, 3])
        #expect(try found.values.scalars(as: Int32.self) == [1, 5, 0, 1, 5, 5, 2, 1, 2])
        #expect(try found.firstPlaces.scalars(as: Int32.self) == [3, 1, 0])
        #expect(try found.inverse.scalars(as: Int32.self) == [2, 1, 2, 0])
        #expect(try found.counts.scalars(as: Int64.self) == [1, 1, 2])
        let columns = try rows.uniqueSlices(axis: -1)
        #expect(try columns.values.scalars(as: Int32.self) == [1, 2, 2, 5, 1, 5, 1, 2, 2, 5, 1, 0])
        #expect(try columns.inverse.scalars(as: Int32.self) == [1, 0, 2])
        let special = try AnyTensor([.nan, 0, .nan, -0.0] as [Float], shape: [2, 2]).uniqueSlices(axis: 0)
        #expect(try special.counts.scalars(as: Int64.self) == [2])
        #expect(try AnyTensor.zeros([3, 0]).uniqueSlices(axis: 0).counts.scalars(as: Int64.self) == [3])
        #expect(try AnyTensor.zeros([0, 3]).uniqueSlices(axis: 0).values.shape == [0, 3])
        expectError(.indexOutOfRange, mentioning: "uniqueSlices") { _ = try rows.uniqueSlices(axis: 2) }
        expectError(.valuesUnknown) {
            _ = try AnyTensor.abstract(shape: [3, 2], dtype: .float32).uniqueSlices(axis: 0)
        }
    }

    @Test("zeros are one element and NaN is one, the last; the shape of an abstract tensor's is unknown")
    func uniqueSpecials() throws {
        let found = Tensor<Double>([.nan, -0.0, 2, 0, .nan, -.infinity]).unique().scalars
        #expect(found.count == 4)
        #expect(found[0] == -.infinity && found[1] == 0 && found[1].sign == .minus && found[2] == 2 && found[3].isNaN)
        #expect(try AnyTensor.zeros([0, 2]).unique().shape == [0])
        #expect(Tensor<Bool>([true, true]).unique().scalars == [true])
        expectError(.valuesUnknown) { _ = try AnyTensor.abstract(shape: [3], dtype: .float32).unique() }
    }

    @Test("values belong before or after what equals them", arguments: 0..<2)
    func search(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for count in [0, 1, 6, 33] {
            let boundaries = (0..<count).map { _ in Int32.random(in: -5...5, using: &generator) }.sorted()
            let values = (0..<2500).map { _ in Int32.random(in: -7...7, using: &generator) }
            let tensor = Tensor(boundaries)
            let left = tensor.searchSorted(Tensor(values, shape: [50, 50]))
            let right = tensor.searchSorted(Tensor(values), side: .right)
            #expect(left.shape == [50, 50])
            #expect(left.scalars == values.map { v in Int32(boundaries.filter { $0 < v }.count) }, "seed \(seed)")
            #expect(right.scalars == values.map { v in Int32(boundaries.filter { $0 <= v }.count) }, "seed \(seed)")
        }
        let floats = Tensor<Float>([-1, 0, 2])
        #expect(floats.searchSorted(Tensor<Float>([-0.0, .nan, -.infinity, 2])).scalars == [1, 3, 0, 2])
        #expect(Tensor<Double>([1, 2]).searchSorted(Tensor<Double>([2]), side: .right).scalars == [2])
        expectError(.dtypeMismatch, mentioning: "searchSorted", "float32[2]", "int32[1]") {
            _ = try AnyTensor.zeros([2]).searchSorted(.zeros([1], dtype: .int32))
        }
        expectError(.shapeMismatch, mentioning: "searchSorted", "[2, 1]") {
            _ = try AnyTensor.zeros([2, 1]).searchSorted(.zeros([1]))
        }
    }

    @Test("how often each integer is there")
    func bins() throws {
        #expect(Tensor<UInt8>([3, 0, 3, 1]).binCounts().scalars == [1, 1, 0, 2])
        #expect(Tensor<Int64>([2, 2, 0, 2], shape: [2, 2]).binCounts(minimumCount: 5).scalars == [1, 0, 3, 0, 0])
        #expect(try AnyTensor.zeros([0], dtype: .int32).binCounts(minimumCount: 2).scalars(as: Int64.self) == [0, 0])
        let weights = Tensor<Float>([0.5, 1, 0.25, -1])
        #expect(Tensor<UInt8>([3, 0, 3, 1]).binCounts(weights: weights).scalars == [1, -1, 0, 0.75])
        #expect(
            try AnyTensor.zeros([0], dtype: .int32).binCounts(weights: .zeros([0]), minimumCount: 2)
                .scalars(as: Double.self) == [0, 0])
        expectError(.shapeMismatch, mentioning: "binCounts", "[4]", "int32[3]") {
            _ = try AnyTensor.zeros([3], dtype: .int32).binCounts(weights: weights.core)
        }
        expectError(.indexOutOfRange, mentioning: "binCounts", "-1") {
            _ = try AnyTensor([1, -1] as [Int32], shape: [2]).binCounts(weights: .ones([2]))
        }
        expectError(.indexOutOfRange, mentioning: "binCounts", "-2") {
            _ = try AnyTensor([1, -2] as [Int32], shape: [2]).binCounts()
        }
        expectError(.indexOutOfRange, mentioning: "binCounts") {
            _ = try AnyTensor([.max] as [UInt64], shape: [1]).binCounts()
        }
        expectError(.dtypeMismatch, mentioning: "binCounts", "float32") { _ = try AnyTensor.zeros([1]).binCounts() }
        expectError(.valuesUnknown) { _ = try AnyTensor.abstract(shape: [1], dtype: .int32).binCounts() }
    }

    @Test("a histogram's bins hold their lower ends, the last one both, and nothing from outside")
    func histogram() throws {
        let values = Tensor<Float>([0, 0.5, 1, 1.5, 2, 2.5, 3, -0.1, 3.1, .nan, .infinity])
        #expect(values.histogram(bins: 3, range: 0...3).scalars == [2, 2, 3])
        #expect(Tensor<Int8>([-2, -1, 0, 1, 2]).histogram(bins: 2, range: -2...2).scalars == [2, 3])
        // Tenths are rounded: an element that is an edge must be in the bin above it, as in NumPy.
        let edges = Tensor<Double>((0...10).map { Double($0) * 0.1 })
        #expect(edges.histogram(bins: 10, range: 0...1).scalars == [1, 1, 1, 1, 1, 1, 1, 1, 1, 2])
        // The narrowest range, whose reciprocal is infinite.
        let narrow = Tensor<Double>([0, .leastNonzeroMagnitude])
        #expect(narrow.histogram(bins: 1, range: 0...(.leastNonzeroMagnitude)).scalars == [2])
        #expect(narrow.histogram(bins: 2, range: 0...(2 * .leastNonzeroMagnitude)).scalars == [1, 1])
        expectError(.indexOutOfRange, mentioning: "histogram", "0 bins") {
            _ = try AnyTensor.zeros([1]).histogram(bins: 0, range: 0...1)
        }
        expectError(.indexOutOfRange, mentioning: "histogram") {
            _ = try AnyTensor.zeros([1]).histogram(bins: 2, range: 1...1)
        }
    }
}
