import CTensorKernels
import Testing

/// Batches of products in every numeric type, against sums from the definition.
@Suite struct ProductTests {
    /// A batch of `count` products of contiguous matrices, the right one shared where its batch stride is 0.
    private func multiply<Element: BitwiseCopyable>(
        _ dtype: mw_dtype, _ size: (count: Int, m: Int, n: Int, k: Int), _ a: [Element], _ b: [Element],
        into c: inout [Element], sharesRight: Bool = false, accumulate: Bool = false
    ) {
        let strides = [size.m * size.k]
        let rightStrides = [sharesRight ? 0 : size.k * size.n]
        unsafe [size.count].withUnsafeBufferPointer { shape in
            unsafe strides.withUnsafeBufferPointer { left in
                unsafe rightStrides.withUnsafeBufferPointer { right in
                    var product = unsafe mw_product(
                        dtype: dtype, m: size.m, n: size.n, k: size.k, a_row_stride: size.k, a_column_stride: 1,
                        b_row_stride: size.n, b_column_stride: 1, c_row_stride: size.n, accumulate: accumulate,
                        batch_rank: 1, batch_shape: shape.baseAddress!, a_batch_strides: left.baseAddress!,
                        b_batch_strides: right.baseAddress!)
                    // The arrays hold the batch's matrices.
                    unsafe mw_multiply_batch(&product, &c, a, b)
                }
            }
        }
    }

    private static let sizes: [(count: Int, m: Int, n: Int, k: Int)] = [
        (1, 1, 1, 1), (2, 3, 5, 7), (1, 5, 65, 257), (1, 65, 3, 4), (3, 2, 2, 0), (0, 2, 2, 2),
    ]

    private func checkIntegers<Element: FixedWidthInteger & BitwiseCopyable>(_ dtype: mw_dtype, _: Element.Type) {
        var values = SeededValues(seed: 51)
        for size in Self.sizes {
            let a = (0..<size.count * size.m * size.k).map { _ in Element(truncatingIfNeeded: values.word()) }
            let b = (0..<size.count * size.k * size.n).map { _ in Element(truncatingIfNeeded: values.word()) }
            let bias = (0..<size.count * size.m * size.n).map { _ in Element(truncatingIfNeeded: values.word()) }
            for accumulate in [false, true] {
                var c = bias
                multiply(dtype, size, a, b, into: &c, accumulate: accumulate)
                let expected = indices(of: [size.count, size.m, size.n]).enumerated().map { place, index in
                    (0..<size.k).reduce(accumulate ? bias[place] : 0) { sum, p in
                        sum &+ a[(index[0] * size.m + index[1]) * size.k + p]
                            &* b[(index[0] * size.k + p) * size.n + index[2]]
                    }
                }
                #expect(c == expected, "\(Element.self) \(size), seed 51")
            }
        }
    }

    @Test("products of integers are exact, and wrap around")
    func integers() {
        checkIntegers(MW_DTYPE_I8, Int8.self)
        checkIntegers(MW_DTYPE_U8, UInt8.self)
        checkIntegers(MW_DTYPE_I16, Int16.self)
        checkIntegers(MW_DTYPE_U16, UInt16.self)
        checkIntegers(MW_DTYPE_I32, Int32.self)
        checkIntegers(MW_DTYPE_U32, UInt32.self)
        checkIntegers(MW_DTYPE_I64, Int64.self)
        checkIntegers(MW_DTYPE_U64, UInt64.self)
    }

    @Test("a product of doubles is within the rounding of its sums")
    func doubles() {
        var values = SeededValues(seed: 52)
        for size in Self.sizes {
            let a = values.floats(size.count * size.m * size.k).map { Double($0) / 3 }
            let b = values.floats(size.count * size.k * size.n).map { Double($0) / 3 }
            var c = [Double](repeating: .nan, count: size.count * size.m * size.n)
            multiply(MW_DTYPE_F64, size, a, b, into: &c)
            for (place, index) in indices(of: [size.count, size.m, size.n]).enumerated() {
                let expected = (0..<size.k).reduce(0.0) { sum, p in
                    sum + a[(index[0] * size.m + index[1]) * size.k + p]
                        * b[(index[0] * size.k + p) * size.n + index[2]]
                }
                #expect(abs(c[place] - expected) <= 1e-14 * Double(size.k + 1), "\(size), seed 52")
            }
        }
    }

    @Test("16-bit floats are summed in f32 and rounded once")
    func halves() {
        // Multiples of 1/8 below 1 make products and sums that f32 holds.
        var values = SeededValues(seed: 53)
        for size in Self.sizes {
            func eighths(_ count: Int) -> [Float16] { (0..<count).map { _ in Float16(values.integer(in: -8..<9)) / 8 } }
            let a = eighths(size.count * size.m * size.k)
            let b = eighths(size.count * size.k * size.n)
            var c = [Float16](repeating: .nan, count: size.count * size.m * size.n)
            multiply(MW_DTYPE_F16, size, a, b, into: &c)
            var wide = [UInt16](repeating: 0x7fc0, count: c.count)
            let bits: (Float16) -> UInt16 = { UInt16(truncatingIfNeeded: Float($0).bitPattern >> 16) }
            multiply(MW_DTYPE_BF16, size, a.map(bits), b.map(bits), into: &wide)
            for (place, index) in indices(of: [size.count, size.m, size.n]).enumerated() {
                let expected = (0..<size.k).reduce(Float(0)) { sum, p in
                    sum + Float(a[(index[0] * size.m + index[1]) * size.k + p])
                        * Float(b[(index[0] * size.k + p) * size.n + index[2]])
                }
                #expect(c[place] == Float16(expected), "\(size), seed 53")
                let rounded = (expected.bitPattern + 0x7fff + (expected.bitPattern >> 16 & 1)) >> 16
                #expect(wide[place] == UInt16(truncatingIfNeeded: rounded), "\(size), seed 53")
            }
        }
        let special: [Float16] = [.infinity, -.infinity, .nan, 65504, 0x1p-24, -0x1.8p-24, 1]
        var c = [Float16](repeating: 0, count: special.count)
        multiply(MW_DTYPE_F16, (1, special.count, 1, 1), special, [1], into: &c)
        #expect(c.map(\.isNaN) == special.map(\.isNaN))
        #expect(zip(c, special).allSatisfy { $0 == $1 || $1.isNaN })
        multiply(MW_DTYPE_F16, (1, special.count, 1, 1), special, [2], into: &c)
        #expect(c[3] == .infinity && c[4] == 0x1p-23)
    }

    @Test("many small products have the bits that each has alone")
    func batches() {
        var values = SeededValues(seed: 54)
        let size = (count: 300, m: 11, n: 13, k: 9)
        let a = values.floats(size.count * size.m * size.k)
        let b = values.floats(size.k * size.n)
        var c = [Float](repeating: .nan, count: size.count * size.m * size.n)
        multiply(MW_DTYPE_F32, size, a, b, into: &c, sharesRight: true)
        for index in [0, 17, 299] {
            var alone = [Float](repeating: .nan, count: size.m * size.n)
            let matrix = Array(a[index * size.m * size.k..<(index + 1) * size.m * size.k])
            multiply(MW_DTYPE_F32, (1, size.m, size.n, size.k), matrix, b, into: &alone)
            #expect(alone == Array(c[index * alone.count..<(index + 1) * alone.count]), "seed 54")
        }
    }
}
