import Tensor
import Testing

@Suite("Gather and scatter")
struct GatherScatterTests {
    private let matrix: Tensor<Float> = [[0, 1, 2], [10, 11, 12]]

    @Test("slices of any axis are taken by index, −1 being the last")
    func take() throws {
        #expect(matrix.taking(Tensor<Int32>([1, 0, -1])).scalars == [10, 11, 12, 0, 1, 2, 10, 11, 12])
        #expect(matrix.taking(Tensor<Int64>([-1, 0]), axis: 1).scalars == [2, 0, 12, 10])
        #expect(matrix.taking([[0], [2]] as Tensor<Int32>, axis: 1).shape == [2, 2, 1])
        #expect(matrix.taking(Tensor<Int32>(1), axis: 0).scalars == [10, 11, 12])
        #expect(matrix.transposed().taking(Tensor<Int32>([2, 1]), axis: 0).scalars == [2, 12, 1, 11])
        #expect(matrix.taking(Tensor<Int32>.zeros([0]), axis: 1).shape == [2, 0])
        #expect(Tensor<Bool>([true, false]).taking(Tensor<Int32>([1, 1, 0])).scalars == [false, false, true])
    }

    @Test("one element is taken for each index, as NumPy's take_along_axis does", arguments: 0..<20 as Range<UInt64>)
    func takeAlong(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let shape = (0..<Int.random(in: 1...4, using: &generator)).map { _ in Int.random(in: 1...5, using: &generator) }
        let axis = shape.indices.randomElement(using: &generator)!
        let view = try RandomView(shape: shape, using: &generator)
        var indexShape = shape
        indexShape[axis] = Int.random(in: 0...4, using: &generator)
        let length = shape[axis]
        let values = (0..<indexShape.reduce(1, *)).map { _ in
            Int64.random(in: Int64(-length)..<Int64(length), using: &generator)
        }
        let places = NestedArray(shape: indexShape) { index in
            values[zip(index, indexShape).reduce(0) { $0 * $1.1 + $1.0 }]
        }
        let expected = places.indices.map { index in
            var index = index
            let place = Int(places.at(index))
            index[axis] = place < 0 ? place + length : place
            return view.model.at(index)
        }
        let result = try view.tensor.taking(along: axis, AnyTensor(values, shape: Shape(indexShape)))
        #expect(try result.scalars(as: Float.self) == expected, "seed \(seed)")
    }

    @Test("other axes of the indices broadcast")
    func broadcast() {
        #expect(matrix.taking(along: 1, [[2, 0]] as Tensor<Int32>).scalars == [2, 0, 12, 10])
        #expect(matrix[0..<1].taking(along: 1, [[2], [0]] as Tensor<Int32>).scalars == [2, 0])
    }

    @Test("scatter modes combine in the order of the source", arguments: ScatterMode.allCases)
    func modes(mode: ScatterMode) throws {
        let target = Tensor<Int32>([5, 6, 7])
        let result = target.scattering([1, 9, 3, 2], along: 0, Tensor<Int32>([0, 0, 2, -1]), mode: mode)
        let expected: [Int32] =
            switch mode {
            case .set: [9, 6, 2]
            case .add: [15, 6, 12]
            case .multiply: [45, 6, 42]
            case .maximum: [9, 6, 7]
            case .minimum: [1, 6, 2]
            }
        #expect(result.scalars == expected)
        #expect(target.scalars == [5, 6, 7])
    }

    @Test("slices are scattered along any axis")
    func slices() throws {
        let zeros = Tensor<Float>.zeros([2, 3])
        let sums = zeros.scattering(slices: [[1], [2]], at: Tensor<Int64>([2, 2, 0]), axis: 1, mode: .add)
        #expect(sums.scalars == [1, 0, 2, 2, 0, 4])
        let rows = zeros.transposed().scattering(slices: [7, 8], at: Tensor<Int32>([1]))
        #expect(rows.scalars == [0, 0, 7, 8, 0, 0])
    }

