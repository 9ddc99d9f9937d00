import CTensorKernels
import Testing

@Suite struct ScatterTests {
    @Test("repeated rows add up in the order in which they come")
    func order() {
        var table: [Float] = [1, 1, 1, 1, 1, 1]
        let rows: [Float] = [1e8, 1, 5, 6, -1e8, 2]
        // Three rows of two into a table of three rows.
        unsafe mw_scatter(
            MW_SCATTER_ADD, MW_DTYPE_F32, 2, [3, 2], 0, &table, [2, 1], [1, 0, 1], [1, 0], rows, [2, 1])
        // (1 + 1e8) - 1e8 is 0 in f32: the order shows.
        #expect(table == [6, 7, 0, 4, 1, 1])
    }

    /// Scatters six elements to the places 0, 1, 0, 2, 0, 2 of [3, 5, 7].
    private func scattered<Element: BitwiseCopyable>(
        _ mode: mw_scatter_mode, _ dtype: mw_dtype, into target: [Element], _ source: [Element]
    ) -> [Element] {
        var target = target
        // Six sources with an index each, which names one of three places.
        unsafe mw_scatter(mode, dtype, 1, [6], 0, &target, [1], [0, 1, 0, 2, 0, 2], [1], source, [1])
        return target
    }

    @Test("every mode combines elements of every type; integers wrap around")
    func modes() {
        func check<Element: FixedWidthInteger & BitwiseCopyable>(_ dtype: mw_dtype, _: Element.Type) {
            let target: [Element] = [3, 5, 7]
            let source: [Element] = [.max, 2, 9, 1, 4, 8]
            #expect(scattered(MW_SCATTER_SET, dtype, into: target, source) == [4, 2, 8])
            #expect(
                scattered(MW_SCATTER_ADD, dtype, into: target, source) == [3 &+ .max &+ 9 &+ 4, 7, 16])
            #expect(scattered(MW_SCATTER_MULTIPLY, dtype, into: target, source) == [3 &* .max &* 36, 10, 56])
            #expect(scattered(MW_SCATTER_MAXIMUM, dtype, into: target, source) == [.max, 5, 8])
            #expect(scattered(MW_SCATTER_MINIMUM, dtype, into: target, source) == [3, 2, 1])
        }
        check(MW_DTYPE_I8, Int8.self)
        check(MW_DTYPE_I16, Int16.self)
        check(MW_DTYPE_I32, Int32.self)
        check(MW_DTYPE_I64, Int64.self)
        check(MW_DTYPE_U8, UInt8.self)
        check(MW_DTYPE_U16, UInt16.self)
        check(MW_DTYPE_U32, UInt32.self)
        check(MW_DTYPE_U64, UInt64.self)
        #expect(scattered(MW_SCATTER_ADD, MW_DTYPE_F64, into: [3, 5, 7], [0.5, 1, 1, 1, 1, 2]) == [5.5, 6, 10])
        #expect(
            scattered(MW_SCATTER_MULTIPLY, MW_DTYPE_F32, into: [3, 5, 7] as [Float], [2, 2, 2, 2, 2, 1]) == [
                24, 10, 14,
            ])
    }

    @Test("a NaN stays the largest and the smallest, from either side")
    func nan() {
        for mode in [MW_SCATTER_MAXIMUM, MW_SCATTER_MINIMUM] {
            let result = scattered(mode, MW_DTYPE_F32, into: [.nan, 5, 7] as [Float], [1, 2, 3, .nan, 4, 1])
            #expect(result[0].isNaN && result[2].isNaN && !result[1].isNaN)
        }
    }

    @Test("what several threads scatter has the bits that one has")
    func pieces() {
        var values = SeededValues(seed: 5)
        let (count, width) = (300, 700)
        let rows = values.floats(count * width)
        let index = (0..<count).map { _ in Int64(values.integer(in: 0..<10)) }
        var out = [Float](repeating: 0.5, count: 10 * width)
        var expected = out
        for (i, row) in index.enumerated() {
            for j in 0..<width { expected[Int(row) * width + j] += rows[i * width + j] }
        }
        // Rows of 700 into a table of ten.
        unsafe mw_scatter(
            MW_SCATTER_ADD, MW_DTYPE_F32, 2, [count, width], 0, &out, [width, 1], index, [1, 0], rows, [width, 1])
        #expect(out == expected)
    }

    @Test("windows that overlap add up")
    func windows() {
        var out = [Double](repeating: 0, count: 5)
        // Three windows of three, one place apart.
        unsafe mw_accumulate(
            MW_DTYPE_F64, 2, [3, 3], &out, [1, 1], [1, 2, 3, 10, 20, 30, 100, 200, 300] as [Double], [3, 1])
        #expect(out == [1, 12, 123, 230, 300])
    }
}

@Suite struct HalfTests {
    #if !(os(macOS) && arch(x86_64))
        @Test("every 16-bit float is widened exactly, and comes back")
        func roundTrip() {
            let halves = (0...UInt16.max).map { $0 }
            var wide = [Float](repeating: 0, count: halves.count)
            var narrow = [UInt16](repeating: 0, count: halves.count)
            // All three have 65,536 elements.
            unsafe mw_widen_16(MW_DTYPE_F16, halves.count, &wide, halves)
            unsafe mw_narrow_16(MW_DTYPE_F16, halves.count, &narrow, wide)
            let wrong = halves.indices.first { index in
                let expected = Float(Float16(bitPattern: halves[index]))
                return expected.isNaN
                    ? !wide[index].isNaN || !Float16(bitPattern: narrow[index]).isNaN
                    : wide[index].bitPattern != expected.bitPattern || narrow[index] != halves[index]
            }
            #expect(wrong == nil)
        }

        @Test("f32 is rounded to the nearest f16, ties to even")
        func rounding() {
            var values = SeededValues(seed: 3)
            var floats = values.anyFloats(5_000)
            // Around every second f16: the ties, and what is just beside them.
            for half in stride(from: UInt16(0), to: 0x7bff, by: 2) {
                let middle = (Float(Float16(bitPattern: half)) + Float(Float16(bitPattern: half + 1))) / 2
                floats += [middle, middle.nextUp, middle.nextDown, -middle]
            }
            floats += [65_504, 65_519.996, 65_520, .infinity, -.infinity, 0x1p-25, 0x1.000002p-25, -0.0]
            var narrow = [UInt16](repeating: 0, count: floats.count)
            // As many of each.
            unsafe mw_narrow_16(MW_DTYPE_F16, floats.count, &narrow, floats)
            let wrong = floats.indices.first { index in
                !floats[index].isNaN && narrow[index] != Float16(floats[index]).bitPattern
            }
            #expect(wrong == nil, "\(wrong.map { floats[$0] } ?? 0)")
        }
    #endif
}
