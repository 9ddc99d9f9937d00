import CTensorKernels
import Testing

@Suite struct SelectKernelsTests {
    @Test("select moves bits as they are, from broadcast operands too", arguments: KernelPath.all)
    func select(path: KernelPath) {
        var values = SeededValues(seed: 31)
        let a = values.integers(120).map { UInt32(bitPattern: $0) }
        let b = values.integers(120).map { UInt32(bitPattern: $0) }
        let condition = (0..<120).map { _ in UInt8(values.word() & 1) }
        for (conditionStrides, aStrides, bStrides) in [
            ([40, 1], [40, 1], [40, 1]), ([1, 0], [0, 1], [0, 0]), ([1, 3], [40, 1], [0, 1]),
        ] {
            var out = [UInt32](repeating: 0, count: 120)
            // Every index of these strides lies inside the arrays.
            unsafe path.kernels.elementwise.select(
                4, 2, [3, 40], &out, condition, conditionStrides, a, aStrides, b, bStrides)
            let expected = indices(of: [3, 40]).map { i in
                condition[i[0] * conditionStrides[0] + i[1] * conditionStrides[1]] == 1
                    ? a[i[0] * aStrides[0] + i[1] * aStrides[1]] : b[i[0] * bStrides[0] + i[1] * bStrides[1]]
            }
            #expect(out == expected, "strides \(conditionStrides), \(aStrides), \(bStrides), seed 31")
        }
    }
}
