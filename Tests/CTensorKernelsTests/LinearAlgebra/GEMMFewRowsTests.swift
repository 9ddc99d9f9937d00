import CTensorKernels
import Testing

/// Products of a few rows, whose b is read as it lies, for element types that tiles pack.
@Suite struct GEMMFewRowsTests {
    typealias Kernel<Left, Right, Sum> = GEMMTypesTests.Kernel<Left, Right, Sum>

    /// A product whose rows of b and of c are `gap` elements further apart than they are long.
    struct Product: CustomStringConvertible {
        var m: Int
        var n: Int
        var k: Int
        let gap = 3

        var description: String { "\(m)×\(k)×\(n)" }

        func multiply<Left, Right, Sum>(
            _ kernel: Kernel<Left, Right, Sum>, _ a: [Left], _ b: [Right], into c: [Sum], accumulate: Bool = false,
            threads: Int = 1
        ) -> [Sum] {
            var c = c
            // a has m·k elements, b has k·(n + gap), and c m·(n + gap).
            unsafe kernel(m, n, k, a, k, 1, b, n + gap, 1, &c, n + gap, accumulate, threads)
            return c
        }

        /// Holds every element of the product against `check(found, a's row, b's column)`, and that what lies between
        /// the rows of c is what it was.
        func check<Left, Right, Sum: Equatable>(
            _ c: [Sum], between: Sum, _ a: [Left], _ b: [Right], _ isRight: (Sum, [Left], [Right]) -> Bool
        ) {
            for i in 0..<m {
                let row = Array(a[i * k..<(i + 1) * k])
                for j in 0..<n {
                    let column = (0..<k).map { b[$0 * (n + gap) + j] }
                    #expect(isRight(c[i * (n + gap) + j], row, column), "\(self), row \(i), column \(j)")
                }
                #expect(c[i * (n + gap) + n..<(i + 1) * (n + gap)].allSatisfy { $0 == between }, "\(self), row \(i)")
            }
        }
    }

    /// One row and more, up to where tiles begin; columns that fill vectors and that do not; more columns than sums are kept
    /// for; and k of less than an instruction takes, of odd rests, and of more than one block.
    static let products = [
        Product(m: 1, n: 1, k: 1), Product(m: 1, n: 64, k: 2), Product(m: 1, n: 131, k: 3), Product(m: 2, n: 63, k: 5),
        Product(m: 3, n: 33, k: 15), Product(m: 4, n: 97, k: 18), Product(m: 1, n: 17, k: 2051),
        Product(m: 4, n: 5, k: 1037), Product(m: 1, n: 4133, k: 3), Product(m: 3, n: 1400, k: 2),
        Product(m: 5, n: 70, k: 11), Product(m: 7, n: 35, k: 6), Product(m: 8, n: 41, k: 9), Product(m: 9, n: 66, k: 7),
    ]

    @Test("a few rows of bf16 are sums in f32 of the widened elements", arguments: KernelPath.ofProducts)
    func bfloat16(path: KernelPath) {
        var values = SeededValues(seed: 81)
        for product in Self.products {
            let a = values.floats(product.m * product.k).map(Self.bfloat16)
            let b = values.floats(product.k * (product.n + product.gap)).map(Self.bfloat16)
            let between = [Float](repeating: -7, count: product.m * (product.n + product.gap))
            let c = unsafe product.multiply(path.kernels.matrix.gemm_bf16, a, b, into: between)
            product.check(c, between: -7, a, b) { found, row, column in
                Self.isSum(found, row.map(Self.widenedBFloat16), column.map(Self.widenedBFloat16))
            }
        }
    }

    #if !(os(macOS) && arch(x86_64))
        @Test("a few rows of f16 are sums in f32 of the widened elements", arguments: KernelPath.all)
        func float16(path: KernelPath) {
            var values = SeededValues(seed: 82)
            for product in Self.products {
                let a = values.floats(product.m * product.k).map { Float16($0).bitPattern }
                let b = values.floats(product.k * (product.n + product.gap)).map { Float16($0).bitPattern }
                let between = [Float](repeating: -7, count: product.m * (product.n + product.gap))
                let c = unsafe product.multiply(path.kernels.matrix.gemm_f16, a, b, into: between)
                product.check(c, between: -7, a, b) { found, row, column in
                    Self.isSum(
                        found, row.map { Double(Float16(bitPattern: $0)) },
                        column.map { Double(Float16(bitPattern: $0)) })
                }
            }
        }

