import CTensorKernels
import Testing

@Suite struct GEMMTests {
    struct Product {
        var m: Int
        var n: Int
        var k: Int
        var transposesA = false
        var transposesB = false
        /// Elements between the rows of a and b (of their transposes), and none of them.
        var gap = 0

        var aStrides: [Int] { transposesA ? [1, m + gap] : [k + gap, 1] }
        var bStrides: [Int] { transposesB ? [1, k + gap] : [n + gap, 1] }
        var aCount: Int { transposesA ? k * (m + gap) : m * (k + gap) }
        var bCount: Int { transposesB ? n * (k + gap) : k * (n + gap) }

        func multiply(
            _ a: [Float], _ b: [Float], into c: inout [Float], accumulate: Bool = false, threads: Int = 1,
            on path: KernelPath
        ) {
            // The arrays have m·k, k·n and m·n elements.
            unsafe path.kernels.matrix.gemm_f32(
                m, n, k, a, aStrides[0], aStrides[1], b, bStrides[0], bStrides[1], &c, n, accumulate, threads)
        }

        func multiply(_ a: [Float], _ b: [Float], threads: Int = 1, on path: KernelPath) -> [Float] {
            var c = [Float](repeating: .nan, count: m * n)
            multiply(a, b, into: &c, threads: threads, on: path)
            return c
        }

        /// The product in Double, and how far an f32 sum of that length may be from it.
        func reference(_ a: [Float], _ b: [Float]) -> [(value: Double, tolerance: Double)] {
            indices(of: [m, n]).map { index in
                var sum = 0.0
                var magnitude = 0.0
                for p in 0..<k {
                    let term =
                        Double(a[index[0] * aStrides[0] + p * aStrides[1]])
                        * Double(b[p * bStrides[0] + index[1] * bStrides[1]])
                    sum += term
                    magnitude += abs(term)
                }
                return (sum, Double(k + 1) * 0x1p-24 * magnitude + 1e-30)
            }
        }
    }

    static let sizes = [
        (1, 1, 1), (1, 5, 3), (5, 1, 7), (2, 16, 8), (3, 17, 5), (12, 32, 4), (13, 33, 9), (11, 31, 1), (7, 48, 20),
        (25, 65, 10), (30, 10, 33), (6, 8, 300), (4, 40, 513),
    ]

