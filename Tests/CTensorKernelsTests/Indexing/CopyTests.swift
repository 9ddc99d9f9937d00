import CTensorKernels
import Testing

@Suite struct CopyTests {
    @Test("a copy packs transposes, slices, reversals and broadcasts of any rank")
    func packing() {
        let a = (0..<720).map { Int32($0) }
        let cases: [(shape: [Int], strides: [Int], base: Int)] = [
            ([20, 36], [1, 20], 0), ([36, 20], [20, 1], 0), ([17, 19], [1, 37], 5), ([4, 5], [-20, -1], 99),
            ([3, 4, 5], [0, 1, 0], 7), ([2, 3, 4, 5], [60, 1, 3, 12], 0), ([6], [100], 2), ([], [], 3),
            ([0, 4], [1, 1], 0),
        ]
        for (shape, strides, base) in cases {
            let expected = indices(of: shape).map { index in
                a[base + zip(index, strides).reduce(0) { $0 + $1.0 * $1.1 }]
            }
            var out = [Int32](repeating: -1, count: expected.count)
            unsafe a.withUnsafeBufferPointer { a in
                // Every index of the cases lies inside the array.
                unsafe mw_copy(
                    4, shape.count, shape, &out, contiguousStrides(shape), a.baseAddress! + base, strides)
            }
            #expect(out == expected, "shape \(shape), strides \(strides)")
        }
    }

    @Test("elements of every size are copied under any strides of both sides", arguments: 0..<20 as Range<UInt64>)
    func anyStrides(seed: UInt64) {
        var values = SeededValues(seed: seed)
        let rank = values.integer(in: 1..<5)
        let shape = (0..<rank).map { _ in values.integer(in: 1..<(rank < 3 ? 70 : 9)) }
        // Both sides have the axes in an order of their own, with gaps, some backwards; the source repeats some.
        func layout(mayRepeat: Bool) -> (strides: [Int], base: Int, size: Int) {
            var strides = [Int](repeating: 0, count: rank)
            var size = 1
            var base = 0
            for axis in (0..<rank).map({ ($0 + Int(seed)) % rank }) {
                if mayRepeat, values.integer(in: 0..<6) == 0 { continue }
                let gap = values.integer(in: 1..<3)
                let isBackwards = values.integer(in: 0..<4) == 0
                strides[axis] = isBackwards ? -size * gap : size * gap
                if isBackwards { base += size * gap * (shape[axis] - 1) }
                size *= shape[axis] * gap
            }
            return (strides, base, size)
        }
        let source = layout(mayRepeat: true)
        let target = layout(mayRepeat: false)
        func check<Element: FixedWidthInteger>(_: Element.Type) {
            let a = (0..<source.size).map { _ in Element(truncatingIfNeeded: values.word()) }
            var out = [Element](repeating: 0, count: target.size)
            var expected = out
            for index in indices(of: shape) {
                let from = source.base + zip(index, source.strides).reduce(0) { $0 + $1.0 * $1.1 }
                let to = target.base + zip(index, target.strides).reduce(0) { $0 + $1.0 * $1.1 }
                expected[to] = a[from]
            }
            unsafe out.withUnsafeMutableBufferPointer { out in
                unsafe a.withUnsafeBufferPointer { a in
                    // Both layouts stay inside their arrays.
                    unsafe mw_copy(
                        MemoryLayout<Element>.size, rank, shape, out.baseAddress! + target.base, target.strides,
                        a.baseAddress! + source.base, source.strides)
                }
            }
            #expect(out == expected, "seed \(seed), shape \(shape)")
        }
        check(UInt8.self)
        check(UInt16.self)
        check(UInt32.self)
        check(UInt64.self)
    }

    @Test("copies and fills of several pieces are whole")
    func pieces() {
        let (rows, columns) = (700, 900)
        let a = (0..<rows * columns).map { Int32($0) }
        var out = [Int32](repeating: -1, count: a.count)
        // A transpose of 2.5 MB.
        unsafe mw_copy(4, 2, [columns, rows], &out, [rows, 1], a, [1, columns])
        let wrong = out.indices.first { out[$0] != a[$0 % rows * columns + $0 / rows] }
        #expect(wrong == nil)
        let value: [UInt16] = [0xabcd]
        var filled = [UInt16](repeating: 0, count: 1_200_001)
        // All but the last.
        unsafe mw_fill(2, filled.count - 1, &filled, value)
        #expect(filled.last == 0 && filled.dropLast().allSatisfy { $0 == 0xabcd })
    }

    @Test("a copy into a slice leaves the rest alone")
    func writingIntoASlice() {
        var out = [UInt8](repeating: 0, count: 12)
        unsafe out.withUnsafeMutableBufferPointer { out in
            // Columns 1 and 2 of a 3 × 4 matrix.
            unsafe mw_copy(1, 2, [3, 2], out.baseAddress! + 1, [4, 1], [1, 2, 3, 4, 5, 6] as [UInt8], [2, 1])
        }
        #expect(out == [0, 1, 2, 0, 0, 3, 4, 0, 0, 5, 6, 0])
    }

    @Test("fill sets every element and no other")
    func fill() {
        var out = [UInt32](repeating: 0, count: 20)
        // Nineteen of twenty elements.
        unsafe mw_fill_32(19, &out, 0x7fc0_0000)
        #expect(out == [UInt32](repeating: 0x7fc0_0000, count: 19) + [0])
    }
}
