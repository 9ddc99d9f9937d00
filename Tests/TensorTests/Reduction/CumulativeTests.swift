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

    @Test(
        "indices name the last of equal extremes, and of NaNs, as torch.cummax and cummin do", arguments: [1, 2, 300])
    func indices(columns: Int) throws {
        // torch.cummax(torch.tensor([2., 1, 2, nan, 3, nan]), 0).indices, and of cummin; the same in each column.
        let column = Tensor<Double>([2, 1, 2, .nan, 3, .nan], shape: [6, 1]).broadcast(to: [6, columns])
        func repeated(_ places: [Int32]) -> [Int32] { places.flatMap { Array(repeating: $0, count: columns) } }
        #expect(column.cumulativeMaximumIndices(axis: 0).scalars == repeated([0, 0, 2, 3, 3, 5]))
        #expect(column.cumulativeMinimumIndices(axis: 0).scalars == repeated([0, 1, 1, 3, 3, 5]))
        for dtype in DType.allCases where dtype != .bool {
            let x = try AnyTensor([3, 1, 1, 4, 4, 0] as [Float], shape: [6, 1]).broadcast(to: [6, columns])
                .cast(to: dtype)
            #expect(try x.cumulativeMaximumIndices(axis: 0).scalars() == repeated([0, 0, 0, 3, 4, 4]), "\(dtype)")
            #expect(try x.cumulativeMinimumIndices(axis: -2).scalars() == repeated([0, 1, 2, 2, 2, 5]), "\(dtype)")
            let values = try x.taking(along: 0, x.cumulativeMaximumIndices(axis: 0)).cast(to: .float64)
            let maxima = try x.cumulativeMaximum(axis: 0).cast(to: .float64)
            #expect(try values.scalars(as: Double.self) == maxima.scalars(as: Double.self))
        }
        #expect(Tensor<Int8>([-1, -2, 5], shape: [3]).cumulativeMaximumIndices().scalars == [0, 0, 2])
        #expect(Tensor<UInt64>([1, .max, 2]).cumulativeMaximumIndices().scalars == [0, 1, 1])
        #expect(try AnyTensor.zeros([0, 3]).cumulativeMaximumIndices(axis: 0).shape == [0, 3])
        expectError(.dtypeMismatch, mentioning: "cumulativeMinimumIndices", "bool") {
            _ = try AnyTensor.zeros([2], dtype: .bool).cumulativeMinimumIndices()
        }
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
