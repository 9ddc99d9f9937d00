import Tensor
import Testing

@Suite("Normalisation")
struct NormalizationTests {
    private static func normalized(_ row: [Double], epsilon: Double = 1e-5) -> [Double] {
        let mean = row.reduce(0, +) / Double(row.count)
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
        return row.map { ($0 - mean) / (variance + epsilon).squareRoot() }
    }

    @Test("layer norm of views, over one axis and two", arguments: 0..<4)
    func layerNorm(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let x = try RandomView(shape: [3, 4, 5], using: &generator)
        for axes in 1...2 {
            let width = axes == 1 ? 5 : 20
            let shape: Shape = axes == 1 ? [5] : [4, 5]
            let weight = try RandomView(shape: Array(shape), using: &generator)
            let bias = try RandomView(shape: Array(shape), using: &generator)
            let found = try x.tensor.layerNorm(weight: weight.tensor, bias: bias.tensor, axes: axes)
            let plain = try x.tensor.layerNorm(axes: axes).scalars(as: Float.self)
            let values = x.model.values.map(Double.init)
            for (index, value) in try found.scalars(as: Float.self).enumerated() {
                let row = index / width * width
                let expected = Self.normalized(Array(values[row..<row + width]))[index - row]
                #expect(abs(Double(plain[index]) - expected) < 1e-5, "seed \(seed)")
                let place = index - row
                let scaled = expected * Double(weight.model.values[place]) + Double(bias.model.values[place])
                #expect(abs(Double(value) - scaled) < 1e-5, "seed \(seed)")
            }
        }
    }

    @Test("RMS norm, group norm and instance norm")
    func others() throws {
        let x = Tensor<Float>([3, 4, -3, -4], shape: [2, 2])
        let root = Float(12.5).squareRoot()
        for (found, expected) in zip(x.rmsNorm(epsilon: 0).scalars, [3 / root, 4 / root, -3 / root, -4 / root]) {
            #expect(abs(found - expected) < 1e-6)
        }
        // Two groups of two channels with two places; the second group is the first one moved and stretched.
        let image = Tensor<Float>([1, 2, 3, 4, 10, 20, 30, 40], shape: [1, 4, 2])
        let weight = Tensor<Float>([1, 1, 2, 2]), bias = Tensor<Float>([0, 0, 1, 1])
        let grouped = image.groupNorm(groups: 2, weight: weight, bias: bias, epsilon: 0).scalars
        let expected = Self.normalized([1, 2, 3, 4], epsilon: 0)
        for index in 0..<4 {
            #expect(abs(Double(grouped[index]) - expected[index]) < 1e-6)
            #expect(abs(Double(grouped[index + 4]) - (2 * expected[index] + 1)) < 1e-5)
        }
        for value in image.instanceNorm(epsilon: 0).scalars.enumerated() {
            #expect(abs(value.element - (value.offset % 2 == 0 ? -1 : 1)) < 1e-6)
        }
    }

    @Test("batch norm with the batch's statistics, and with known ones")
    func batchNorm() {
        let x = Tensor<Float>([1, 2, 3, 4, 5, 6, 7, 8], shape: [2, 2, 2])
        let weight = Tensor<Float>([1, 2]), bias = Tensor<Float>([0, 1])
        let training = x.batchNorm(weight: weight, bias: bias)
        #expect(training.mean.scalars == [3.5, 5.5])
        #expect(training.variance.scalars == [4.25, 4.25])
        let inference = x.batchNorm(mean: training.mean, variance: training.variance, weight: weight, bias: bias)
        let expected = Self.normalized([1, 2, 5, 6])
        let places = [0, 1, 4, 5]
        for (place, value) in zip(places, expected) {
            for result in [training.result, inference] {
                #expect(abs(Double(result.scalars[place]) - value) < 1e-5)
                #expect(abs(Double(result.scalars[place + 2]) - (2 * value + 1)) < 1e-5)
            }
        }
        let last = x.transposed([0, 2, 1]).batchNorm(channelAxis: -1)
        #expect(last.mean.scalars == [3.5, 5.5])
    }

