import CTensorKernels
import Testing

/// Products of a few rows or columns by a matrix whose rows of k are contiguous: every one has the bits that tiles give.
@Suite struct GEMMDotsTests {
    typealias Kernel<Left, Right, Sum> = GEMMTypesTests.Kernel<Left, Right, Sum>

    /// A matrix in memory of its own: `transposes` makes its columns contiguous, and rows (or columns) are `gap` apart.
    struct Matrix<Element> {
        let storage: [Element]
        let strides: [Int]

        init(_ rows: Int, _ columns: Int, transposes: Bool, gap: Int, filler: Element, _ element: (Int, Int) -> Element)
        {
            let strides = transposes ? [1, rows + gap] : [columns + gap, 1]
            var storage = [Element](repeating: filler, count: (rows + gap) * (columns + gap))
            for i in 0..<rows {
                for j in 0..<columns { storage[i * strides[0] + j * strides[1]] = element(i, j) }
            }
            self.storage = storage
            self.strides = strides
        }
    }

    /// One to nine rows or columns, and on the other side as many rows as a vector holds, a few more and a few less.
    private static let sizes: [(m: Int, n: Int)] = (1...9).flatMap { few in
        [9, 16, 37].flatMap { [(few, $0), ($0, few)] }
    }

    /// Fillers are what is never to be read, and of c what is to be left alone.
    private func check<Left, Right, Sum: Equatable>(
        _ kernel: Kernel<Left, Right, Sum>, lengths: [Int], _ fillers: (left: Left, right: Right, sum: Sum),
        _ left: (Float) -> Left, _ right: (Float) -> Right
    ) {
        var values = SeededValues(seed: 85)
        for k in lengths {
            let side = 37
            let a = values.floats(side * k).map(left)
            let b = values.floats(side * k).map(right)
            // Of all rows and all columns; b is neither contiguous in k nor in n, so that tiles are what it takes.
            let spread = Matrix(k, 2 * side, transposes: false, gap: 0, filler: fillers.right) { p, j in
                b[j / 2 * k + p]
            }
            var all = [Sum](repeating: fillers.sum, count: side * side)
            unsafe kernel(side, side, k, a, k, 1, spread.storage, 2 * side, 2, &all, side, false, 1)
            for (m, n) in Self.sizes {
                for (transposesA, transposesB) in [(false, true), (false, false), (true, true), (true, false)] {
                    let rows = Matrix(m, k, transposes: transposesA, gap: 3, filler: fillers.left) { a[$0 * k + $1] }
                    let columns = Matrix(k, n, transposes: transposesB, gap: 5, filler: fillers.right) {
                        b[$1 * k + $0]
                    }
                    var c = [Sum](repeating: fillers.sum, count: m * (n + 2))
                    unsafe kernel(
                        m, n, k, rows.storage, rows.strides[0], rows.strides[1], columns.storage, columns.strides[0],
                        columns.strides[1], &c, n + 2, false, 1)
                    let name = "\(m)×\(k)×\(n)\(transposesA ? ", aᵀ" : "")\(transposesB ? ", bᵀ" : ""), seed 85"
                    for i in 0..<m {
                        let row = c[i * (n + 2)..<(i + 1) * (n + 2)]
                        #expect(Array(row.prefix(n)) == Array(all[i * side..<i * side + n]), "\(name)")
                        #expect(row.suffix(2).allSatisfy { $0 == fillers.sum }, "\(name)")
                    }
                }
            }
        }
    }

    @Test("a few rows or columns have the bits of tiles, however operands lie", arguments: KernelPath.ofProducts)
    func bitsOfTiles(path: KernelPath) {
        let table = unsafe path.kernels.matrix
        unsafe check(table.gemm_f32, lengths: [16, 37, 300], (.nan, .nan, -7), { $0 }, { $0 })
        unsafe check(table.gemm_f64, lengths: [8, 21], (.nan, .nan, -7), { Double($0) / 3 }, { Double($0) / 7 })
        unsafe check(
            table.gemm_bf16, lengths: [32, 71], (0x7fc0, 0x7fc0, -7), Self.bfloat16, Self.bfloat16)
        unsafe check(
            table.gemm_u8i8, lengths: [64, 135], (255, -128, -7), { UInt8($0.magnitude * 255) }, { Int8($0 * 127) })
        #if !(os(macOS) && arch(x86_64))
            unsafe check(
                table.gemm_f16, lengths: [16, 41], (0x7e00, 0x7e00, -7), { Float16($0).bitPattern },
                { Float16($0).bitPattern })
        #endif
    }