    @Test("16-bit floats are added in float32 and rounded once")
    func roundedOnce() {
        // One by one, 256 + 1 is a tie that falls back to 256 in bfloat16.
        let ones = Tensor<BFloat16>(repeating: 1, shape: [8])
        let target = Tensor<BFloat16>([256])
        #expect(target.scattering(ones, along: 0, Tensor<Int32>.zeros([8]), mode: .add).scalars == [264])
        let halves = Tensor<Float16>(repeating: 1, shape: [4])
        #expect(
            Tensor<Float16>([2_048, 5]).scattering(halves, along: 0, Tensor<Int32>([0, 0, 0, 0]), mode: .add).scalars
                == [2_052, 5])
        #expect(Tensor<Float16>([3]).scattering([5], along: 0, Tensor<Int32>([0]), mode: .maximum).scalars == [5])
    }

    @Test("a wrong index throws before anything is written")
    func outOfRange() throws {
        for wrong: Int64 in [3, -4, .max, .min] {
            let indices = try AnyTensor([0, wrong], shape: [2])
            expectError(.indexOutOfRange, mentioning: "gather", "element 1", "\(wrong)", "-3..<3") {
                _ = try matrix.core.taking(indices, axis: 1)
            }
            expectError(.indexOutOfRange, mentioning: "scatterAdd", "\(wrong)") {
                _ = try matrix.core.scattering(slices: .ones([2, 2]), at: indices, axis: 1, mode: .add)
            }
        }
        #expect(matrix.scalars == [0, 1, 2, 10, 11, 12])
        expectError(.dtypeMismatch, mentioning: "int32 or int64") { _ = try matrix.core.taking(.zeros([1])) }
        expectError(.shapeMismatch, mentioning: "gather", "[3]", "[2, 3]") {
            _ = try matrix.core.taking(along: 0, .zeros([3], dtype: .int32))
        }
        expectError(.dtypeMismatch, mentioning: "scatterAdd", "bool") {
            _ = try AnyTensor.zeros([2], dtype: .bool).scattering(
                .ones([1], dtype: .bool), along: 0, .zeros([1], dtype: .int32), mode: .add)
        }
        expectError(.dtypeMismatch) {
            _ = try matrix.core.scattering(.zeros([2, 1], dtype: .int32), along: 1, .zeros([2, 1], dtype: .int32))
        }
    }

    @Test("tuples of indices name elements and slices")
    func tuples() throws {
        let rows = Tensor<Int32>([1, 0, -1])
        let columns = Tensor<Int32>([2, 0, 0])
        #expect(matrix.taking(tuples: [rows, columns]).scalars == [12, 0, 10])
        #expect(matrix.taking(tuples: [rows.reshaped(to: [3, 1]), Tensor<Int32>([0, 1])]).shape == [3, 2])
        #expect(matrix.taking(tuples: [rows]).shape == [3, 3])
        let written = matrix.scattering([5, 6, 7], tuples: [rows, columns], mode: .add)
        #expect(written.scalars == [6, 1, 2, 17, 11, 17])
        #expect(matrix.scattering([1], tuples: [Tensor<Int32>([0])]).scalars == [1, 1, 1, 10, 11, 12])
        expectError(.indexOutOfRange, mentioning: "taking tuples", "element 0", "-2..<2") {
            _ = try matrix.core.taking(tuples: [columns.core, rows.core])
        }
        expectError(.shapeMismatch, mentioning: "3 index tensors") {
            _ = try matrix.core.taking(tuples: [rows.core, rows.core, rows.core])
        }
        expectError(.shapeMismatch) { _ = try matrix.core.taking(tuples: []) }
    }

    @Test("the places that are not zero are listed in order, NaN among them")
    func nonZero() throws {
        let x = Tensor<Float>(rows: [[0, 1], [.nan, -0.0], [-3, 0]])
        #expect(x.nonZero().scalars == [0, 1, 1, 0, 2, 0])
        #expect(x.transposed().nonZero().scalars == [0, 1, 0, 2, 1, 0])
        #expect(Tensor<Int32>.zeros([3]).nonZero().shape == [0, 1])
        #expect(Tensor<Bool>(true).nonZero().shape == [1, 0])
        #expect(x.filling(where: Tensor<Bool>([true, false]), with: 9).scalars[4] == 9)
        expectError(.valuesUnknown) { _ = try AnyTensor.abstract(shape: [2], dtype: .bool).nonZero() }
        expectError(.shapeMismatch, mentioning: "filling", "[3]", "[3, 2]") {
            _ = try x.core.filling(where: .zeros([3], dtype: .bool), with: .scalar(Float(0)))
        }
    }

    @Test("rows of any type are gathered by int64 too")
    func rowsOfAnyType() throws {
        let table = Tensor<UInt16>(rows: [[1, 2], [3, 4]])
        #expect(table.gatherRows(Tensor<Int64>([1, 1])).scalars == [3, 4, 3, 4])
        expectError(.indexOutOfRange, mentioning: "gatherRows", "-1", "0..<2") {
            _ = try table.core.gatherRows(AnyTensor([-1] as [Int64], shape: [1]))
        }
    }
}
