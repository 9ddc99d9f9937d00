import Foundation
import Tensor
import Testing

@Suite("Cumulative operations")
struct CumulativeTests {
    @Test("along any axis of views they are those of a loop", arguments: 0..<3)
    func alongAxes(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for shape in [[1], [9], [3, 8], [5, 2, 7]] {
            let view = try RandomView(shape: shape, using: &generator)
            for axis in shape.indices {
                func expectEqual(
                    _ found: AnyTensor, _ name: String, tolerance: Double = 0,
                    _ combine: (Double, Double) -> Double
                ) throws {
                    let found = try found.scalars(as: Float.self)
                    for (index, found) in zip(view.model.indices, found) {
                        var carry = 0.0
                        for place in 0...index[axis] {
                            var at = index
                            at[axis] = place
                            let value = Double(view.model.at(at))
                            carry = place == 0 ? value : combine(carry, value)
                        }
                        let error = abs(Double(found) - Double(Float(carry)))
                        #expect(error <= tolerance, "\(name), \(shape), axis \(axis), seed \(seed)")
                    }
                }
                let x = view.tensor
                try expectEqual(x.cumulativeSum(axis: axis), "sum", +)
                try expectEqual(x.cumulativeProduct(axis: axis), "product", *)
                try expectEqual(x.cumulativeMaximum(axis: axis), "maximum") { Swift.max($0, $1) }
                try expectEqual(x.cumulativeMinimum(axis: axis), "minimum") { Swift.min($0, $1) }
                try expectEqual(x.cumulativeLogSumExp(axis: axis), "log-sum-exp", tolerance: 1e-6) {
                    log(exp($0) + exp($1))
                }
            }
        }
    }

    @Test("NaN stays from where it is, infinities and −∞ go through log-sum-exp")
    func specialValues() {
        let values = Tensor<Float>([1, .nan, 3, 0])
        #expect(values.cumulativeMaximum().scalars.map(\.isNaN) == [false, true, true, true])
        #expect(values.cumulativeMinimum().scalars.map(\.isNaN) == [false, true, true, true])
        let infinite = Tensor<Float>([-.infinity, -.infinity, 2, .infinity, 1])
        #expect(infinite.cumulativeLogSumExp().scalars == [-.infinity, -.infinity, 2, .infinity, .infinity])
        #expect(Tensor<Double>([1000, 1000]).cumulativeLogSumExp().scalars[1] == 1000 + log(2))
    }

    @Test("integers wrap around, and 16-bit floats are carried as float32")
    func narrowTypes() {
        #expect(Tensor<Int8>([100, 100, 100]).cumulativeSum().scalars == [100, -56, 44])
        #expect(Tensor<UInt16>([300, 300]).cumulativeProduct().scalars == [300, 24_464])
        #expect(Tensor<Int8>([3, -128, 7]).cumulativeMinimum().scalars == [3, -128, -128])
        #expect(Tensor<UInt8>([3, 200, 7]).cumulativeMaximum().scalars == [3, 200, 200])
        let halves = Tensor<Float16>(repeating: 1, shape: [2100]).cumulativeSum().scalars
        // In float16 itself the sum would stop at 2048.
        #expect(halves[2098] == 2100)
        #expect(Tensor<BFloat16>([1, 2]).cumulativeSum().scalars == [1, 3])
    }

    @Test("a tensor without elements stays one, and mistakes throw")
    func mistakes() throws {
        #expect(try AnyTensor.zeros([0, 3]).cumulativeSum(axis: 0).shape == [0, 3])
        expectError(.indexOutOfRange, mentioning: "cumulativeSum", "axis 1") {
            _ = try AnyTensor.zeros([2]).cumulativeSum(axis: 1)
        }
        expectError(.indexOutOfRange) { _ = try AnyTensor.scalar(Float(1)).cumulativeProduct() }
        expectError(.dtypeMismatch, mentioning: "cumulativeMaximum", "bool") {
            _ = try AnyTensor.zeros([2], dtype: .bool).cumulativeMaximum()
        }
        expectError(.dtypeMismatch, mentioning: "cumulativeLogSumExp", "int32") {
            _ = try AnyTensor.zeros([2], dtype: .int32).cumulativeLogSumExp()
        }
    }
}
