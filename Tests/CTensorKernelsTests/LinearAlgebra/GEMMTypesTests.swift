import CTensorKernels
import Testing

/// Products of matrices whose elements are not f32.
@Suite struct GEMMTypesTests {
    /// A kernel of the table, whatever its elements.
    typealias Kernel<Left, Right, Sum> = (
        Int, Int, Int, UnsafePointer<Left>, Int, Int, UnsafePointer<Right>, Int, Int, UnsafeMutablePointer<Sum>, Int,
        Bool, Int
    ) -> Void

    struct Product: CustomStringConvertible {
        var m: Int
        var n: Int
        var k: Int
        var transposesA = false
        var transposesB = false
        var isDoubled = false

        // Where `isDoubled`, every other element is skipped.
        var aStrides: [Int] { (transposesA ? [1, m] : [k, 1]).map { isDoubled ? 2 * $0 : $0 } }
        var bStrides: [Int] { (transposesB ? [1, k] : [n, 1]).map { isDoubled ? 2 * $0 : $0 } }
        var aCount: Int { m * k * (isDoubled ? 2 : 1) }
        var bCount: Int { k * n * (isDoubled ? 2 : 1) }

        var description: String {
            "\(m)×\(k)×\(n)\(transposesA ? ", aᵀ" : "")\(transposesB ? ", bᵀ" : "")\(isDoubled ? ", doubled" : "")"
        }

        func multiply<Left, Right, Sum>(
            _ kernel: Kernel<Left, Right, Sum>, _ a: [Left], _ b: [Right], into c: [Sum], accumulate: Bool = false,
            threads: Int = 1
        ) -> [Sum] {
            var c = c
            // The arrays have room for what the strides reach.
            unsafe kernel(
                m, n, k, a, aStrides[0], aStrides[1], b, bStrides[0], bStrides[1], &c, n, accumulate, threads)
            return c
        }

        /// Every element of the product, from the factors of its terms.
        func reference<Sum>(_ element: ([(a: Int, b: Int)]) -> Sum) -> [Sum] {
            indices(of: [m, n]).map { index in
                element(
                    (0..<k).map { p in
                        (
                            index[0] * aStrides[0] + p * aStrides[1], p * bStrides[0] + index[1] * bStrides[1]
                        )
                    })
            }
        }

        /// The product in Double, and how far a sum in steps of `epsilon` may be from it.
        func real(
            _ a: [Double], _ b: [Double], epsilon: Double
        ) -> [(value: Double, tolerance: Double)] {
            reference { terms in
                let products = terms.map { a[$0.a] * b[$0.b] }
                return (
                    products.reduce(0, +), Double(k + 2) * epsilon * products.reduce(0) { $0 + abs($1) } + 1e-30
                )
            }
        }
    }

    static let products: [Product] = [
        (1, 1, 1), (1, 5, 3), (5, 1, 7), (3, 17, 5), (13, 33, 9), (11, 31, 1), (25, 65, 10), (4, 20, 530), (6, 8, 1030),
    ].flatMap { m, n, k in
        [
            Product(m: m, n: n, k: k), Product(m: m, n: n, k: k, transposesA: true),
            Product(m: m, n: n, k: k, transposesB: true), Product(m: m, n: n, k: k, isDoubled: true),
        ]
    }

    @Test("f64 products agree with sums in the same precision", arguments: KernelPath.all)
    func float64(path: KernelPath) {
        var values = SeededValues(seed: 61)
        for product in Self.products {
            let a = values.floats(product.aCount).map { Double($0) / 3 }
            let b = values.floats(product.bCount).map { Double($0) / 3 }
            let c = unsafe product.multiply(
                path.kernels.matrix.gemm_f64, a, b, into: [Double](repeating: .nan, count: product.m * product.n))
            for (found, expected) in zip(c, product.real(a, b, epsilon: 0x1p-52)) {
                #expect(abs(found - expected.value) <= expected.tolerance, "\(product), seed 61")
            }
        }
    }

    @Test("bf16 products are sums in f32 of the widened elements", arguments: KernelPath.ofProducts)
    func bfloat16(path: KernelPath) {
        var values = SeededValues(seed: 62)
        for product in Self.products {
            let a = values.floats(product.aCount).map { UInt16(truncatingIfNeeded: $0.bitPattern >> 16) }
            let b = values.floats(product.bCount).map { UInt16(truncatingIfNeeded: $0.bitPattern >> 16) }
            let c = unsafe product.multiply(
                path.kernels.matrix.gemm_bf16, a, b, into: [Float](repeating: .nan, count: product.m * product.n))
            let expected = product.real(a.map(Self.widenedBFloat16), b.map(Self.widenedBFloat16), epsilon: 0x1p-24)
            for (found, expected) in zip(c, expected) {
                #expect(abs(Double(found) - expected.value) <= expected.tolerance, "\(product), seed 62")
            }
        }
    }