    @Test("rows longer than what is packed of the few at once keep their order", arguments: KernelPath.ofProducts)
    func longRows(path: KernelPath) {
        var values = SeededValues(seed: 86)
        let (k, side) = (4096 + 256 + 21, 17)
        let kernel = unsafe path.kernels.matrix.gemm_f32
        let x = values.floats(3 * k)
        let matrix = values.floats(side * k)
        let start = values.floats(3 * side)
        for accumulate in [false, true] {
            var expected = start
            // b lies in every other element.
            let spread = matrix.flatMap { [$0, .nan] }
            unsafe kernel(3, side, k, x, k, 1, spread, 2, 2 * k, &expected, side, accumulate, 1)
            var rows = start
            unsafe kernel(3, side, k, x, k, 1, matrix, 1, k, &rows, side, accumulate, 1)
            #expect(rows == expected, "seed 86")
            var columns = (0..<side).flatMap { j in (0..<3).map { start[$0 * side + j] } }
            unsafe kernel(side, 3, k, matrix, k, 1, x, 1, k, &columns, 3, accumulate, 1)
            #expect(columns == (0..<side).flatMap { j in (0..<3).map { expected[$0 * side + j] } }, "seed 86")
            var tall = (0..<side).flatMap { j in (0..<3).map { start[$0 * side + j] } }
            let transposed = (0..<k).flatMap { p in (0..<side).map { matrix[$0 * k + p] } }
            unsafe kernel(side, 3, k, transposed, 1, side, x, 1, k, &tall, 3, accumulate, 1)
            #expect(tall == columns, "seed 86")
        }
    }

    @Test("a NaN and an infinity come out of the row and column they are in", arguments: KernelPath.ofProducts)
    func specialValues(path: KernelPath) {
        let (m, k) = (35, 19)
        var a = [Float](repeating: 1, count: m * k)
        a[3 * k + 18] = .nan
        a[34 * k] = -.infinity
        var c = [Float](repeating: .nan, count: m)
        let x = [Float](repeating: 1, count: k)
        unsafe path.kernels.matrix.gemm_f32(m, 1, k, a, k, 1, x, 1, 1, &c, 1, false, 1)
        for (i, element) in c.enumerated() where i != 3 {
            #expect(element == (i == 34 ? -.infinity : Float(k)), "row \(i)")
        }
        #expect(c[3].isNaN)
        unsafe path.kernels.matrix.gemm_f32(1, m, k, x, k, 1, a, 1, k, &c, m, false, 1)
        #expect(c[3].isNaN && c[34] == -.infinity && c[33] == Float(k))
    }

    @Test("a few rows or columns have the same bits on any number of threads", arguments: KernelPath.ofProducts)
    func threads(path: KernelPath) {
        var values = SeededValues(seed: 87)
        // Just enough work for a second thread to be woken.
        let (side, k) = (1029, 1021)
        let kernel = unsafe path.kernels.matrix.gemm_f32
        let x = values.floats(2 * k)
        let matrix = values.floats(side * k)
        var found: [[Float]] = []
        for threads in [1, 2, 0] {
            var rows = [Float](repeating: .nan, count: 2 * side)
            unsafe kernel(2, side, k, x, k, 1, matrix, 1, k, &rows, side, false, threads)
            var columns = rows
            unsafe kernel(side, 2, k, matrix, k, 1, x, 1, k, &columns, 2, false, threads)
            found.append(rows)
            found.append((0..<2).flatMap { i in (0..<side).map { columns[$0 * 2 + i] } })
        }
        #expect(found.allSatisfy { $0 == found[0] && !$0[0].isNaN }, "seed 87")
    }

    private static func bfloat16(_ value: Float) -> UInt16 { UInt16(truncatingIfNeeded: value.bitPattern >> 16) }
}
