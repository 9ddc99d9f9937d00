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