    @Test("every bf16 comes out as the f32 that it is", arguments: KernelPath.ofProducts)
    func everyBFloat16(path: KernelPath) {
        let product = Product(m: 512, n: 1, k: 1)
        for part in 0..<128 {
            let a = (0..<512).map { UInt16($0 + part * 512) }
            let c = unsafe product.multiply(
                path.kernels.matrix.gemm_bf16, a, [0x3f80], into: [Float](repeating: .nan, count: 512))
            for (found, bits) in zip(c, a) {
                let expected = Float(bitPattern: UInt32(bits) << 16)
                // VDPBF16PS takes subnormal numbers for 0.
                let isFlushed = path.isa == MW_ISA_AVX512_BF16 && expected.isSubnormal
                #expect(isFlushed ? found == 0 : found == expected || found.isNaN && expected.isNaN)
            }
        }
    }

    #if !(os(macOS) && arch(x86_64))
        @Test("every f16 comes out as the f32 that it is, and products are sums in f32", arguments: KernelPath.all)
        func float16(path: KernelPath) {
            let column = Product(m: 512, n: 1, k: 1)
            for part in 0..<128 {
                let a = (0..<512).map { UInt16($0 + part * 512) }
                let c = unsafe column.multiply(
                    path.kernels.matrix.gemm_f16, a, [Float16(1).bitPattern],
                    into: [Float](repeating: .nan, count: 512))
                for (found, bits) in zip(c, a) {
                    let expected = Float(Float16(bitPattern: bits))
                    #expect(found == expected || found.isNaN && expected.isNaN)
                }
            }
            var values = SeededValues(seed: 63)
            for product in Self.products {
                let a = values.floats(product.aCount).map { Float16($0) }
                let b = values.floats(product.bCount).map { Float16($0) }
                let c = unsafe product.multiply(
                    path.kernels.matrix.gemm_f16, a.map(\.bitPattern), b.map(\.bitPattern),
                    into: [Float](repeating: .nan, count: product.m * product.n))
                for (found, expected) in zip(c, product.real(a.map(Double.init), b.map(Double.init), epsilon: 0x1p-24))
                {
                    #expect(abs(Double(found) - expected.value) <= expected.tolerance, "\(product), seed 63")
                }
            }
        }
    #endif

    @Test("products of bytes are exact, the most extreme ones too", arguments: KernelPath.ofProducts)
    func bytes(path: KernelPath) {
        var values = SeededValues(seed: 64)
        for product in Self.products {
            // Where every element is an extreme, an instruction that saturates sums of two at 16 bits is seen.
            for isExtreme in [false, true] {
                let a = (0..<product.aCount).map { _ in isExtreme ? 255 : UInt8(truncatingIfNeeded: values.word()) }
                let b = (0..<product.bCount).map { _ in isExtreme ? -128 : Int8(truncatingIfNeeded: values.word()) }
                let c = unsafe product.multiply(
                    path.kernels.matrix.gemm_u8i8, a, b, into: [Int32](repeating: 1, count: product.m * product.n))
                let expected = product.reference { terms in
                    terms.reduce(Int32(0)) { $0 &+ Int32(a[$1.a]) * Int32(b[$1.b]) }
                }
                #expect(c == expected, "\(product), seed 64")
            }
        }
    }

    @Test("a sum of bytes beyond 32 bits wraps around", arguments: KernelPath.ofProducts)
    func bytesWrap(path: KernelPath) {
        let product = Product(m: 2, n: 3, k: 4)
        let c = unsafe product.multiply(
            path.kernels.matrix.gemm_u8i8, [UInt8](repeating: 1, count: 8), [Int8](repeating: 1, count: 12),
            into: [Int32](repeating: .max, count: 6), accumulate: true)
        #expect(c == [Int32](repeating: .min + 3, count: 6))
    }

    @Test("products of integers wrap around as Swift's do", arguments: KernelPath.all)
    func integers(path: KernelPath) {
        check(Int8.self, MW_DTYPE_I8, seed: 65, on: path)
        check(UInt8.self, MW_DTYPE_U8, seed: 66, on: path)
        check(Int16.self, MW_DTYPE_I16, seed: 67, on: path)
        check(UInt16.self, MW_DTYPE_U16, seed: 68, on: path)
        check(Int32.self, MW_DTYPE_I32, seed: 69, on: path)
        check(UInt32.self, MW_DTYPE_U32, seed: 70, on: path)
        check(Int64.self, MW_DTYPE_I64, seed: 71, on: path)
        check(UInt64.self, MW_DTYPE_U64, seed: 72, on: path)
    }