    @Test("batch norm of float64, and of 16-bit floats whose squares are beyond them")
    func batchNormOfOtherTypes() {
        let double = Tensor<Double>([1, 2, 3, 4, 5, 6, 7, 8], shape: [2, 2, 2]).batchNorm()
        let expected = Self.normalized([1, 2, 5, 6])
        for (place, value) in zip([0, 1, 4, 5], expected) {
            #expect(abs(double.result.scalars[place] - value) < 1e-14)
        }
        let half = Tensor<Float16>([-600, 600], shape: [2, 1]).batchNorm()
        #expect(half.result.scalars == [-1, 1])
        let known = Tensor<Float16>([3, 5], shape: [2, 1]).batchNorm(
            mean: Tensor([4]), variance: Tensor([1]), weight: Tensor([2]), bias: Tensor([1]), epsilon: 0)
        #expect(known.scalars == [-1, 3])
    }

    @Test("float64 and 16-bit floats; softmax too")
    func otherTypes() {
        let double = Tensor<Double>([1, 2, 4], shape: [3]).layerNorm()
        for (found, expected) in zip(double.scalars, Self.normalized([1, 2, 4])) {
            #expect(abs(found - expected) < 1e-14)
        }
        let half = Tensor<Float16>([1, 2, 4], shape: [3]).layerNorm()
        for (found, expected) in zip(half.scalars, Self.normalized([1, 2, 4])) {
            #expect(abs(Double(found) - expected) < 1e-3)
        }
        #expect(Tensor<BFloat16>([5, 5], shape: [2]).softmax().scalars == [0.5, 0.5])
        #expect(
            Tensor<Double>([5, 5, 5, 5], shape: [2, 2]).logSoftmax(axis: 0).scalars
                == Array(repeating: -0.6931471805599453, count: 4))
    }

    @Test("no rows, and rows of one element")
    func small() throws {
        #expect(try AnyTensor.zeros([0, 4]).layerNorm().shape == [0, 4])
        #expect(Tensor<Float>([7, -2], shape: [2, 1]).layerNorm().scalars == [0, 0])
        #expect(try AnyTensor.zeros([0, 4, 2]).groupNorm(groups: 2).shape == [0, 4, 2])
    }

    @Test("what does not fit throws with the shapes")
    func mistakes() throws {
        let x = try AnyTensor.zeros([2, 4, 3])
        expectError(.shapeMismatch, mentioning: "layerNorm", "[4]", "[2, 4, 3]", "[3]") {
            _ = try x.layerNorm(weight: .zeros([4]))
        }
        expectError(.shapeMismatch, mentioning: "bias") { _ = try x.layerNorm(bias: .zeros([3])) }
        expectError(.shapeMismatch, mentioning: "last 4 axes") { _ = try x.layerNorm(axes: 4) }
        expectError(.shapeMismatch, mentioning: "epsilon") { _ = try x.layerNorm(epsilon: -1) }
        expectError(.shapeMismatch, mentioning: "groupNorm", "3 groups") { _ = try x.groupNorm(groups: 3) }
        expectError(.shapeMismatch, mentioning: "batchNorm", "[3]") {
            _ = try x.batchNorm(mean: .zeros([3]), variance: .zeros([4]))
        }
        expectError(.shapeMismatch, mentioning: "batchNorm", "epsilon") { _ = try x.batchNorm(epsilon: -1) }
        expectError(.dtypeMismatch, mentioning: "batchNorm", "float64") {
            _ = try x.batchNorm(weight: .zeros([4], dtype: .float64))
        }
        expectError(.dtypeMismatch, mentioning: "layerNorm", "int32") {
            _ = try AnyTensor.zeros([2], dtype: .int32).layerNorm()
        }
    }
}
