import Tensor
import Testing

@Suite("Indexing")
struct IndexingTests {
    private let table = Tensor<Float>((0..<12).map(Float.init), shape: [4, 3])

    @Test("rows are gathered by index, from views too")
    func gather() throws {
        let indices: Tensor<Int32> = [[3, 0], [0, 2]]
        #expect(table.gatherRows(indices).shape == [2, 2, 3])
        #expect(table.gatherRows(indices).scalars == [9, 10, 11, 0, 1, 2, 0, 1, 2, 6, 7, 8])
        #expect(table.transposed().gatherRows([2, 0]).scalars == [2, 5, 8, 11, 0, 3, 6, 9])
        #expect(table.sliced(axis: 0, 0..<4, step: -1).gatherRows([0]).scalars == [9, 10, 11])
        #expect(table.gatherRows(indices.transposed()).scalars == [9, 10, 11, 0, 1, 2, 0, 1, 2, 6, 7, 8])
        #expect(Tensor<Int32>([5, 6]).gatherRows([1]).scalars == [6])
    }

    @Test("an index that names no row throws with its place and its value")
    func outOfRange() throws {
        for wrong: Int32 in [4, -1, .max] {
            let indices = try AnyTensor([0, wrong], shape: [2])
            expectError(.indexOutOfRange, mentioning: "element 1", "\(wrong)", "0..<4") {
                _ = try table.core.gatherRows(indices)
            }
        }
        expectError(.dtypeMismatch, mentioning: "int32") { _ = try table.core.gatherRows(.zeros([1])) }
        expectError(.indexOutOfRange) { _ = try AnyTensor.zeros([0, 3]).gatherRows(.zeros([1], dtype: .int32)) }
    }

    @Test("rows for one index add up in their order")
    func scatter() throws {
        var rows = try AnyTensor([1, 2, 3, 4, 5, 6] as [Float], shape: [3, 2])
        var indices = try AnyTensor([2, 0, 2] as [Int32], shape: [3])
        let sums = try Primitive.scatterAddRows.apply(&rows, &indices, .rowCount(4))
        #expect(try sums.scalars(as: Float.self) == [3, 4, 0, 0, 6, 8, 0, 0])
    }

    @Test("tensors are joined along any axis")
    func concatenate() throws {
        let left: Tensor<Float> = [[1, 2], [3, 4]]
        let right: Tensor<Float> = [[5], [6]]
        #expect(Tensor.concatenate([left, right], axis: 1).scalars == [1, 2, 5, 3, 4, 6])
        #expect(Tensor.concatenate([left, left.transposed()]).scalars == [1, 2, 3, 4, 1, 3, 2, 4])
        #expect(Tensor.concatenate([left], axis: -1).scalars == left.scalars)
        #expect(Tensor<Bool>.concatenate([[true], [false, true]]).scalars == [true, false, true])
        expectError(.shapeMismatch, mentioning: "[2, 2]", "[2, 1]") {
            _ = try AnyTensor.concatenate([left.core, right.core])
        }
        expectError(.shapeMismatch) { _ = try AnyTensor.concatenate([]) }
        expectError(.dtypeMismatch) { _ = try AnyTensor.concatenate([left.core, left.core.cast(to: .int32)]) }
    }
}