    private func check<Element: FixedWidthInteger>(
        _ type: Element.Type, _ dtype: mw_dtype, seed: UInt64, on path: KernelPath
    ) {
        var values = SeededValues(seed: seed)
        let table = unsafe path.kernels.matrix
        let kernel: Kernel<Element, Element, Element> = { m, n, k, a, ars, acs, b, brs, bcs, c, crs, add, threads in
            // The pointers are of elements of `dtype`.
            unsafe table.gemm_integer(dtype, m, n, k, a, ars, acs, b, brs, bcs, c, crs, add, threads)
        }
        for product in [
            Product(m: 1, n: 1, k: 1), Product(m: 5, n: 7, k: 3), Product(m: 3, n: 300, k: 6, transposesA: true),
            Product(m: 4, n: 9, k: 150, transposesB: true), Product(m: 2, n: 5, k: 67, isDoubled: true),
        ] {
            let a = (0..<product.aCount).map { _ in Element(truncatingIfNeeded: values.word()) }
            let b = (0..<product.bCount).map { _ in Element(truncatingIfNeeded: values.word()) }
            let start = (0..<product.m * product.n).map { _ in Element(truncatingIfNeeded: values.word()) }
            let expected = product.reference { terms in terms.reduce(Element(0)) { $0 &+ a[$1.a] &* b[$1.b] } }
            let products = unsafe product.multiply(kernel, a, b, into: start)
            #expect(products == expected, "\(type), \(product), seed \(seed)")
            let sums = unsafe product.multiply(kernel, a, b, into: start, accumulate: true)
            #expect(sums == zip(start, expected).map { $0 &+ $1 }, "\(type), \(product), seed \(seed)")
        }
    }

    @Test("accumulating adds to c, and an empty sum is zero", arguments: KernelPath.ofProducts)
    func accumulation(path: KernelPath) {
        let table = unsafe path.kernels.matrix
        let product = Product(m: 2, n: 3, k: 2)
        let halves = [UInt16](repeating: 0x3f80, count: 6)
        let doubles = [Double](repeating: 1, count: 6)
        #expect(
            unsafe product.multiply(table.gemm_f64, doubles, doubles, into: doubles, accumulate: true)
                == [Double](repeating: 3, count: 6))
        #expect(
            unsafe product.multiply(
                table.gemm_bf16, halves, halves, into: [Float](repeating: 1, count: 6), accumulate: true)
                == [Float](repeating: 3, count: 6))
        let empty = Product(m: 2, n: 3, k: 0)
        #expect(
            unsafe empty.multiply(table.gemm_f64, [], [], into: [Double](repeating: .nan, count: 6))
                == [Double](repeating: 0, count: 6))
        #expect(
            unsafe empty.multiply(table.gemm_u8i8, [], [], into: [Int32](repeating: 7, count: 6))
                == [Int32](repeating: 0, count: 6))
        #expect(
            unsafe empty.multiply(table.gemm_u8i8, [], [], into: [Int32](repeating: 7, count: 6), accumulate: true)
                == [Int32](repeating: 7, count: 6))
    }

    @Test("NaN in bf16 reaches just its row, also where k is odd", arguments: KernelPath.ofProducts)
    func nonFiniteBFloat16(path: KernelPath) {
        let product = Product(m: 13, n: 34, k: 5)
        var a = [UInt16](repeating: 0x3f80, count: product.aCount)
        a[3 * product.k + 4] = 0x7fc0
        a[5 * product.k + 4] = 0x7f80
        let b = [UInt16](repeating: 0x3f80, count: product.bCount)
        let c = unsafe product.multiply(
            path.kernels.matrix.gemm_bf16, a, b, into: [Float](repeating: 0, count: product.m * product.n))
        for (index, value) in zip(indices(of: [product.m, product.n]), c) {
            switch index[0] {
            case 3: #expect(value.isNaN)
            case 5: #expect(value == .infinity)
            default: #expect(value == 5)
            }
        }
    }

    @Test("a row has the same bits alone, in a batch, and on any number of threads", arguments: KernelPath.ofProducts)
    func bitsDoNotDependOnTheBatch(path: KernelPath) {
        var values = SeededValues(seed: 73)
        let product = Product(m: 70, n: 131, k: 280)
        let row = Product(m: 1, n: product.n, k: product.k)
        func check<Element, Sum: Equatable>(
            _ kernel: Kernel<Element, Element, Sum>, _ zero: Sum, _ element: (Float) -> Element
        ) {
            let a = values.floats(product.aCount).map(element)
            let b = values.floats(product.bCount).map(element)
            let zeros = [Sum](repeating: zero, count: product.m * product.n)
            let batch = unsafe product.multiply(kernel, a, b, into: zeros)
            #expect(unsafe product.multiply(kernel, a, b, into: zeros, threads: 0) == batch, "seed 73")
            #expect(unsafe product.multiply(kernel, a, b, into: zeros, threads: 2) == batch, "seed 73")
            let alone = unsafe row.multiply(
                kernel, Array(a[37 * product.k..<38 * product.k]), b, into: Array(zeros[..<product.n]))
            #expect(alone == Array(batch[37 * product.n..<38 * product.n]), "seed 73")
        }
        let table = unsafe path.kernels.matrix
        if path.isa == MW_ISA_AVX512_BF16 {
            unsafe check(table.gemm_bf16, Float(0)) { UInt16(truncatingIfNeeded: $0.bitPattern >> 16) }
        } else {
            unsafe check(table.gemm_f64, 0.0) { Double($0) / 3 }
        }
    }

    private static func widenedBFloat16(_ bits: UInt16) -> Double { Double(Float(bitPattern: UInt32(bits) << 16)) }
}
