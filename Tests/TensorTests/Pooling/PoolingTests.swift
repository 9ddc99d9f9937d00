import Tensor
import Testing

@Suite("Pooling")
struct PoolingTests {
    private let image = Tensor<Float>((1...16).map { Float($0) }, shape: [1, 1, 4, 4])

    @Test("maxima and their places, in windows that touch, overlap and reach into the padding")
    func maxima() {
        #expect(image.maxPool([2, 2]).scalars == [6, 8, 14, 16])
        #expect(image.maxPoolIndices([2, 2]).scalars == [5, 7, 13, 15])
        #expect(image.maxPool([3, 3], strides: [1, 1]).scalars == [11, 12, 15, 16])
        #expect(image.maxPool([3, 3], strides: [2, 2], padding: [1, 1]).scalars == [6, 8, 14, 16])
        #expect(image.maxPool([2, 2], strides: [1, 1], dilations: [2, 2]).scalars == [11, 12, 15, 16])
        #expect(image.maxPool([4, 1], strides: [1, 1]).scalars == [13, 14, 15, 16])
        let negative = Tensor<Float>([-3, -2, -5], shape: [1, 1, 3])
        #expect(negative.maxPool([3], strides: [1], padding: [1]).scalars == [-2, -2, -2])
    }

    @Test("averages that count the padding and that do not")
    func averages() {
        #expect(image.averagePool([2, 2]).scalars == [3.5, 5.5, 11.5, 13.5])
        let signal = Tensor<Float>([2, 4, 6], shape: [1, 1, 3])
        #expect(signal.averagePool([2], strides: [2], padding: [1]).scalars == [2, 5])
        #expect(signal.averagePool([2], strides: [2], padding: [1], countsPadding: true).scalars == [1, 5])
    }

    @Test("a rest that no whole window covers has a window where it is asked for, unless that begins in the padding")
    func rests() {
        let signal = Tensor<Float>([1, 2, 3, 4, 6], shape: [1, 1, 5])
        #expect(signal.maxPool([2]).scalars == [2, 4])
        #expect(signal.maxPool([2], roundsUp: true).scalars == [2, 4, 6])
        #expect(signal.maxPoolIndices([2], roundsUp: true).scalars == [1, 3, 4])
        #expect(signal.averagePool([2], roundsUp: true).scalars == [1.5, 3.5, 6])
        // What lies beyond the padding is never counted.
        let counted = signal.averagePool([3], strides: [3], padding: [1], countsPadding: true, roundsUp: true)
        #expect(counted.scalars == [1, 13 / 3])
        #expect(signal.averagePool([4], strides: [3], countsPadding: true, roundsUp: true).scalars == [2.5, 5])
        #expect(Tensor<Float>([1, 2], shape: [1, 1, 2]).maxPool([1], strides: [2], roundsUp: true).scalars == [1])
        // Nothing but a rest.
        #expect(Tensor<Float>([1, 2], shape: [1, 1, 2]).averagePool([3], roundsUp: true).scalars == [1.5])
    }

    @Test("padding has two sides, dilated averages count what they reach, and integers have maxima")
    func sides() {
        let signal = Tensor<Float>([2, 4, 6, 8], shape: [1, 1, 4])
        let after = signal.averagePool([3], strides: [1], padding: .explicit(before: [0], after: [1]))
        #expect(after.scalars == [4, 6, 7])
        #expect(signal.maxPool([2], strides: [1], padding: .same).scalars == [4, 6, 8, 8])
        #expect(signal.averagePool([2], strides: [1], padding: [1], dilations: [2]).scalars == [4, 4, 6, 6])
        #expect(Tensor<UInt8>([7, 200, 9, 3], shape: [1, 1, 4]).maxPool([2]).scalars == [200, 9])
        let negative = Tensor<Int64>([.min, -5, -7], shape: [1, 1, 3])
        #expect(negative.maxPool([3], strides: [2], padding: [1]).scalars == [-5, -5])
        #expect(negative.maxPoolIndices([3], strides: [2], padding: [1]).scalars == [1, 1])
    }

    @Test("norms of windows")
    func norms() {
        let signal = Tensor<Double>([3, -4, 0, 2, -1], shape: [1, 1, 5])
        #expect(signal.normPool([2]).scalars == [5, 2])
        #expect(signal.normPool(order: 1, [2], padding: [1], roundsUp: true).scalars == [3, 4, 3])
        let cubes = signal.normPool(order: 3, [5]).scalars[0]
        #expect(abs(cubes * cubes * cubes - 100) < 1e-12)
    }

