import Tensor
import Testing

@Suite("RowSparse")
struct RowSparseTests {
    private func sparse() throws -> RowSparse {
        try RowSparse(
            indices: AnyTensor([3, 0, 3] as [Int32], shape: [3]),
            values: AnyTensor([1, 2, 3, 4, 5, 6] as [Float], shape: [3, 2]), rowCount: 5)
    }

    @Test("coalescing sorts the rows and sums those that are named twice")
    func coalesced() throws {
        let coalesced = try sparse().coalesced()
        #expect(coalesced.isCoalesced)
        #expect(try coalesced.indices.scalars(as: Int64.self) == [0, 3])
        #expect(try coalesced.values.scalars(as: Float.self) == [3, 4, 6, 8])
        #expect(coalesced.shape == [5, 2])
        #expect("\(coalesced)" == "float32[5, 2] with 2 rows")
    }

    @Test("sums are those of the given order, before and after coalescing")
    func order() throws {
        let values: [Float] = [1e8, 1, -1e8]
        let sparse = try RowSparse(
            indices: AnyTensor([1, 1, 1] as [Int64], shape: [3]), values: AnyTensor(values, shape: [3, 1]), rowCount: 2)
        #expect(try sparse.coalesced().values.scalars(as: Float.self) == [(values[0] + values[1]) + values[2]])
        #expect(try sparse.toDense().scalars(as: Float.self) == sparse.coalesced().toDense().scalars(as: Float.self))
    }

    @Test("a sum is coalesced once, in the order of its parts")
    func adding() throws {
        func rows(_ indices: [Int32], _ values: [Float]) throws -> RowSparse {
            try RowSparse(
                indices: AnyTensor(indices, shape: [indices.count]),
                values: AnyTensor(values, shape: [values.count, 1]),
                rowCount: 4)
        }
        let parts = try [rows([2, 0], [1e8, 5]), rows([2], [1]), rows([], []), rows([2, 1], [-1e8, 7])]
        let sum = try parts[0].adding(Array(parts.dropFirst()))
        #expect(sum.isCoalesced && sum.shape == [4, 1])
        #expect(try sum.indices.scalars(as: Int64.self) == [0, 1, 2])
        #expect(try sum.values.scalars(as: Float.self) == [5, 7, (Float(1e8) + 1) - 1e8])
        #expect(try parts[0].adding([]).indices.scalars(as: Int64.self) == [0, 2])
        expectError(.shapeMismatch, mentioning: "[4, 1]", "[5, 2]") { _ = try rows([1], [1]).adding([sparse()]) }
    }

    @Test("the dense table, scaling and the norm")
    func dense() throws {
        #expect(try sparse().toDense().scalars(as: Float.self) == [3, 4, 0, 0, 0, 0, 6, 8, 0, 0])
        #expect(try sparse().scaled(by: -2).toDense().scalars(as: Float.self) == [-6, -8, 0, 0, 0, 0, -12, -16, 0, 0])
        // Of the summed rows: 9 + 16 + 36 + 64.
        #expect(try sparse().norm().scalars(as: Float.self) == [Float(125).squareRoot()])
        // 300² is beyond float16, and 500 is not.
        let half = try RowSparse(
            indices: AnyTensor([1] as [Int64], shape: [1]), values: AnyTensor([300, 400] as [Float16], shape: [1, 2]),
            rowCount: 2)
        #expect(try half.norm().scalars(as: Float16.self) == [500])
    }

    @Test("adding to a table changes the named rows, in place where nothing else sees it")
    func add() async throws {
        var table = try AnyTensor.full([5, 2], Float(1))
        let before = table
        try sparse().add(to: &table)
        #expect(try table.scalars(as: Float.self) == [4, 5, 1, 1, 1, 1, 7, 9, 1, 1])
        #expect(try before.scalars(as: Float.self) == .init(repeating: 1, count: 10))
        await #expect(processExitsWith: .success) {
            var table = try AnyTensor.zeros([1_000, 100])
            let rows = try RowSparse(indices: .zeros([1], dtype: .int64), values: .ones([1, 100]), rowCount: 1_000)
            let before = StorageStatistics.current
            try rows.add(to: &table)
            // The index of one row, and no table.
            let taken = StorageStatistics.current.allocations - before.allocations
            precondition(taken <= 1, "\(taken)")
        }
    }

    @Test("a table that has no shape throws where it is made, not where its shape is read")
    func impossibleTables() throws {
        let (none, values) = (try AnyTensor.zeros([0], dtype: .int64), try AnyTensor.zeros([0, 4]))
        expectError(.shapeMismatch, mentioning: "-1") {
            _ = try RowSparse(indices: none, values: values, rowCount: -1)
        }
        expectError(.outOfMemory) { _ = try RowSparse(indices: none, values: values, rowCount: .max) }
    }

    @Test("what does not fit throws")
    func mistakes() throws {
        expectError(.indexOutOfRange, mentioning: "RowSparse", "element 0", "5", "0..<5") {
            _ = try RowSparse(indices: AnyTensor([5] as [Int32], shape: [1]), values: .zeros([1, 2]), rowCount: 5)
        }
        expectError(.shapeMismatch, mentioning: "[2, 2]", "[1]") {
            _ = try RowSparse(indices: .zeros([1], dtype: .int32), values: .zeros([2, 2]), rowCount: 5)
        }
        expectError(.dtypeMismatch) { _ = try RowSparse(indices: .zeros([1]), values: .zeros([1, 2]), rowCount: 5) }
        var table = try AnyTensor.zeros([5, 3])
        expectError(.shapeMismatch, mentioning: "[5, 2]", "[5, 3]") { try sparse().add(to: &table) }
        var integers = try AnyTensor.zeros([5, 2], dtype: .int32)
        expectError(.dtypeMismatch) { try sparse().add(to: &integers) }
    }
}
