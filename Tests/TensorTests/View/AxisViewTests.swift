import Tensor
import Testing

@Suite("Axis views")
struct AxisViewTests {
    private let cube = Tensor<Int32>.stride(from: 0, to: 24).reshaped(to: [2, 3, 4])

    @Test("axes are dropped, added, moved and turned round without a copy")
    func withoutCopies() throws {
        let core = cube.core
        let views: [(AnyTensor, Shape)] = [
            (try core.expandingDimensions(at: 1), [2, 1, 3, 4]), (try core.expandingDimensions(at: -1), [2, 3, 4, 1]),
            (try core.sliced(axis: 1, 0..<1).squeezed(), [2, 4]), (try core.movingAxis(0, to: -1), [3, 4, 2]),
            (try core.movingAxis(2, to: 0), [4, 2, 3]), (try core.swappingAxes(0, -1), [4, 3, 2]),
            (try core.flipped(), [2, 3, 4]), (try core.diagonal(), [2, 3]),
            (try core.windows(axis: 2, size: 2), [2, 3, 3, 2]),
            (try core.split(sizes: [1, 0, 2], axis: 1)[2], [2, 2, 4]), (try core.chunks(of: 3, axis: 2)[1], [2, 3, 1]),
            (try core.transposed().flipped(axes: [0]).expandingDimensions(at: 0), [1, 2, 4, 3]),
        ]
        for (view, shape) in views {
            #expect(view.shape == shape)
            #expect(view.sharesStorage(with: core), "\(shape)")
        }
    }

    @Test("the views show NumPy's elements")
    func elements() {
        #expect(cube.flipped(axes: [-1])[0, 0].scalars == [3, 2, 1, 0])
        #expect(cube.flipped().scalars == (0..<24).reversed())
        #expect(cube.movingAxis(0, to: 2)[1, 2].scalars == [6, 18])
        #expect(cube.movingAxis(2, to: 0)[3].scalars == [3, 7, 11, 15, 19, 23])
        #expect(cube.swappingAxes(0, 2)[1, 2].scalars == [9, 21])
        #expect(cube[0].diagonal().scalars == [0, 5, 10])
        #expect(cube[0].diagonal(offset: 2).scalars == [2, 7])
        #expect(cube[0].diagonal(offset: -1).scalars == [4, 9])
        #expect(cube[0].diagonal(offset: 4).shape == [0])
        #expect(cube[0].diagonal(offset: .min).shape == [0])
        #expect(cube.diagonal(axes: (0, 1)).scalars == [0, 16, 1, 17, 2, 18, 3, 19])
        #expect(cube.windows(axis: 1, size: 2)[1, 1, 2].scalars == [18, 22])
        #expect(cube[0, 0].windows(axis: 0, size: 2, step: 2).scalars == [0, 1, 2, 3])
        #expect(cube[0, 0].flipped().windows(axis: 0, size: 3).scalars == [3, 2, 1, 2, 1, 0])
        #expect(cube.split(into: 3, axis: -1).map(\.shape) == [[2, 3, 2], [2, 3, 1], [2, 3, 1]])
        #expect(cube.split(into: 3, axis: 2)[1][1, 0].scalars == [14])
        #expect(cube.chunks(of: 5, axis: 2).count == 1)
        #expect(Tensor<Int32>([1, 2, 3]).diagonalMatrix().scalars == [1, 0, 0, 0, 2, 0, 0, 0, 3])
        #expect(Tensor<Int32>([1, 2]).diagonalMatrix(offset: -1).scalars == [0, 0, 0, 1, 0, 0, 0, 2, 0])
        #expect(Tensor<Int32>(rows: [[1], [2]]).diagonalMatrix(offset: 1)[1].scalars == [0, 2, 0, 0])
    }

    @Test("what does not fit throws with the axis and the shape")
    func mistakes() {
        let core = cube.core
        expectError(.shapeMismatch, mentioning: "squeezed", "axis 1", "[2, 3, 4]") {
            _ = try core.squeezed(axes: [1])
        }
        expectError(.indexOutOfRange, mentioning: "expandingDimensions", "axis 4") {
            _ = try core.expandingDimensions(at: 4)
        }
        expectError(.indexOutOfRange, mentioning: "movingAxis", "axis 3") { _ = try core.movingAxis(0, to: 3) }
        expectError(.indexOutOfRange, mentioning: "swappingAxes") { _ = try core.swappingAxes(-4, 0) }
        expectError(.shapeMismatch, mentioning: "flipped", "twice") { _ = try core.flipped(axes: [0, -3]) }
        expectError(.shapeMismatch, mentioning: "diagonal", "itself") { _ = try core.diagonal(axes: (0, -3)) }
        expectError(.indexOutOfRange, mentioning: "windows", "of 4", "axis 1") {
            _ = try core.windows(axis: 1, size: 4)
        }
        expectError(.indexOutOfRange) { _ = try core.windows(axis: 1, size: 1, step: 0) }
        expectError(.shapeMismatch, mentioning: "split", "[1, 1]", "leave 1") {
            _ = try core.split(sizes: [1, 1], axis: 1)
        }
        expectError(.shapeMismatch) { _ = try core.split(sizes: [.max, .max], axis: 1) }
        expectError(.shapeMismatch) { _ = try core.split(into: 0) }
        expectError(.shapeMismatch) { _ = try core.chunks(of: 0) }
        expectError(.shapeMismatch) { _ = try AnyTensor.zeros([]).diagonalMatrix() }
        expectError(.outOfMemory) { _ = try AnyTensor.zeros([2]).diagonalMatrix(offset: .max) }
    }
}