    @Test("products of odd sizes and of transposes agree with Double", arguments: KernelPath.all)
    func agreesWithDouble(path: KernelPath) {
        var values = SeededValues(seed: 41)
        for (m, n, k) in Self.sizes {
            for transposes in [(false, false), (true, false), (false, true), (true, true)] {
                let product = Product(m: m, n: n, k: k, transposesA: transposes.0, transposesB: transposes.1)
                let a = values.floats(m * k)
                let b = values.floats(k * n)
                let c = product.multiply(a, b, on: path)
                for (found, expected) in zip(c, product.reference(a, b)) {
                    #expect(
                        abs(Double(found) - expected.value) <= expected.tolerance, "\(product), seed 41")
                }
            }
        }
    }

    @Test(
        "products of a few rows, and of rows that lie far apart, agree with Double", arguments: KernelPath.all)
    func readsAndPacks(path: KernelPath) {
        var values = SeededValues(seed: 45)
        for product in [
            Product(m: 1, n: 4500, k: 7), Product(m: 2, n: 2100, k: 5), Product(m: 4, n: 1030, k: 6),
            Product(m: 3, n: 20, k: 530), Product(m: 49, n: 130, k: 9, gap: 1100),
            Product(m: 49, n: 130, k: 9, transposesA: true, gap: 1100),
            Product(m: 26, n: 140, k: 7, transposesB: true, gap: 1100),
        ] {
            let a = values.floats(product.aCount)
            let b = values.floats(product.bCount)
            let c = product.multiply(a, b, on: path)
            for (found, expected) in zip(c, product.reference(a, b)) {
                #expect(abs(Double(found) - expected.value) <= expected.tolerance, "\(product), seed 45")
            }
        }
    }

    @Test("accumulating adds to c; without it a NaN in c is lost", arguments: KernelPath.all)
    func accumulation(path: KernelPath) {
        var values = SeededValues(seed: 42)
        let product = Product(m: 13, n: 35, k: 300)
        let a = values.floats(product.m * product.k)
        let b = values.floats(product.k * product.n)
        let plain = product.multiply(a, b, on: path)
        #expect(plain.allSatisfy { $0.isFinite })
        var sum = [Float](repeating: 1000, count: plain.count)
        product.multiply(a, b, into: &sum, accumulate: true, on: path)
        for (sum, plain) in zip(sum, plain) {
            #expect(abs(sum - (1000 + plain)) <= 2 * Float(1000).ulp)
        }
    }

    @Test("an empty sum is zero, and an empty result touches nothing", arguments: KernelPath.all)
    func emptyProducts(path: KernelPath) {
        var c = [Float](repeating: .nan, count: 6)
        Product(m: 2, n: 3, k: 0).multiply([], [], into: &c, on: path)
        #expect(c == [0, 0, 0, 0, 0, 0])
        c = [1, 2, 3, 4, 5, 6]
        Product(m: 2, n: 3, k: 0).multiply([], [], into: &c, accumulate: true, on: path)
        Product(m: 0, n: 3, k: 2).multiply([], [1, 2, 3, 4, 5, 6], into: &c, on: path)
        Product(m: 2, n: 0, k: 2).multiply([1, 2, 3, 4], [], into: &c, on: path)
        #expect(c == [1, 2, 3, 4, 5, 6])
    }

    @Test("rows of c further apart than they are long keep what lies between", arguments: KernelPath.all)
    func rowStride(path: KernelPath) {
        let a: [Float] = [1, 2, 3, 4]
        let b: [Float] = [1, 0, 0, 0, 1, 0]
        var c = [Float](repeating: -1, count: 10)
        // c has two rows of three elements, five apart.
        unsafe path.kernels.matrix.gemm_f32(2, 3, 2, a, 2, 1, b, 3, 1, &c, 5, false, 1)
        #expect(c == [1, 2, 0, -1, -1, 3, 4, 0, -1, -1])
    }

    @Test("NaN and infinity reach just the elements that depend on them", arguments: KernelPath.all)
    func nonFiniteOperands(path: KernelPath) {
        let product = Product(m: 13, n: 34, k: 6)
        var a = [Float](repeating: 1, count: product.m * product.k)
        var b = [Float](repeating: 1, count: product.k * product.n)
        a[3 * product.k + 2] = .nan
        b[4 * product.n + 33] = .infinity
        let c = product.multiply(a, b, on: path)
        for (index, value) in zip(indices(of: [product.m, product.n]), c) {
            if index[0] == 3 {
                #expect(value.isNaN)
            } else if index[1] == 33 {
                #expect(value == .infinity)
            } else {
                #expect(value == 6)
            }
        }
    }

    @Test("strides may be anything: negative, and zero for a broadcast row", arguments: KernelPath.all)
    func freeStrides(path: KernelPath) {
        let a: [Float] = [1, 2, 3]
        let b: [Float] = [1, 2, 3, 4, 5, 6]
        var c = [Float](repeating: .nan, count: 4)
        unsafe a.withUnsafeBufferPointer { a in
            // The row of a is read backwards and repeated by stride 0.
            unsafe path.kernels.matrix.gemm_f32(2, 2, 3, a.baseAddress! + 2, 0, -1, b, 2, 1, &c, 2, false, 1)
        }
        #expect(c == [14, 20, 14, 20])
    }

    @Test("a row has the same bits alone, in a batch, and on any number of threads", arguments: KernelPath.all)
    func bitsDoNotDependOnTheBatch(path: KernelPath) {
        var values = SeededValues(seed: 43)
        let product = Product(m: 70, n: 131, k: 280)
        let a = values.floats(product.m * product.k)
        let b = values.floats(product.k * product.n)
        let batch = product.multiply(a, b, on: path)
        #expect(product.multiply(a, b, threads: 0, on: path) == batch)
        #expect(product.multiply(a, b, threads: 2, on: path) == batch)
        let row = Product(m: 1, n: product.n, k: product.k)
        let alone = row.multiply(Array(a[37 * product.k..<38 * product.k]), b, on: path)
        #expect(alone == Array(batch[37 * product.n..<38 * product.n]))
    }

    @Test("all vector paths give the same bits")
    func vectorPathsAgree() throws {
        var values = SeededValues(seed: 44)
        let product = Product(m: 19, n: 37, k: 300)
        let a = values.floats(product.m * product.k)
        let b = values.floats(product.k * product.n)
        let results = KernelPath.all.dropFirst().map { product.multiply(a, b, on: $0) }
        for result in results.dropFirst() {
            #expect(result == results[0], "seed 44")
        }
    }
}