        @Test("every f16 of a row of b comes out as the f32 that it is", arguments: KernelPath.all)
        func everyFloat16(path: KernelPath) {
            let product = GEMMTypesTests.Product(m: 1, n: 512, k: 1)
            for part in 0..<128 {
                let b = (0..<512).map { UInt16($0 + part * 512) }
                let c = unsafe product.multiply(
                    path.kernels.matrix.gemm_f16, [Float16(1).bitPattern], b, into: [Float](repeating: -7, count: 512))
                for (found, bits) in zip(c, b) {
                    let expected = Float(Float16(bitPattern: bits))
                    #expect(found == expected || found.isNaN && expected.isNaN)
                }
            }
        }
    #endif

    @Test("a few rows of bytes are exact, the most extreme ones too", arguments: KernelPath.ofProducts)
    func bytes(path: KernelPath) {
        var values = SeededValues(seed: 83)
        for product in Self.products {
            for isExtreme in [false, true] {
                let a = (0..<product.m * product.k).map { _ in
                    isExtreme ? 255 : UInt8(truncatingIfNeeded: values.word())
                }
                let b = (0..<product.k * (product.n + product.gap)).map { _ in
                    isExtreme ? -128 : Int8(truncatingIfNeeded: values.word())
                }
                let start = [Int32](repeating: .max, count: product.m * (product.n + product.gap))
                for accumulate in [false, true] {
                    let c = unsafe product.multiply(
                        path.kernels.matrix.gemm_u8i8, a, b, into: start, accumulate: accumulate)
                    product.check(c, between: .max, a, b) { found, row, column in
                        var sum = accumulate ? Int32.max : 0
                        for (x, y) in zip(row, column) {
                            sum &+= Int32(x) * Int32(y)
                        }
                        return found == sum
                    }
                }
            }
        }
    }

    @Test(
        "a few rows have the bits that they have in a batch, on any number of threads", arguments: KernelPath.ofProducts
    )
    func bitsDoNotDependOnTheBatch(path: KernelPath) {
        let table = unsafe path.kernels.matrix
        unsafe check(table.gemm_bf16, Float(0), Self.bfloat16, Self.bfloat16)
        unsafe check(table.gemm_u8i8, Int32(0), { UInt8($0.magnitude * 255) }, { Int8($0 * 127) })
        #if !(os(macOS) && arch(x86_64))
            unsafe check(table.gemm_f16, Float(0), { Float16($0).bitPattern }, { Float16($0).bitPattern })
        #endif
    }

    private func check<Left, Right, Sum: Equatable>(
        _ kernel: Kernel<Left, Right, Sum>, _ zero: Sum, _ left: (Float) -> Left, _ right: (Float) -> Right
    ) {
        var values = SeededValues(seed: 84)
        let batch = GEMMTypesTests.Product(m: 20, n: 83, k: 1031)
        let a = values.floats(batch.aCount).map(left)
        let b = values.floats(batch.bCount).map(right)
        let rows = unsafe batch.multiply(kernel, a, b, into: [Sum](repeating: zero, count: batch.m * batch.n))
        for m in 1...9 {
            let few = GEMMTypesTests.Product(m: m, n: batch.n, k: batch.k)
            let zeros = [Sum](repeating: zero, count: m * batch.n)
            let found = unsafe few.multiply(kernel, Array(a[..<few.aCount]), b, into: zeros)
            #expect(found == Array(rows[..<zeros.count]), "\(few), seed 84")
        }
        // Just enough work for a second thread to be woken.
        let wide = GEMMTypesTests.Product(m: 2, n: 1029, k: 1021)
        let rowsOfA = values.floats(wide.aCount).map(left)
        let matrix = values.floats(wide.bCount).map(right)
        let zeros = [Sum](repeating: zero, count: wide.m * wide.n)
        let alone = unsafe wide.multiply(kernel, rowsOfA, matrix, into: zeros)
        #expect(unsafe wide.multiply(kernel, rowsOfA, matrix, into: zeros, threads: 2) == alone)
        #expect(unsafe wide.multiply(kernel, rowsOfA, matrix, into: zeros, threads: 0) == alone)
    }

    /// Whether `found` is a sum in f32 of the products of a row and a column.
    private static func isSum(_ found: Float, _ row: [Double], _ column: [Double]) -> Bool {
        var sum = 0.0
        var magnitude = 0.0
        for (x, y) in zip(row, column) {
            sum += x * y
            magnitude += abs(x * y)
        }
        return abs(Double(found) - sum) <= Double(row.count + 2) * 0x1p-24 * magnitude + 1e-30
    }

    private static func bfloat16(_ value: Float) -> UInt16 { UInt16(truncatingIfNeeded: value.bitPattern >> 16) }
    private static func widenedBFloat16(_ bits: UInt16) -> Double { Double(Float(bitPattern: UInt32(bits) << 16)) }
}