@Suite("Copies that repeat")
struct RepeatTests {
    private let matrix: Tensor<Int32> = [[1, 2, 3], [4, 5, 6]]

    @Test("tensors are stacked along any axis")
    func stack() {
        #expect(Tensor.stack([matrix, matrix]).shape == [2, 2, 3])
        #expect(Tensor.stack([matrix[0], matrix[1]], axis: -1).scalars == [1, 4, 2, 5, 3, 6])
        expectError(.shapeMismatch, mentioning: "stack", "[2, 3]", "[3, 2]") {
            _ = try AnyTensor.stack([matrix.core, matrix.transposed().core])
        }
        expectError(.shapeMismatch) { _ = try AnyTensor.stack([]) }
    }

    @Test("tiles, repeats and rolls are NumPy's")
    func repeats() throws {
        #expect(matrix.tiled([2]).scalars == [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6])
        #expect(matrix.tiled([2, 1]).scalars == [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6])
        #expect(matrix.transposed().tiled([2, 1, 2]).shape == [2, 3, 4])
        #expect(matrix.transposed().tiled([2, 1, 2])[1, 0].scalars == [1, 4, 1, 4])
        #expect(matrix.tiled([0, 2]).shape == [0, 6])
        #expect(matrix.repeating(2, axis: 1).scalars == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6])
        #expect(matrix.repeating(2, axis: 0)[1].scalars == [1, 2, 3])
        #expect(matrix.repeating([2, 0, 1], axis: -1).scalars == [1, 1, 3, 4, 4, 6])
        #expect(matrix.rolled(1, axis: 1).scalars == [3, 1, 2, 6, 4, 5])
        #expect(matrix.rolled(-4, axis: 1).scalars == [2, 3, 1, 5, 6, 4])
        #expect(matrix.rolled(.min, axis: 0).scalars == matrix.scalars)
        #expect(Tensor<Int32>.zeros([0]).rolled(1, axis: 0).shape == [0])
        expectError(.shapeMismatch, mentioning: "tiled", "-1") { _ = try matrix.core.tiled([-1]) }
        expectError(.shapeMismatch, mentioning: "repeating", "[1]", "axis 1") {
            _ = try matrix.core.repeating([1], axis: 1)
        }
        expectError(.outOfMemory) { _ = try matrix.core.repeating(.max, axis: 1) }
    }

    @Test("padding that no memory holds throws")
    func hugePadding() throws {
        let x = try AnyTensor.zeros([2], dtype: .bool)
        for mode: PadMode<AnyTensor?> in [.reflect, .edge, .circular] {
            expectError(.outOfMemory) { _ = try x.padded([(before: 0, after: 1 << 50)], mode: mode) }
        }
    }

    @Test("padding is NumPy's in every mode")
    func pad() throws {
        let row: Tensor<Int32> = [1, 2, 3]
        #expect(row.padded([(1, 2)]).scalars == [0, 1, 2, 3, 0, 0])
        #expect(row.padded([(1, 0)], mode: .constant(9)).scalars == [9, 1, 2, 3])
        #expect(row.padded([(2, 2)], mode: .reflect).scalars == [3, 2, 1, 2, 3, 2, 1])
        #expect(row.padded([(5, 0)], mode: .reflect).scalars == [2, 1, 2, 3, 2, 1, 2, 3])
        #expect(row.padded([(2, 1)], mode: .edge).scalars == [1, 1, 1, 2, 3, 3])
        #expect(row.padded([(4, 2)], mode: .circular).scalars == [3, 1, 2, 3, 1, 2, 3, 1, 2])
        #expect(matrix.padded([(1, 0), (0, 1)], mode: .edge).scalars == [1, 2, 3, 3, 1, 2, 3, 3, 4, 5, 6, 6])
        #expect(matrix.transposed().padded([(0, 0), (1, 1)], mode: .constant(-1))[2].scalars == [-1, 3, 6, -1])
        expectError(.shapeMismatch, mentioning: "padded", "[2, 3]") { _ = try matrix.core.padded([(1, 1)]) }
        expectError(.shapeMismatch) { _ = try row.core.padded([(-1, 0)]) }
        expectError(.shapeMismatch, mentioning: "nothing to repeat") {
            _ = try AnyTensor.zeros([0]).padded([(1, 0)], mode: .edge)
        }
        expectError(.shapeMismatch, mentioning: "reflects nothing") {
            _ = try AnyTensor.zeros([1]).padded([(1, 0)], mode: .reflect)
        }
        expectError(.dtypeMismatch) {
            _ = try row.core.padded([(1, 0)], mode: .constant(.scalar(Float(1))))
        }
        expectError(.outOfMemory) { _ = try row.core.padded([(.max, 1)]) }
    }
}