    @Test("layouts, views and volumes agree", arguments: 0..<4)
    func layouts(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let x = try RandomView(shape: [2, 3, 5, 6], using: &generator).tensor
        let last = try x.transposed([0, 2, 3, 1])
        let volume = try x.contiguousCopy().reshaped(to: [2, 3, 1, 5, 6])
        let first = try x.maxPool([3, 2], strides: [2, 1], padding: [1, 0]).scalars(as: Float.self)
        #expect(
            try last.maxPool([3, 2], strides: [2, 1], padding: [1, 0], layout: .channelsLast)
                .transposed([0, 3, 1, 2]).scalars(as: Float.self) == first)
        #expect(
            try volume.maxPool([1, 3, 2], strides: [1, 2, 1], padding: [0, 1, 0]).scalars(as: Float.self) == first)
        let indices = try last.maxPoolIndices([3, 2], strides: [2, 1], padding: [1, 0], layout: .channelsLast)
        #expect(
            try indices.transposed([0, 3, 1, 2]).scalars(as: Int32.self)
                == x.maxPoolIndices([3, 2], strides: [2, 1], padding: [1, 0]).scalars(as: Int32.self))
    }

    @Test("global and adaptive pooling")
    func wholes() {
        #expect(image.globalAveragePool().scalars == [8.5])
        #expect(image.globalMaxPool().shape == [1, 1, 1, 1])
        #expect(image.globalMaxPool().scalars == [16])
        #expect(image.adaptiveAveragePool(to: [2, 2]).scalars == [3.5, 5.5, 11.5, 13.5])
        let signal = Tensor<Float>([1, 2, 3, 4, 5], shape: [1, 1, 5])
        // Windows 0..<2, 1..<4 and 3..<5.
        #expect(signal.adaptiveAveragePool(to: [3]).scalars == [1.5, 3, 4.5])
        #expect(signal.adaptiveAveragePool(to: [5]).scalars == [1, 2, 3, 4, 5])
        #expect(signal.transposed([0, 2, 1]).adaptiveAveragePool(to: [1], layout: .channelsLast).scalars == [3])
    }

    @Test("places of adaptive maxima are those that PyTorch returns, in both layouts")
    func adaptiveIndices() throws {
        // F.adaptive_max_pool2d(x, (3, 4), return_indices=True) of x = sin of 0, 1, … in [1, 2, 5, 7]; its values are at its
        // indices.
        let x = Tensor<Double>((0..<70).map(Double.init), shape: [1, 2, 5, 7]).sin()
        let places = x.adaptiveMaxPoolIndices(to: [3, 4])
        #expect(places.shape == [1, 2, 3, 4])
        #expect(
            places.scalars == [8, 8, 3, 13, 14, 8, 26, 27, 21, 22, 33, 33, 0, 10, 4, 5, 22, 23, 17, 12, 29, 23, 24, 34])
        let last = x.transposed([0, 2, 3, 1]).adaptiveMaxPoolIndices(to: [3, 4], layout: .channelsLast)
        #expect(last.transposed([0, 3, 1, 2]).scalars == places.scalars)
        let flat = x.reshaped(to: [1, 2, 35]).taking(along: 2, places.reshaped(to: [1, 2, 12]))
        #expect(flat.scalars == x.adaptiveMaxPool(to: [3, 4]).scalars)
        // The first of equal ones in row-major order, and of NaNs.
        let equal = Tensor<Float>([0, 5, 5, 0, 0, 5, .nan, 1, .nan], shape: [1, 1, 3, 3])
        #expect(equal.adaptiveMaxPoolIndices(to: [1, 1]).scalars == [6])
        #expect(equal.adaptiveMaxPoolIndices(to: [2, 2]).scalars == [1, 1, 6, 8])
        #expect(x.adaptiveMaxPoolIndices(to: [5, 7]).scalars == (0..<70).map { $0 % 35 })
        expectError(.shapeMismatch, mentioning: "adaptiveMaxPoolIndices", "[2]") {
            _ = try x.core.adaptiveMaxPoolIndices(to: [2])
        }
    }

    @Test("adaptive maxima, means and norms of other types")
    func otherPools() {
        let signal = Tensor<Float>([1, 5, 3, 4, 2], shape: [1, 1, 5])
        #expect(signal.adaptiveMaxPool(to: [3]).scalars == [5, 5, 4])
        #expect(image.adaptiveMaxPool(to: [2, 1]).scalars == [8, 16])
        #expect(Tensor<Double>([1, 2, 3], shape: [1, 1, 3]).adaptiveAveragePool(to: [2]).scalars == [1.5, 2.5])
        // The squares, and the sum of two, are beyond float16.
        #expect(Tensor<Float16>([300, -400], shape: [1, 1, 2]).normPool([2]).scalars == [500])
        #expect(
            Tensor<Float16>([60_000, 50_016], shape: [1, 1, 2]).adaptiveAveragePool(to: [1]).scalars == [55_008])
        #expect(Tensor<BFloat16>([1, 3], shape: [1, 1, 2]).globalAveragePool().scalars == [2])
        expectError(.shapeMismatch, mentioning: "adaptiveMaxPool", "[2]") {
            _ = try image.core.adaptiveMaxPool(to: [2])
        }
    }

    @Test("the first of equal maxima is named, and the first NaN wins")
    func ties() {
        let signal = Tensor<Float>([1, 1, .nan, .nan], shape: [1, 1, 4])
        #expect(signal.maxPoolIndices([2]).scalars == [0, 2])
        #expect(signal.maxPool([2]).scalars[1].isNaN)
        #expect(Tensor<Float>([-.infinity, -.infinity], shape: [1, 1, 2]).maxPoolIndices([2]).scalars == [0])
    }

    @Test("16-bit floats and float64 pool")
    func otherTypes() {
        #expect(Tensor<Float16>([1, 3, 2, 2], shape: [1, 1, 4]).averagePool([2]).scalars == [2, 2])
        #expect(Tensor<BFloat16>([1, 3, 2, 2], shape: [1, 1, 4]).maxPool([2]).scalars == [3, 2])
        #expect(Tensor<Double>([1, 4, 2, 2], shape: [1, 1, 4]).averagePool([2]).scalars == [2.5, 2])
    }

    @Test("what does not fit throws with the shapes")
    func mistakes() throws {
        let x = try AnyTensor.zeros([1, 2, 4, 4])
        expectError(.shapeMismatch, mentioning: "maxPool", "kernel [2]", "[1, 2, 4, 4]") { _ = try x.maxPool([2]) }
        expectError(.shapeMismatch, mentioning: "kernel", "[0, 2]") { _ = try x.maxPool([0, 2]) }
        expectError(.shapeMismatch, mentioning: "strides", "[2, 0]") { _ = try x.maxPool([2, 2], strides: [2, 0]) }
        expectError(.shapeMismatch, mentioning: "window of 5", "[1, 2, 4, 4]") { _ = try x.averagePool([5, 1]) }
        expectError(.shapeMismatch, mentioning: "window of 6", "[1, 2, 4, 4]") {
            _ = try x.averagePool([6, 1], strides: [2, 1], roundsUp: true)
        }
        expectError(.shapeMismatch, mentioning: "padding only") { _ = try x.maxPool([2, 2], padding: [2, 0]) }
        expectError(.shapeMismatch, mentioning: "padding only") {
            _ = try x.maxPool([2, 2], padding: .explicit(before: [0, 0], after: [0, 3]))
        }
        expectError(.shapeMismatch, mentioning: "padding only") {
            _ = try AnyTensor.zeros([1, 1, 1]).maxPool([2], strides: [1], padding: [1], dilations: [2])
        }
        expectError(.dtypeMismatch, mentioning: "maxPool", "bool") {
            _ = try AnyTensor.zeros([1, 1, 4], dtype: .bool).maxPool([2])
        }
        expectError(.dtypeMismatch, mentioning: "averagePool", "int32") {
            _ = try AnyTensor.zeros([1, 1, 4], dtype: .int32).averagePool([2])
        }
        expectError(.valueOutOfRange, mentioning: "normPool", "order of 0") { _ = try x.normPool(order: 0, [2, 2]) }
        expectError(.shapeMismatch, mentioning: "spatial axes") { _ = try AnyTensor.zeros([4, 4]).maxPool([]) }
        expectError(.shapeMismatch, mentioning: "adaptiveAveragePool", "[0, 1]") {
            _ = try x.adaptiveAveragePool(to: [0, 1])
        }
    }
}

extension AnyTensor {
    fileprivate func contiguousCopy() throws -> AnyTensor { try AnyTensor(scalars(as: Float.self), shape: shape) }
}
