import CTensorKernels
import Testing

@Suite struct RowsTests {
    @Test("the first index out of range is found, negative ones too")
    func rangeCheck() {
        let cases: [(indices: [Int32], bound: Int, position: Int)] = [
            ([0, 4, 2], 5, -1), ([0, 5, -1], 5, 1), ([0, -1, 5], 5, 1), ([0], 0, 0), ([], 0, -1),
        ]
        for (indices, bound, position) in cases {
            // The array is as long as the count says.
            let found = unsafe mw_first_index_out_of_range(indices, indices.count, bound)
            #expect(found == position)
        }
    }

    @Test("rows are gathered in the order of the indices, from a table whose rows are apart too")
    func gather() {
        let table: [Float] = [0, 1, -1, 10, 11, -1, 20, 21, -1]
        var out = [Float](repeating: .nan, count: 8)
        // Rows of two floats, three floats apart.
        unsafe mw_gather_rows(4, 8, &out, table, 12, [2, 0, 2, 1])
        #expect(out == [20, 21, 0, 1, 20, 21, 10, 11])
    }

    @Test("repeated rows add up in the order in which they come")
    func scatterAdd() {
        var table: [Float] = [1, 1, 1, 1, 1, 1]
        let rows: [Float] = [1e8, 1, 5, 6, -1e8, 2]
        // Three rows of two into a table of three rows.
        unsafe mw_scatter_add_rows_f32(3, 2, &table, rows, [1, 0, 1])
        // (1 + 1e8) - 1e8 is 0 in f32: the order shows.
        #expect(table == [6, 7, 0, 4, 1, 1])
    }
}
