import Foundation
import Tensor
import Testing

/// Reductions of every type and kind, against plain arithmetic on arrays.
@Suite("Statistics and truth over axes")
struct StatisticsTests {
    @Test("mean, variance, deviation, norms and log-sum-exp over axes of views", arguments: 0..<3)
    func statistics(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for shape in [[6], [3, 40], [40, 3], [5, 70, 2]] {
            let view = try RandomView(shape: shape, using: &generator)
            for axis in shape.indices {
                var groups: [[Int]: [Double]] = [:]
                for index in view.model.indices {
                    var kept = index
                    kept[axis] = 0
                    groups[kept, default: []].append(Double(view.model.at(index)))
                }
                let kept = shape.enumerated().map { $0 == axis ? 1 : $1 }
                let rows = NestedArray<Float>(shape: kept) { _ in 0 }.indices.map { groups[$0]! }
                func expectClose(_ found: AnyTensor, _ reference: ([Double]) -> Double, _ name: String) throws {
                    for (found, row) in zip(try found.scalars(as: Float.self), rows) {
                        let expected = reference(row)
                        #expect(
                            abs(Double(found) - expected) <= 1e-5 * Swift.max(1, abs(expected)),
                            "\(name) of axis \(axis) of \(shape), seed \(seed)")
                    }
                }
                func variance(_ row: [Double], _ correction: Double) -> Double {
                    let mean = row.reduce(0, +) / Double(row.count)
                    return row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (Double(row.count) - correction)
                }
                let x = view.tensor
                try expectClose(x.mean(axes: [axis]), { $0.reduce(0, +) / Double($0.count) }, "mean")
                try expectClose(x.variance(axes: [axis]), { variance($0, 0) }, "variance")
                try expectClose(x.variance(axes: [axis], correction: 1), { variance($0, 1) }, "unbiased variance")
                try expectClose(x.standardDeviation(axes: [axis]), { variance($0, 0).squareRoot() }, "deviation")
                try expectClose(x.logSumExp(axes: [axis]), { log($0.reduce(0) { $0 + exp($1) }) }, "log-sum-exp")
                try expectClose(x.norm(axes: [axis]), { $0.reduce(0) { $0 + $1 * $1 }.squareRoot() }, "norm")
                try expectClose(x.norm(order: 1, axes: [axis]), { $0.reduce(0) { $0 + abs($1) } }, "norm 1")
                try expectClose(
                    x.norm(order: 3, axes: [axis]), { pow($0.reduce(0) { $0 + pow(abs($1), 3) }, 1 / 3) }, "norm 3")
                try expectClose(x.norm(order: .infinity, axes: [axis]), { $0.map(abs).max()! }, "norm ∞")
                try expectClose(x.norm(order: -.infinity, axes: [axis]), { $0.map(abs).min()! }, "norm −∞")
                try expectClose(x.min(axes: [axis]), { $0.min()! }, "min")
            }
        }
    }

    @Test("a variance far from 0 keeps its digits")
    func farVariance() {
        let values = Tensor<Float>((0..<1000).map { 10_000 + Float($0 % 2) })
        #expect(values.variance().scalar == 0.25)
        #expect(Tensor<Double>([1e8 + 1, 1e8 + 2, 1e8 + 3]).variance(correction: 1).scalar == 1)
    }

    @Test("of too few elements the mean and the variance are NaN")
    func tooFew() throws {
        let one: Tensor<Float> = [3]
        #expect(one.variance().scalar == 0)
        #expect(one.variance(correction: 1).scalar.isNaN)
        #expect(one.variance(correction: 2).scalar.isNaN)
        let none = try AnyTensor.zeros([2, 0])
        #expect(try none.mean(axes: [1]).scalars(as: Float.self).allSatisfy(\.isNaN))
        #expect(try none.variance(axes: [1]).scalars(as: Float.self).allSatisfy(\.isNaN))
        #expect(try none.logSumExp(axes: [1]).scalars(as: Float.self) == [-.infinity, -.infinity])
        #expect(try none.norm(axes: [1]).scalars(as: Float.self) == [0, 0])
        #expect(try none.product(axes: [1]).scalars(as: Float.self) == [1, 1])
        expectError(.shapeMismatch, mentioning: "norm", "[2, 0]") { _ = try none.norm(order: .infinity, axes: [1]) }
        expectError(.shapeMismatch, mentioning: "min", "[2, 0]") { _ = try none.min(axes: [1]) }
    }

    @Test("log-sum-exp does not overflow, and infinities and NaN go through")
    func logSumExp() {
        let rows = Tensor<Float>(
            [
                1000, 1000, -.infinity, -.infinity, .infinity, 0, -1000, -1000, .nan, 1, -.infinity, 2,
            ], shape: [6, 2])
        let found = rows.logSumExp(axes: [1]).scalars
        let log2 = Float(0.6931472)
        #expect(found[0] == 1000 + log2)
        #expect(found[1] == -.infinity)
        #expect(found[2] == .infinity)
        #expect(found[3] == -1000 + log2)
        #expect(found[4].isNaN)
        #expect(found[5] == 2)
        #expect(Tensor<Double>([800, 800]).logSumExp().scalar == 800 + log(2))
    }

    @Test("products, and sums in a wider type")
    func integers() throws {
        #expect(Tensor<Int8>([100, 100]).sum().scalar == -56)
        #expect(Tensor<Int8>([100, 100, -1]).sum(as: Int64.self).scalar == 199)
        #expect(Tensor<UInt8>([200, 200]).sum(as: UInt32.self).scalar == 400)
        #expect(Tensor<Bool>([true, false, true]).sum(as: Int64.self).scalar == 2)
        #expect(Tensor<UInt64>([.max, 2]).sum().scalar == 1)
        #expect(Tensor<Int32>([-3, 5, 7]).product().scalar == -105)
        #expect(Tensor<Int16>([300, 300]).product(as: Int32.self).scalar == 90_000)
        #expect(Tensor<Int64>([1, 2, 3, 4], shape: [2, 2]).product(axes: [0]).scalars == [3, 8])
        #expect(Tensor<Double>([0.5, 4, 3]).product().scalar == 6)
        expectError(.dtypeMismatch, mentioning: "sum(as:)", "float32[2]", "int64") {
            _ = try AnyTensor.zeros([2]).sum(as: .int64)
        }
        expectError(.dtypeMismatch, mentioning: "sum(as:)", "float32") {
            _ = try AnyTensor.zeros([2], dtype: .int8).sum(as: .float32)
        }
    }

    @Test("extremes of every integer type reach its ends")
    func extremes() {
        func expectEnds<Scalar: IntegerTensorScalar>(_: Scalar.Type) {
            let values = Tensor<Scalar>([1, .max, .min, 2, .max, .min])
            #expect(values.max().scalar == .max && values.min().scalar == .min)
            #expect(values.argmax().scalar == 1 && values.argmin().scalar == 2)
            let columns = Tensor<Scalar>([1, 2, .min, .max, 0, 1], shape: [3, 2])
            #expect(columns.max(axes: [0]).scalars == [1, .max] && columns.min(axes: [0]).scalars == [.min, 1])
        }
        expectEnds(Int8.self)
        expectEnds(Int16.self)
        expectEnds(Int32.self)
        expectEnds(Int64.self)
        expectEnds(UInt8.self)
        expectEnds(UInt16.self)
        expectEnds(UInt32.self)
        expectEnds(UInt64.self)
    }

    @Test("16-bit floats are added as float32 and rounded once")
    func narrowFloats() {
        let many = Tensor<Float16>(repeating: 100, shape: [4096])
        #expect(many.sum().scalar == .infinity)
        #expect(many.mean().scalar == 100)
        let ones = Tensor<BFloat16>(repeating: 1, shape: [1000])
        #expect(ones.sum().scalar == BFloat16(1000.0))
        #expect(Tensor<Float16>([1, .nan, 3]).max().scalar.isNaN)
        #expect(Tensor<Float16>([0x1p-24, 0x1p-24]).sum().scalar == 0x1p-23)
        #expect(Tensor<BFloat16>([3, -4]).norm().scalar == 5)
    }

    @Test("any, all and the number of what is not 0, of every type; NaN is not 0 and −0 is")
    func truth() throws {
        let floats = Tensor<Float>([0, -0.0, .nan, 0, 1, -2], shape: [3, 2])
        #expect(floats.any(axes: [1]).scalars == [false, true, true])
        #expect(floats.all(axes: [1]).scalars == [false, false, true])
        #expect(floats.countNonzero().scalar == 3)
        #expect(floats.countNonzero(axes: [0]).scalars == [2, 1])
        #expect(Tensor<Float16>([-0.0, 0]).any().scalar == false)
        #expect(Tensor<Double>([-0.0, 0x1p-1070]).countNonzero().scalar == 1)
        #expect(Tensor<Int64>([1 << 40]).all().scalar)
        #expect(Tensor<UInt8>([0, 255]).countNonzero().scalar == 1)
        let none = try AnyTensor.zeros([0], dtype: .bool)
        #expect(try none.any().scalars(as: Bool.self) == [false])
        #expect(try none.all().scalars(as: Bool.self) == [true])
        expectError(.indexOutOfRange, mentioning: "any", "axis 1") { _ = try none.any(axes: [1]) }
    }
}
