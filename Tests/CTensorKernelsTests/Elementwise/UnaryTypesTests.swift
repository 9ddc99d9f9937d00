import CTensorKernels
import Testing

@Suite struct UnaryTypesTests {
    static let seed: UInt64 = 0x6d77_0003

    /// The f32 that a bf16's bits stand for, and back: to nearest, ties to even, by the definition.
    static func float(ofBFloat16 bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

    static func bfloat16(of x: Float) -> UInt16 {
        guard !x.isNaN else { return 0x7fc0 }
        let low = x.bitPattern & 0xffff
        let upper = UInt16(truncatingIfNeeded: x.bitPattern >> 16)
        let isUp = low > 0x8000 || (low == 0x8000 && upper & 1 == 1)
        return upper + (isUp ? 1 : 0)
    }

    @Test("bf16 is f32's result, rounded once", arguments: KernelPath.all, Unary.ofFloats)
    func bfloat16(path: KernelPath, operation: mw_unary_operation) {
        var values = SeededValues(seed: Self.seed)
        // All upper bytes, and many of what lies between.
        let a = (0..<1500).map { i in UInt16(truncatingIfNeeded: i < 256 ? UInt64(i) << 8 : values.word()) }
        let results = Unary.apply(operation, MW_DTYPE_BF16, a, on: path)
        let expected = Unary.floats(operation, a.map { Self.float(ofBFloat16: $0) }, on: path)
        for i in a.indices {
            let isSame =
                expected[i].isNaN
                ? Self.float(ofBFloat16: results[i]).isNaN : results[i] == Self.bfloat16(of: expected[i])
            #expect(isSame, "\(operation) of \(Self.float(ofBFloat16: a[i])), seed \(Self.seed)")
        }
    }

    #if !(os(macOS) && arch(x86_64))
        @Test("f16 is f32's result, rounded once", arguments: KernelPath.all, Unary.ofFloats)
        func float16(path: KernelPath, operation: mw_unary_operation) {
            var values = SeededValues(seed: Self.seed)
            let a = (0..<1500).map { i in
                Float16(bitPattern: UInt16(truncatingIfNeeded: i < 256 ? UInt64(i) << 8 : values.word()))
            }
            let results = Unary.apply(operation, MW_DTYPE_F16, a, on: path)
            let expected = Unary.floats(operation, a.map { Float($0) }, on: path).map { Float16($0) }
            for i in a.indices {
                let isSame = expected[i].isNaN ? results[i].isNaN : results[i].bitPattern == expected[i].bitPattern
                #expect(isSame, "\(operation) of \(a[i]) is \(results[i]), not \(expected[i]), seed \(Self.seed)")
            }
        }

        @Test("every f16 goes to f32 and back unchanged", arguments: KernelPath.all)
        func everyFloat16(path: KernelPath) {
            let a = (0...UInt16.max).map { Float16(bitPattern: $0) }
            let results = Unary.apply(MW_UNARY_NEGATE, MW_DTYPE_F16, a, on: path)
            for i in a.indices {
                let isSame = a[i].isNaN ? results[i].isNaN : results[i].bitPattern == (-a[i]).bitPattern
                #expect(isSame, "\(a[i])")
            }
        }
    #endif

    /// What an operation of integers gives, in Swift.
    static func expected<Element: FixedWidthInteger>(_ operation: mw_unary_operation, _ x: Element) -> Element {
        switch operation {
        case MW_UNARY_NEGATE: 0 &- x
        case MW_UNARY_ABS: x < 0 ? 0 &- x : x
        case MW_UNARY_SIGN: Element(x.signum())
        case MW_UNARY_SQUARE: x &* x
        case MW_UNARY_RELU: max(x, 0)
        default: ~x
        }
    }

    static func check<Element: FixedWidthInteger & BitwiseCopyable>(
        _ dtype: mw_dtype, _: Element.Type, on path: KernelPath
    ) {
        var values = SeededValues(seed: seed)
        let a =
            [0, 1, .max, .min, .max - 1, .min + 1] + (0..<300).map { _ in Element(truncatingIfNeeded: values.word()) }
        for operation in Unary.ofIntegers + (Element.isSigned ? [MW_UNARY_RELU] : []) {
            #expect(
                Unary.apply(operation, dtype, a, on: path) == a.map { expected(operation, $0) },
                "\(operation) of \(Element.self), seed \(seed)")
        }
    }

    @Test("integers wrap around, whatever their width", arguments: KernelPath.all)
    func integers(path: KernelPath) {
        Self.check(MW_DTYPE_I8, Int8.self, on: path)
        Self.check(MW_DTYPE_I16, Int16.self, on: path)
        Self.check(MW_DTYPE_I32, Int32.self, on: path)
        Self.check(MW_DTYPE_I64, Int64.self, on: path)
        Self.check(MW_DTYPE_U8, UInt8.self, on: path)
        Self.check(MW_DTYPE_U16, UInt16.self, on: path)
        Self.check(MW_DTYPE_U32, UInt32.self, on: path)
        Self.check(MW_DTYPE_U64, UInt64.self, on: path)
    }

    @Test("not of a bool is the other one", arguments: KernelPath.all)
    func bools(path: KernelPath) {
        let a: [UInt8] = (0..<100).map { $0 % 3 == 0 ? 1 : 0 }
        #expect(Unary.apply(MW_UNARY_LOGICAL_NOT, MW_DTYPE_BOOL, a, on: path) == a.map { 1 - $0 })
    }

    @Test("any f64 gives the same bits on every path", arguments: KernelPath.all, Unary.ofFloats)
    func pathsAgree(path: KernelPath, operation: mw_unary_operation) {
        var values = SeededValues(seed: Self.seed)
        for count in [1, 7, 8, 9, 300] {
            let a = values.hardDoubles(count)
            #expect(
                comparableBits(Unary.doubles(operation, a, on: path))
                    == comparableBits(Unary.doubles(operation, a, on: .scalar)), "\(count) elements, seed \(Self.seed)")
        }
    }

    @Test("16-bit and f64 operands may be strided or reversed, and rows longer than a block", arguments: KernelPath.all)
    func strided(path: KernelPath) {
        let halves: [UInt16] = (0..<5000).map { Self.bfloat16(of: Float($0)) }
        let doubles = (0..<5000).map { Double($0) }
        for stride in [-1, 2, -2, 0] {
            let base = stride < 0 ? 4999 : 0
            var narrow = [UInt16](repeating: 0, count: 2400)
            var wide = [Double](repeating: 0, count: 2400)
            unsafe halves.withUnsafeBufferPointer { a in
                // Every index of the walk lies inside the array.
                unsafe path.kernels.elementwise.unary(
                    MW_UNARY_NEGATE, MW_DTYPE_BF16, 1, [2400], &narrow, a.baseAddress! + base, [stride])
            }
            unsafe doubles.withUnsafeBufferPointer { a in
                // The same.
                unsafe path.kernels.elementwise.unary(
                    MW_UNARY_SIN, MW_DTYPE_F64, 1, [2400], &wide, a.baseAddress! + base, [stride])
            }
            let indices = (0..<2400).map { base + $0 * stride }
            #expect(narrow == indices.map { halves[$0] ^ 0x8000 }, "stride \(stride)")
            #expect(wide == Unary.doubles(MW_UNARY_SIN, indices.map { doubles[$0] }, on: path), "stride \(stride)")
        }
    }
}
