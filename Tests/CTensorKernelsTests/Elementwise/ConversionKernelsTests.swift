import CTensorKernels
import Testing

@Suite struct ConversionTests {
    static func convert<In: BitwiseCopyable, Out: BitwiseCopyable>(
        _ conversion: (from: mw_dtype, to: mw_dtype), _ a: [In], to zero: Out, on path: KernelPath
    ) -> [Out] {
        var out = [Out](repeating: zero, count: a.count)
        // The element types are those that the conversion names, and both arrays are as long as the shape says.
        unsafe out.withUnsafeMutableBytes { out in
            unsafe a.withUnsafeBytes { a in
                unsafe path.kernels.elementwise.convert(
                    conversion.to, conversion.from, 1, [a.count / MemoryLayout<In>.stride], out.baseAddress!,
                    a.baseAddress!, [1])
            }
        }
        return out
    }

    @Test("float to integer truncates and saturates, and NaN gives 0", arguments: KernelPath.all)
    func floatToInteger(path: KernelPath) {
        let a: [Float] = [
            0, -0.9, 1.9, -1.9, 2_147_483_520, 2_147_483_648, -2_147_483_648, -2_147_483_904, .infinity, -.infinity,
            .nan, .greatestFiniteMagnitude, .leastNonzeroMagnitude,
        ]
        let expected: [Int32] = [0, 0, 1, -1, 2_147_483_520, .max, .min, .min, .max, .min, 0, .max, 0]
        // Many copies, so that the vector loop runs and not its remainder alone.
        let copies = Array(repeatElement(a, count: 9).joined())
        #expect(
            Self.convert((MW_DTYPE_F32, MW_DTYPE_I32), copies, to: Int32(7), on: path)
                == Array(repeatElement(expected, count: 9).joined()))
    }

    @Test("any float converts to the same integer on every path", arguments: KernelPath.all)
    func pathsAgree(path: KernelPath) {
        var values = SeededValues(seed: 11)
        let a = values.anyFloats(2003)
        #expect(
            Self.convert((MW_DTYPE_F32, MW_DTYPE_I32), a, to: Int32(0), on: path)
                == a.map { $0.isNaN ? 0 : Int32(clamping: Int64(max(-0x1p40, min(0x1p40, $0)))) }, "seed 11")
        let integers = values.integers(2003)
        #expect(
            Self.convert((MW_DTYPE_I32, MW_DTYPE_F32), integers, to: Float(0), on: path) == integers.map { Float($0) },
            "seed 11")
    }

    @Test("bools are 0 and 1, and whatever is not zero is true", arguments: KernelPath.all)
    func bools(path: KernelPath) {
        let bools: [UInt8] = (0..<40).map { $0 % 3 == 0 ? 1 : 0 }
        #expect(Self.convert((MW_DTYPE_BOOL, MW_DTYPE_F32), bools, to: Float(7), on: path) == bools.map { Float($0) })
        #expect(Self.convert((MW_DTYPE_BOOL, MW_DTYPE_I32), bools, to: Int32(7), on: path) == bools.map { Int32($0) })
        #expect(
            Self.convert(
                (MW_DTYPE_F32, MW_DTYPE_BOOL), [0, -0.0, .leastNonzeroMagnitude, -3, .nan, .infinity] as [Float],
                to: UInt8(7),
                on: path)
                == [0, 0, 1, 1, 1, 1])
        #expect(
            Self.convert((MW_DTYPE_I32, MW_DTYPE_BOOL), [0, 1, -1, 256] as [Int32], to: UInt8(7), on: path) == [
                0, 1, 1, 1,
            ])
    }

    @Test("every type converts to every other as its numbers do", arguments: KernelPath.all)
    func allPairs(path: KernelPath) {
        for from in elementTypes {
            for to in elementTypes where to.code != from.code { Self.expectConversion(from, to, on: path) }
        }
    }

    private static func expectConversion(
        _ from: any KernelElement.Type, _ to: any KernelElement.Type, on path: KernelPath
    ) {
        func check<From: KernelElement, To: KernelElement>(_: From.Type, _: To.Type) {
            var values = SeededValues(seed: 12)
            // More than a block of staging, so that its borders are crossed.
            let a = From.specials + (0..<1100).map { _ in From.any(&values) }
            var out = [To](repeating: To.specials[1], count: a.count)
            // The element types are those of the arrays, which are as long as the shape says.
            unsafe path.kernels.elementwise.convert(To.code, From.code, 1, [a.count], &out, a, [1])
            for (value, found) in zip(a, out) {
                let expected = To(converting: value)
                guard found.comparable != expected.comparable else { continue }
                Issue.record("\(From.self) \(value) to \(To.self): \(found), not \(expected); seed 12")
                return
            }
            // Backwards, every second element.
            let count = a.count / 2
            var strided = [To](repeating: To.specials[1], count: count)
            unsafe a.withUnsafeBufferPointer { a in
                // From the last element down to the second.
                unsafe path.kernels.elementwise.convert(
                    To.code, From.code, 1, [count], &strided, a.baseAddress! + (a.count - 1), [-2])
            }
            let expected = (0..<count).map { out[a.count - 1 - 2 * $0].comparable }
            #expect(strided.map(\.comparable) == expected, "\(From.self) to \(To.self)")
        }
        check(from, to)
    }

    @Test("64-bit integers round once to 16-bit floats", arguments: KernelPath.all)
    func roundsOnce(path: KernelPath) {
        // Just above the middle between two neighbours, by less than an f64 keeps.
        let a: [Int64] = [(0x101 << 50) + 1, (0x101 << 50), -((0x101 << 50) + 1), (0x103 << 50) - 1]
        let out = Self.convert((MW_DTYPE_I64, MW_DTYPE_BF16), a, to: UInt16(0), on: path)
        #expect(out == [0x5c81, 0x5c80, 0xdc81, 0x5c81], "\(out.map { String($0, radix: 16) })")
        // An f32 between two f16 neighbours, and an f64 just beside it.
        let b: [Double] = [1 + 0x1p-11, 1 + 0x1p-11 + 0x1p-40, 1 + 0x1p-11 - 0x1p-40]
        let halves = Self.convert((MW_DTYPE_F64, MW_DTYPE_F16), b, to: UInt16(0), on: path)
        #expect(halves == [0x3c00, 0x3c01, 0x3c00])
    }

    @Test("every 16-bit float has the same f32 on each path, and comes back from it", arguments: KernelPath.all)
    func halves(path: KernelPath) {
        let all = Array(UInt16.min...UInt16.max)
        for dtype in [MW_DTYPE_F16, MW_DTYPE_BF16] {
            let wide = Self.convert((dtype, MW_DTYPE_F32), all, to: UInt32(0), on: path)
            #expect(wide == Self.convert((dtype, MW_DTYPE_F32), all, to: UInt32(0), on: .scalar))
            let back = Self.convert((MW_DTYPE_F32, dtype), wide, to: UInt16(0), on: path)
            let quiet: UInt16 = dtype == MW_DTYPE_F16 ? 0x0200 : 0x0040
            let infinity: UInt16 = dtype == MW_DTYPE_F16 ? 0x7c00 : 0x7f80
            #expect(back == all.map { $0 & 0x7fff > infinity ? $0 | quiet : $0 })
        }
    }
}

@Suite struct FloatClassTests {
    @Test("each float is either NaN, infinite or finite", arguments: KernelPath.all)
    func classes(path: KernelPath) {
        func check<Element: KernelElement>(_: Element.Type) {
            var values = SeededValues(seed: 13)
            let a = Element.specials + (0..<600).map { _ in Element.any(&values) }
            let classes: [(mw_float_class, (Double) -> Bool)] = [
                (MW_FLOAT_IS_NAN, { $0.isNaN }), (MW_FLOAT_IS_INFINITE, { $0.isInfinite }),
                (MW_FLOAT_IS_FINITE, { $0.isFinite }),
            ]
            for (code, apply) in classes {
                var out = [UInt8](repeating: 7, count: a.count)
                // The arrays are as long as the shape says.
                unsafe path.kernels.elementwise.classify(code, Element.code, 1, [a.count], &out, a, [1])
                #expect(out == a.map { apply($0.number) ? 1 : 0 }, "\(Element.self), \(code), seed 13")
            }
        }
        check(Float.self)
        check(Double.self)
        check(Float16.self)
        check(Brain.self)
    }
}
