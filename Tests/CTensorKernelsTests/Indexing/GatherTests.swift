import CTensorKernels
import Testing

@Suite struct IndexKernelsTests {
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

    @Test("indices are counted from the front, and the first wrong one is found in any block")
    func normalization() {
        var out = [Int64](repeating: 99, count: 4)
        // Both arrays have four elements.
        let good = unsafe mw_normalize_indices(MW_DTYPE_I32, 4, [0, -1, 2, -3] as [Int32], 3, true, &out)
        #expect(good == -1)
        #expect(out == [0, 2, 2, 0])
        let cases: [(index: Int64, fromTheBack: Bool, isGood: Bool)] = [
            (-3, true, true), (-4, true, false), (3, true, false), (-1, false, false), (2, false, true),
            (.max, true, false), (.min, true, false),
        ]
        for (index, fromTheBack, isGood) in cases {
            for place in [0, 2_047, 2_048, 4_999] {
                var indices = [Int64](repeating: 0, count: 5_000)
                indices[place] = index
                var out = indices
                // Both arrays have 5,000 elements.
                let wrong = unsafe mw_normalize_indices(MW_DTYPE_I64, 5_000, indices, 3, fromTheBack, &out)
                #expect(wrong == (isGood ? -1 : place), "\(index) at \(place)")
            }
        }
    }

    @Test("the trues of a mask are counted and placed")
    func mask() {
        for count in [0, 1, 254, 255, 256, 1_000] {
            let mask = (0..<count).map { UInt8($0 % 3 == 0 ? 1 : 0) }
            let expected = (0..<count).filter { $0 % 3 == 0 }.map(Int64.init)
            // The mask is as long as the count, and the positions have room for all that were counted.
            let total = unsafe mw_count_true(count, mask)
            var positions = [Int64](repeating: -1, count: total + 1)
            unsafe mw_true_positions(count, mask, total, &positions)
            #expect(positions == expected + [-1])
        }
    }
}

@Suite struct GatherTests {
    @Test("rows are gathered in the order of the indices, from a table whose rows are apart too")
    func rows() {
        let table: [Float] = [0, 1, -1, 10, 11, -1, 20, 21, -1]
        var out = [Float](repeating: .nan, count: 8)
        // Rows of two floats, three floats apart.
        unsafe mw_gather(4, 2, [4, 2], 0, &out, table, [3, 1], [2, 0, 2, 1], [1, 0])
        #expect(out == [20, 21, 0, 1, 20, 21, 10, 11])
    }

    @Test("elements of every size are gathered along any axis, under any strides")
    func elements() {
        var values = SeededValues(seed: 11)
        for (shape, axis, strides) in [
            ([3, 4, 5], 1, [100, -7, 2]), ([3, 4, 5], 2, [1, 20, 3]), ([6], 0, [-2]), ([2, 3], 0, [0, 5]),
        ] {
            let source = (0..<2_000).map { _ in values.word() }
            let index = (0..<shape.reduce(1, *)).map { _ in Int64(values.integer(in: 0..<6)) }
            let base = 900
            let expected = zip(indices(of: shape), index).map { place, index in
                var place = place
                place[axis] = Int(index)
                return source[base + zip(place, strides).reduce(0) { $0 + $1.0 * $1.1 }]
            }
            func gathered<Element: FixedWidthInteger & BitwiseCopyable>(_: Element.Type) -> [Element] {
                let source = source.map { Element(truncatingIfNeeded: $0) }
                var out = [Element](repeating: 0, count: expected.count)
                unsafe source.withUnsafeBufferPointer { source in
                    // Every place of the cases lies inside the array.
                    unsafe mw_gather(
                        MemoryLayout<Element>.size, shape.count, shape, axis, &out, source.baseAddress! + base,
                        strides, index, contiguousStrides(shape))
                }
                return out
            }
            #expect(gathered(UInt64.self) == expected)
            #expect(gathered(UInt32.self) == expected.map { UInt32(truncatingIfNeeded: $0) })
            #expect(gathered(UInt16.self) == expected.map { UInt16(truncatingIfNeeded: $0) })
            #expect(gathered(UInt8.self) == expected.map { UInt8(truncatingIfNeeded: $0) })
        }
    }

    @Test("more rows than one piece holds are gathered whole")
    func pieces() {
        let rows = 5_000
        let table = (0..<600).map(Float.init)
        let index = (0..<rows).map { Int64($0 * 7 % 20) }
        var out = [Float](repeating: -1, count: rows * 30)
        // Twenty rows of thirty.
        unsafe mw_gather(4, 2, [rows, 30], 0, &out, table, [30, 1], index, [1, 0])
        #expect(out == index.flatMap { row in (0..<30).map { Float(Int(row) * 30 + $0) } })
    }
}
