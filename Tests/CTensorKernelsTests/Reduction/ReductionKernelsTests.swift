import CTensorKernels
import Testing

@Suite struct ReductionKernelsTests {
    static func reduce(
        _ reduction: mw_reduction, _ a: [Float], shape: [Int], strides: [Int]? = nil, axes: [Int], on path: KernelPath
    ) -> [Float] {
        let kept = shape.indices.filter { !axes.contains($0) }.map { shape[$0] }
        var out = [Float](repeating: -99, count: kept.reduce(1, *))
        let mask = axes.reduce(UInt32(0)) { $0 | 1 << UInt32($1) }
        // The strides name elements of the array only, and the result has an element for each kept index.
        unsafe path.kernels.reduction.reduce(
            reduction, MW_DTYPE_F32, MW_DTYPE_F32, 0, shape.count, shape, &out, a, strides ?? contiguousStrides(shape),
            mask)
        return out
    }

    @Test("sums over any axes agree with Double and between paths", arguments: KernelPath.all)
    func sums(path: KernelPath) {
        var values = SeededValues(seed: 51)
        let shape = [3, 17, 5, 19]
        let a = values.floats(shape.reduce(1, *))
        for axes in [[0], [1], [2], [3], [0, 1], [2, 3], [1, 3], [0, 2], [1, 2, 3], [0, 1, 2, 3], []] {
            let sums = Self.reduce(MW_REDUCE_SUM, a, shape: shape, axes: axes, on: path)
            var expected = [[Int]: Double]()
            for (index, value) in zip(indices(of: shape), a) {
                expected[index.indices.filter { !axes.contains($0) }.map { index[$0] }, default: 0] += Double(value)
            }
            let keptShape = shape.indices.filter { !axes.contains($0) }.map { shape[$0] }
            for (index, sum) in zip(indices(of: keptShape), sums) {
                #expect(abs(Double(sum) - expected[index]!) < 1e-4, "axes \(axes), seed 51")
            }
            #expect(
                sums == Self.reduce(MW_REDUCE_SUM, a, shape: shape, axes: axes, on: .scalar), "axes \(axes), seed 51")
        }
    }

    @Test(
        "a sum's bits do not depend on how its elements lie in memory", arguments: KernelPath.all,
        [1, 16, 255, 256, 257, 1000])
    func layoutDoesNotChangeTheBits(path: KernelPath, count: Int) {
        var values = SeededValues(seed: 52)
        let rows = values.floats(5 * count)
        var columns = [Float](repeating: 0, count: 5 * count)
        for row in 0..<5 {
            for column in 0..<count {
                columns[column * 5 + row] = rows[row * count + column]
            }
        }
        let alongRows = Self.reduce(MW_REDUCE_SUM, rows, shape: [5, count], axes: [1], on: path)
        #expect(Self.reduce(MW_REDUCE_SUM, columns, shape: [count, 5], axes: [0], on: path) == alongRows, "seed 52")
        let strided = Self.reduce(MW_REDUCE_SUM, columns, shape: [5, count], strides: [1, 5], axes: [1], on: path)
        #expect(strided == alongRows, "seed 52")
        for row in 0..<5 {
            let alone = Array(rows[row * count..<(row + 1) * count])
            #expect(Self.reduce(MW_REDUCE_SUM, alone, shape: [count], axes: [0], on: path) == [alongRows[row]])
        }
    }

    @Test("sums of wide columns cover the full vectors and the rest", arguments: KernelPath.all, [15, 16, 17, 40])
    func wideColumns(path: KernelPath, width: Int) {
        let a = (0..<300 * width).map { Float($0 % width) }
        let expected = (0..<width).map { Float($0 * 300) }
        #expect(Self.reduce(MW_REDUCE_SUM, a, shape: [300, width], axes: [0], on: path) == expected)
    }

    @Test("the error of a long sum stays small", arguments: KernelPath.all)
    func longSumsAreAccurate(path: KernelPath) {
        let a = [Float](repeating: 0.1, count: 100_000)
        let sum = Self.reduce(MW_REDUCE_SUM, a, shape: [100_000], axes: [0], on: path)[0]
        #expect(abs(Double(sum) - Double(Float(0.1)) * 100_000) < 0.01)
    }

    @Test("nothing sums to 0 and has the maximum -infinity", arguments: KernelPath.all)
    func emptyReductions(path: KernelPath) {
        #expect(Self.reduce(MW_REDUCE_SUM, [], shape: [2, 0], axes: [1], on: path) == [0, 0])
        #expect(Self.reduce(MW_REDUCE_MAXIMUM, [], shape: [2, 0], axes: [1], on: path) == [-.infinity, -.infinity])
        #expect(Self.reduce(MW_REDUCE_SUM, [], shape: [2, 0], axes: [0], on: path) == [])
    }

    @Test("a maximum finds its element wherever it is, and NaN wins", arguments: KernelPath.all)
    func maxima(path: KernelPath) {
        for count in [1, 15, 16, 17, 300] {
            for position in [0, count / 2, count - 1] {
                var a = [Float](repeating: -5, count: count)
                a[position] = 3
                #expect(Self.reduce(MW_REDUCE_MAXIMUM, a, shape: [count], axes: [0], on: path) == [3])
                a[position] = .nan
                #expect(Self.reduce(MW_REDUCE_MAXIMUM, a, shape: [count], axes: [0], on: path)[0].isNaN)
                let column = Self.reduce(
                    MW_REDUCE_MAXIMUM, a + a, shape: [count, 2], strides: [1, count], axes: [0], on: path)
                #expect(column.allSatisfy { $0.isNaN })
            }
        }
    }

    @Test("integers reduce over any axes, sums wrapping around", arguments: KernelPath.all)
    func integers(path: KernelPath) {
        let a: [Int32] = [1, .max, 1, -7, 4, 9]
        var sums = [Int32](repeating: 0, count: 2)
        var maxima = [Int32](repeating: 0, count: 3)
        // a has two rows of three elements.
        unsafe path.kernels.reduction.reduce(
            MW_REDUCE_SUM, MW_DTYPE_I32, MW_DTYPE_I32, 0, 2, [2, 3], &sums, a, [3, 1], 0b10)
        // As above.
        unsafe path.kernels.reduction.reduce(
            MW_REDUCE_MAXIMUM, MW_DTYPE_I32, MW_DTYPE_I32, 0, 2, [2, 3], &maxima, a, [3, 1], 0b01)
        #expect(sums == [.min + 1, 6])
        #expect(maxima == [1, .max, 9])
    }

    @Test("argmax names the first of equal maxima, and the first NaN", arguments: KernelPath.all)
    func argmax(path: KernelPath) {
        let a: [Float] = [1, 3, 3, 2, -1, .nan, 5, .nan, -.infinity, -.infinity, -8, -9]
        var rows = [Int32](repeating: -1, count: 3)
        // a has three rows of four elements.
        unsafe path.kernels.reduction.argument_of_extreme(false, MW_DTYPE_F32, 2, [3, 4], &rows, a, [4, 1], 1)
        #expect(rows == [1, 1, 2])
        var columns = [Int32](repeating: -1, count: 4)
        // As above.
        unsafe path.kernels.reduction.argument_of_extreme(false, MW_DTYPE_F32, 2, [3, 4], &columns, a, [4, 1], 0)
        #expect(columns == [0, 1, 1, 1])
    }

    @Test("the first minimum, and the first NaN, of every numeric type", arguments: KernelPath.all)
    func argmin(path: KernelPath) {
        func places<Element: BitwiseCopyable>(_ values: [Element], _ dtype: mw_dtype, isMinimum: Bool) -> [Int32] {
            var row = [Int32](repeating: -1, count: 1)
            // One row of as many elements.
            unsafe path.kernels.reduction.argument_of_extreme(
                isMinimum, dtype, 1, [values.count], &row, values, [1], 0)
            var columns = [Int32](repeating: -1, count: 2)
            let twice = values.flatMap { [$0, $0] }
            // Two columns side by side.
            unsafe path.kernels.reduction.argument_of_extreme(
                isMinimum, dtype, 2, [values.count, 2], &columns, twice, [2, 1], 0)
            return row + columns
        }
        for length in [5, 40, 2100] {
            let at = length - 2
            var floats = [Float](repeating: 2, count: length)
            (floats[at], floats[at + 1]) = (-1, -1)
            #expect(places(floats, MW_DTYPE_F32, isMinimum: true) == [Int32](repeating: Int32(at), count: 3))
            floats[at + 1] = .nan
            #expect(places(floats, MW_DTYPE_F32, isMinimum: true) == [Int32](repeating: Int32(at + 1), count: 3))
            var words = [UInt64](repeating: 1 << 63, count: length)
            (words[at], words[at + 1]) = (.max, .max)
            #expect(places(words, MW_DTYPE_U64, isMinimum: false) == [Int32](repeating: Int32(at), count: 3))
            let halves = floats.map { Float16($0) }
            #expect(places(halves, MW_DTYPE_F16, isMinimum: false) == [Int32](repeating: Int32(at + 1), count: 3))
            let bytes = (0..<length).map { $0 == at ? Int8.min : -100 }
            #expect(places(bytes, MW_DTYPE_I8, isMinimum: true) == [Int32](repeating: Int32(at), count: 3))
        }
    }

    @Test("a sum over the pool has the bits of a sum in one piece", arguments: KernelPath.all)
    func piecesDoNotChangeTheBits(path: KernelPath) {
        var values = SeededValues(seed: 53)
        let count = 2 * 65_536 + 3_333
        let a = values.floats(count)
        let row = Self.reduce(MW_REDUCE_SUM, a, shape: [count], axes: [0], on: path)[0]
        // Two axes that do not merge are walked in one piece.
        var gaps = [Float](repeating: 99, count: 2 * (count + 1))
        let half = count / 2
        gaps.replaceSubrange(0..<half, with: a[0..<half])
        gaps.replaceSubrange(half + 1..<2 * half + 1, with: a[half..<2 * half])
        let walked = Self.reduce(
            MW_REDUCE_SUM, gaps, shape: [2, half], strides: [half + 1, 1], axes: [0, 1], on: path)[0]
        let even = Self.reduce(MW_REDUCE_SUM, Array(a[0..<2 * half]), shape: [2 * half], axes: [0], on: path)[0]
        #expect(walked == even, "seed 53")
        #expect(row == Self.reduce(MW_REDUCE_SUM, a, shape: [count], axes: [0], on: .scalar)[0], "seed 53")
    }

    @Test("every float reduction has the same bits on every path, along rows and columns", arguments: KernelPath.all)
    func pathsAgree(path: KernelPath) {
        var values = SeededValues(seed: 54)
        let shape = [70, 33]
        let a = values.floats(70 * 33)
        let operations: [(mw_reduction, Double)] = [
            (MW_REDUCE_SUM, 0), (MW_REDUCE_PRODUCT, 0), (MW_REDUCE_MAXIMUM, 0), (MW_REDUCE_MINIMUM, 0),
            (MW_REDUCE_MEAN, 0), (MW_REDUCE_VARIANCE, 1), (MW_REDUCE_DEVIATION, 0), (MW_REDUCE_LOG_SUM_EXP, 0),
            (MW_REDUCE_NORM, 1), (MW_REDUCE_NORM, 2), (MW_REDUCE_NORM, 3.5), (MW_REDUCE_NORM, .infinity),
        ]
        func run<Element: BitwiseCopyable & Equatable>(
            _ a: [Element], _ dtype: mw_dtype, _ operation: (mw_reduction, Double), on path: KernelPath, zero: Element
        ) -> [Element] {
            [[0], [1], [0, 1]].flatMap { axes in
                let kept = shape.indices.filter { !axes.contains($0) }.map { shape[$0] }
                var out = [Element](repeating: zero, count: kept.reduce(1, *))
                let mask = axes.reduce(UInt32(0)) { $0 | 1 << UInt32($1) }
                // The strides are those of the array, and the result has an element for each kept index.
                unsafe path.kernels.reduction.reduce(
                    operation.0, dtype, dtype, operation.1, 2, shape, &out, a, [33, 1], mask)
                return out
            }
        }
        let doubles = a.map { Double($0) }
        let halves = a.map { Float16($0).bitPattern }
        let brains = a.map { UInt16($0.bitPattern >> 16) }
        for operation in operations {
            #expect(
                run(a, MW_DTYPE_F32, operation, on: path, zero: 0)
                    == run(a, MW_DTYPE_F32, operation, on: .scalar, zero: 0), "\(operation), seed 54")
            #expect(
                run(doubles, MW_DTYPE_F64, operation, on: path, zero: 0)
                    == run(doubles, MW_DTYPE_F64, operation, on: .scalar, zero: 0), "\(operation), seed 54")
            #expect(
                run(halves, MW_DTYPE_F16, operation, on: path, zero: 0)
                    == run(halves, MW_DTYPE_F16, operation, on: .scalar, zero: 0), "\(operation), seed 54")
            #expect(
                run(brains, MW_DTYPE_BF16, operation, on: path, zero: 0)
                    == run(brains, MW_DTYPE_BF16, operation, on: .scalar, zero: 0), "\(operation), seed 54")
        }
    }
}
