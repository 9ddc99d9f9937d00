import Foundation
import Tensor
import Testing

@Suite("Reductions")
struct ReductionTests {
    private static let cases: [(shape: [Int], axes: [Int]?)] = [
        ([], nil), ([], []), ([5], [0]), ([5], nil), ([3, 4], [0]), ([3, 4], [-1]), ([3, 4], []), ([2, 3, 4], [0, 2]),
        ([2, 3, 4], [1]), ([2, 1, 4], [1]), ([3, 300], [1]), ([300, 3], [0]), ([2, 3, 2, 3], [1, 3]),
    ]

    @Test("sum, mean and max over axes of views are those of the elements", arguments: 0..<4)
    func overAxes(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for (shape, axes) in Self.cases {
            let view = try RandomView(shape: shape, using: &generator)
            let reduced = Set(axes.map { $0.map { $0 < 0 ? $0 + shape.count : $0 } } ?? Array(shape.indices))
            var groups: [[Int]: [Float]] = [:]
            for index in view.model.indices {
                groups[index.enumerated().map { reduced.contains($0) ? 0 : $1 }, default: []].append(
                    view.model.at(index))
            }
            let kept = shape.enumerated().map { reduced.contains($0) ? 1 : $1 }
            let outer = NestedArray<Float>(shape: kept) { _ in 0 }.indices.map { groups[$0]! }
            let count = Float(outer[0].count)
            for keepsDimensions in [false, true] {
                let expectedShape =
                    keepsDimensions ? kept : kept.indices.filter { !reduced.contains($0) }.map { kept[$0] }
                let sum = try view.tensor.sum(axes: axes, keepsDimensions: keepsDimensions)
                let mean = try view.tensor.mean(axes: axes, keepsDimensions: keepsDimensions)
                let largest = try view.tensor.max(axes: axes, keepsDimensions: keepsDimensions)
                #expect(Array(sum.shape) == expectedShape, "seed \(seed)")
                #expect(Array(largest.shape) == expectedShape, "seed \(seed)")
                #expect(try largest.scalars(as: Float.self) == outer.map { $0.max()! }, "seed \(seed)")
                let exact = outer.map { $0.reduce(0.0) { $0 + Double($1) } }
                for (found, expected) in zip(try sum.scalars(as: Float.self), exact) {
                    #expect(abs(Double(found) - expected) < 1e-5 * Double(count), "seed \(seed)")
                }
                #expect(
                    try mean.scalars(as: Float.self) == sum.scalars(as: Float.self).map { $0 / count }, "seed \(seed)")
            }
        }
    }

    @Test("a sum's bits do not depend on how the elements lie")
    func sameBits() throws {
        var generator = SeededGenerator(seed: 11)
        let view = try RandomView(shape: [29, 257], using: &generator)
        let copy = try AnyTensor(view.model.values, shape: [29, 257])
        #expect(try view.tensor.sum().scalars(as: Float.self) == copy.sum().scalars(as: Float.self))
        #expect(
            try copy.transposed().sum(axes: [0]).scalars(as: Float.self) == copy.sum(axes: [1]).scalars(as: Float.self))
    }

    @Test("integers are summed and compared as integers")
    func integers() {
        let values: Tensor<Int32> = [[1, 2], [-3, 4]]
        #expect(values.sum().scalar == 4)
        #expect(values.max(axes: [0]).scalars == [1, 4])
    }

    @Test("no elements sum to 0, have no largest, and a mean of NaN")
    func empty() throws {
        let none = try AnyTensor.zeros([0, 3])
        #expect(try none.sum(axes: [0]).scalars(as: Float.self) == [0, 0, 0])
        #expect(try none.mean(axes: [0]).scalars(as: Float.self).allSatisfy(\.isNaN))
        #expect(try none.max(axes: [1]).shape == [0])
        expectError(.shapeMismatch, mentioning: "max", "[0, 3]") { _ = try none.max(axes: [0]) }
        expectError(.shapeMismatch, mentioning: "argmax") { _ = try none.argmax(axis: 0) }
    }

    @Test("an axis that is not there, or named twice, throws")
    func mistakes() throws {
        let matrix = try AnyTensor.zeros([2, 3])
        expectError(.indexOutOfRange, mentioning: "sum", "axis 2") { _ = try matrix.sum(axes: [2]) }
        expectError(.indexOutOfRange, mentioning: "axis -3") { _ = try matrix.mean(axes: [-3]) }
        expectError(.shapeMismatch, mentioning: "twice") { _ = try matrix.max(axes: [1, -1]) }
        expectError(.dtypeMismatch, mentioning: "sum", "bool") { _ = try AnyTensor.zeros([2], dtype: .bool).sum() }
        expectError(.indexOutOfRange) { _ = try AnyTensor.scalar(Float(1)).argmax() }
    }

    @Test("argmax is the first largest along an axis, and NaN counts as the largest")
    func argmax() {
        let scores: Tensor<Float> = [[1, 3, 3], [5, 4, 5]]
        #expect(scores.argmax().scalars == [1, 0])
        #expect(scores.argmax(axis: 0).scalars == [1, 1, 1])
        #expect(scores.transposed().argmax(axis: 0).scalars == [1, 0])
        #expect(Tensor<Float>([1, .nan, 9]).argmax().scalar == 1)
    }

    @Test("of bools true is the largest and false the smallest")
    func bools() throws {
        let truths = Tensor<Bool>([false, true, true, false, false, false, true, true, true], shape: [3, 3])
        for matrix in [truths, truths.transposed().transposed()] {
            #expect(matrix.max(axes: [1]).scalars == [true, false, true])
            #expect(matrix.min(axes: [1]).scalars == [false, false, true])
            #expect(matrix.argmax().scalars == [1, 0, 0])
            #expect(matrix.argmin().scalars == [0, 0, 0])
        }
        let columns = truths.transposed()
        #expect(columns.max(axes: [0]).scalars == [true, false, true])
        #expect(columns.argmax(axis: 0).scalars == [1, 0, 0])
        #expect(truths.max().scalar == true && truths.min().scalar == false)
        expectError(.shapeMismatch, mentioning: "max", "[0]") { _ = try AnyTensor.zeros([0], dtype: .bool).max() }
    }

    @Test("softmax and its logarithm along any axis, shifted so that nothing overflows", arguments: [-1, 0, 1])
    func softmax(axis: Int) throws {
        let scores = Tensor<Float>([1000, 1001, 999, -5, 0, 5, 2, 2, 2], shape: [3, 3])
        let columns = axis == 0 ? scores.transposed().scalars : scores.scalars
        let expected = stride(from: 0, to: 9, by: 3).map { row -> [Double] in
            let values = columns[row..<row + 3].map(Double.init)
            let total = log(values.reduce(0) { $0 + exp($1 - values.max()!) }) + values.max()!
            return values.map { $0 - total }
        }
        let probabilities = scores.softmax(axis: axis)
        let logarithms = scores.logSoftmax(axis: axis)
        #expect(probabilities.shape == [3, 3])
        let rows = (axis == 0 ? probabilities.transposed() : probabilities).scalars
        let logRows = (axis == 0 ? logarithms.transposed() : logarithms).scalars
        for (place, value) in expected.joined().enumerated() {
            #expect(abs(Double(rows[place]) - exp(value)) < 1e-6)
            #expect(abs(Double(logRows[place]) - value) < 1e-6 * max(abs(value), 1))
        }
    }
}
