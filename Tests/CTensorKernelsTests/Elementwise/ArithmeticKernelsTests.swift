import CTensorKernels
import Foundation
import Testing

@Suite struct IntegerArithmeticTests {
    @Test("integers of every width wrap around, divide toward -inf, and shift to nothing", arguments: KernelPath.all)
    func operations(path: KernelPath) {
        check(Int8.self, path)
        check(Int16.self, path)
        check(Int32.self, path)
        check(Int64.self, path)
        check(UInt8.self, path)
        check(UInt16.self, path)
        check(UInt32.self, path)
        check(UInt64.self, path)
    }

    private func check<Integer: KernelElement & FixedWidthInteger>(_: Integer.Type, _ path: KernelPath) {
        func floored(_ x: Integer, _ y: Integer) -> (quotient: Integer, rest: Integer) {
            let quotient = x.dividedReportingOverflow(by: y).partialValue
            let rest = x.remainderReportingOverflow(dividingBy: y).partialValue
            return rest != 0 && (rest < 0) != (y < 0) ? (quotient - 1, rest + y) : (quotient, rest)
        }
        func isFar(_ count: Integer) -> Bool { count < 0 || count >= Integer.bitWidth }
        let operations: [(mw_binary_operation, (Integer, Integer) -> Integer)] = [
            (MW_BINARY_ADD, { $0 &+ $1 }), (MW_BINARY_SUBTRACT, { $0 &- $1 }), (MW_BINARY_MULTIPLY, { $0 &* $1 }),
            (MW_BINARY_FLOOR_DIVIDE, { $1 == 0 ? 0 : floored($0, $1).quotient }),
            (MW_BINARY_REMAINDER, { $1 == 0 ? 0 : floored($0, $1).rest }),
            (MW_BINARY_FMOD, { $1 == 0 ? 0 : $0.remainderReportingOverflow(dividingBy: $1).partialValue }),
            (MW_BINARY_MAXIMUM, { max($0, $1) }), (MW_BINARY_MINIMUM, { min($0, $1) }),
            (MW_BINARY_AND, { $0 & $1 }), (MW_BINARY_OR, { $0 | $1 }), (MW_BINARY_XOR, { $0 ^ $1 }),
            (MW_BINARY_SHIFT_LEFT, { isFar($1) ? 0 : $0 &<< $1 }),
            (MW_BINARY_SHIFT_RIGHT, { isFar($1) ? ($0 < 0 ? ~0 : 0) : $0 &>> $1 }),
        ]
        var values = SeededValues(seed: 26)
        let specials = Integer.specials + [4, 5, ~0, ~1, Integer(Integer.bitWidth - 1), Integer(Integer.bitWidth)]
        let a = specials.flatMap { x in specials.map { _ in x } } + (0..<300).map { _ in Integer.any(&values) }
        let b = specials.flatMap { _ in specials } + (0..<300).map { _ in Integer.any(&values) }
        for (code, apply) in operations {
            expect(code, a, b, zip(a, b).map(apply), path)
        }
        let exponents = b.map { $0 < 0 ? ~$0 : $0 }
        expect(
            MW_BINARY_POWER, a, exponents,
            zip(a, exponents).map { base, exponent in
                var (power, base, exponent) = (Integer(1), base, exponent)
                while exponent > 0 {
                    if exponent & 1 == 1 { power = power &* base }
                    base = base &* base
                    exponent >>= 1
                }
                return power
            }, path)
    }

    private func expect<Integer: KernelElement & FixedWidthInteger>(
        _ code: mw_binary_operation, _ a: [Integer], _ b: [Integer], _ expected: [Integer], _ path: KernelPath
    ) {
        var out = [Integer](repeating: 99, count: a.count)
        // The arrays are as long as the shape says.
        unsafe path.kernels.elementwise.binary(code, Integer.code, 1, [a.count], &out, a, [1], b, [1])
        guard let index = out.indices.first(where: { out[$0] != expected[$0] }) else { return }
        Issue.record("\(code) of \(Integer.self): \(a[index]), \(b[index]) gave \(out[index]), not \(expected[index])")
    }

    @Test("unfit operands are found wherever they lie", arguments: KernelPath.all)
    func contains(path: KernelPath) {
        func check<Integer: KernelElement & FixedWidthInteger>(_: Integer.Type) {
            for position in [0, 511, 512, 1299] {
                var a = [Integer](repeating: 3, count: 1300)
                // The array is as long as the shape says, here and below.
                #expect(unsafe !path.kernels.elementwise.contains(MW_INTEGER_IS_ZERO, Integer.code, 1, [1300], a, [1]))
                a[position] = 0
                #expect(unsafe path.kernels.elementwise.contains(MW_INTEGER_IS_ZERO, Integer.code, 1, [1300], a, [1]))
                #expect(
                    unsafe !path.kernels.elementwise.contains(MW_INTEGER_IS_NEGATIVE, Integer.code, 1, [1300], a, [1]))
                a[position] = ~0
                #expect(
                    unsafe path.kernels.elementwise.contains(MW_INTEGER_IS_NEGATIVE, Integer.code, 1, [1300], a, [1])
                        == Integer.isSigned)
            }
        }
        check(Int8.self)
        check(Int32.self)
        check(Int64.self)
        check(UInt16.self)
    }
}

@Suite struct FloatArithmeticTests {
    static let floatOperations: [mw_binary_operation] = [
        MW_BINARY_ADD, MW_BINARY_SUBTRACT, MW_BINARY_MULTIPLY, MW_BINARY_DIVIDE, MW_BINARY_RELU_GRADIENT,
        MW_BINARY_FLOOR_DIVIDE, MW_BINARY_REMAINDER, MW_BINARY_FMOD, MW_BINARY_POWER, MW_BINARY_MAXIMUM,
        MW_BINARY_MINIMUM, MW_BINARY_ATAN2, MW_BINARY_HYPOT, MW_BINARY_COPYSIGN, MW_BINARY_LOG_ADD_EXP,
    ]

    private func apply<Element: KernelElement>(
        _ code: mw_binary_operation, _ a: [Element], _ b: [Element], on path: KernelPath
    ) -> [Element] {
        var out = a
        // The arrays are as long as the shape says.
        unsafe path.kernels.elementwise.binary(code, Element.code, 1, [a.count], &out, a, [1], b, [1])
        return out
    }

    @Test("every operation gives the scalar path's bits, whatever the operands", arguments: KernelPath.all)
    func paths(path: KernelPath) {
        func check<Element: KernelElement>(_: Element.Type) {
            var values = SeededValues(seed: 27)
            let specials = Element.specials
            let a = specials.flatMap { x in specials.map { _ in x } } + (0..<700).map { _ in Element.any(&values) }
            let b = specials.flatMap { _ in specials } + (0..<700).map { _ in Element.any(&values) }
            for code in Self.floatOperations {
                #expect(
                    apply(code, a, b, on: path).map(\.comparable) == apply(code, a, b, on: .scalar).map(\.comparable),
                    "\(code) of \(Element.self), seed 27")
            }
        }
        check(Float.self)
        check(Double.self)
        check(Float16.self)
        check(Brain.self)
    }

    typealias Function = (code: mw_binary_operation, model: @Sendable (Double, Double) -> Double)

    static let functions: [Function] = [
        (MW_BINARY_POWER, { pow($0, $1) }), (MW_BINARY_ATAN2, { atan2($0, $1) }), (MW_BINARY_HYPOT, { hypot($0, $1) }),
        (MW_BINARY_FMOD, { fmod($0, $1) }),
        (
            MW_BINARY_LOG_ADD_EXP,
            { x, y in
                x.isNaN || y.isNaN
                    ? .nan : x == y ? x + 0.693147180559945309 : max(x, y) + log1p(exp(-abs(x - y)))
            }
        ),
    ]

    @Test("functions of f32 are the f64 ones, rounded once", arguments: KernelPath.all)
    func functions(path: KernelPath) {
        var values = SeededValues(seed: 28)
        let specials: [Float] = Float.specials + [2, 3, -3, 4, 1e30, 1e-30, 16_777_214, -7.5, 0x1p-140]
        let a = specials.flatMap { x in specials.map { _ in x } } + values.floats(400).map { $0 * 30 }
        let b = specials.flatMap { _ in specials } + values.floats(400).map { $0 * 9 }
        for (code, model) in Self.functions {
            for (index, found) in apply(code, a, b, on: path).enumerated() {
                let expected = Float(model(Double(a[index]), Double(b[index])))
                guard
                    found.isNaN != expected.isNaN || (!found.isNaN && found != expected)
                        || (found == 0 && found.sign != expected.sign)
                else { continue }
                // Two roundings may differ where the model's own error tips a tie.
                if abs(found - expected) <= expected.ulp, !found.isNaN { continue }
                Issue.record("\(code)(\(a[index]), \(b[index])) = \(found), not \(expected); seed 28")
                break
            }
        }
    }

    @Test("functions of f64 are the C library's within 1 ULP, special values among them", arguments: KernelPath.all)
    func functionsOfF64(path: KernelPath) {
        var values = SeededValues(seed: 31)
        let specials: [Double] =
            Double.specials + [
                2, 3, -3, 0.5, 1e300, -1e300, 0x1p-1070, 0x1p53 - 1, 1 - 0x1p53, 1.0.nextUp, 1.0.nextDown,
            ]
        var a = specials.flatMap { x in specials.map { _ in x } }
        var b = specials.flatMap { _ in specials }
        for exponent in 0..<400 {
            // Bases ever nearer to 1, whose powers stay in range.
            let spread = Double(sign: .plus, exponent: -(exponent % 40), significand: 1)
            a.append(1 + spread * Double(values.floats(1)[0]) * 0.9)
            b.append(Double(values.floats(1)[0]) * 300 / spread)
        }
        for _ in 0..<400 {
            a.append(Double.any(&values))
            b.append(Double.any(&values))
        }
        for (code, model) in Self.functions where code != MW_BINARY_FMOD {
            for (index, found) in apply(code, a, b, on: path).enumerated() {
                let (x, y) = (a[index], b[index])
                let expected = model(x, y)
                // A sum may cancel, and then is as good as its parts.
                let unit = code == MW_BINARY_LOG_ADD_EXP ? 4 * max(abs(max(x, y)), 1).ulp : expected.ulp
                guard
                    found.isNaN != expected.isNaN
                        || (!found.isNaN && found != expected && !(abs(found - expected) <= unit))
                        || (found == 0 && expected == 0 && code != MW_BINARY_LOG_ADD_EXP && found.sign != expected.sign)
                else { continue }
                Issue.record("\(code)(\(x), \(y)) = \(found), not \(expected); seed 31")
                break
            }
        }
    }

    @Test("division toward -inf is Python's, with zeros, infinities and NaN", arguments: KernelPath.all)
    func flooredDivision(path: KernelPath) {
        // What Python's NumPy answers to np.floor_divide and np.remainder.
        let a: [Float] = [7, -7, 7, -7, 7.5, 1, -1, 0, -0.0, 1, .infinity, 1, -1, .nan, 0, 6, 1e10]
        let b: [Float] = [2, 2, -2, -2, 2, 0, 0, 3, 3, .infinity, 2, -.infinity, .infinity, 1, 0, -3, 3]
        let inf = Float.infinity
        let quotients: [Float] = [3, -4, -4, 3, 3, inf, -inf, 0, -0.0, 0, .nan, -1, -1, .nan, .nan, -2, 3_333_333_248]
        let rests: [Float] = [1, 1, -1, -1, 1.5, .nan, .nan, 0, 0, 1, .nan, -inf, inf, .nan, .nan, -0.0, 1]
        let found = apply(MW_BINARY_FLOOR_DIVIDE, a, b, on: path)
        #expect(found.map(\.comparable) == quotients.map(\.comparable), "\(found)")
        let rest = apply(MW_BINARY_REMAINDER, a, b, on: path)
        #expect(rest.map(\.comparable) == rests.map(\.comparable), "\(rest)")
        let wide = apply(MW_BINARY_REMAINDER, a.map { Double($0) }, b.map { Double($0) }, on: path)
        #expect(wide.map(\.comparable) == rests.map { Double($0).comparable }, "\(wide)")
    }

    @Test("a number over an infinity leaves itself, alone and beside others", arguments: KernelPath.all)
    func remaindersOfInfinities(path: KernelPath) {
        func check<Element: BinaryFloatingPoint & KernelElement>(_: Element.Type) {
            let inf = Element.infinity
            // No zero, NaN or infinite dividend, any of which would send the whole block another way.
            let a: [Element] = [1, -1, 1.5, -1.5, 7]
            let b: [Element] = [inf, inf, -inf, -inf, 2]
            #expect(apply(MW_BINARY_FMOD, a, b, on: path) == [1, -1, 1.5, -1.5, 1])
            #expect(apply(MW_BINARY_REMAINDER, a, b, on: path) == [1, inf, -inf, -1.5, 1])
            #expect(apply(MW_BINARY_FLOOR_DIVIDE, a, b, on: path) == [0, -1, -1, 0, 3])
        }
        check(Float.self)
        check(Double.self)
    }

    @Test("f64 remainders are exact up to the greatest quotient", arguments: KernelPath.all)
    func exactRemainders(path: KernelPath) {
        var values = SeededValues(seed: 29)
        let a = (0..<600).map { _ in Double(Int64(truncatingIfNeeded: values.word())) }
        let b = (0..<600).map { _ in Double(values.integer(in: 1..<1 << 30)) * (values.word() & 1 == 0 ? 0.125 : -3) }
        #expect(apply(MW_BINARY_FMOD, a, b, on: path) == zip(a, b).map { fmod($0, $1) }, "seed 29")
    }
}

@Suite struct StagingTests {
    @Test("operands that are strided, repeated or of 16 bits give what contiguous ones do", arguments: KernelPath.all)
    func strides(path: KernelPath) {
        func check<Element: KernelElement>(_: Element.Type, _ code: mw_binary_operation) {
            var values = SeededValues(seed: 30)
            let pool = (0..<4200).map { _ in Element.any(&values) }
            for count in [1, 511, 513, 1030] {
                for (aStride, bStride) in [(1, 0), (0, 1), (0, 0), (2, 1), (-1, 1), (-2, 2), (1, -1)] {
                    let a = (0..<count).map { pool[2100 + $0 * aStride] }
                    let b = (0..<count).map { pool[2100 + $0 * bStride] }
                    var expected = a
                    // The arrays are as long as the shape says.
                    unsafe path.kernels.elementwise.binary(code, Element.code, 1, [count], &expected, a, [1], b, [1])
                    var out = a
                    unsafe pool.withUnsafeBufferPointer { pool in
                        // Indices from 2,100 - 2,060 to 2,100 + 2,060.
                        unsafe path.kernels.elementwise.binary(
                            code, Element.code, 1, [count], &out, pool.baseAddress! + 2100, [aStride],
                            pool.baseAddress! + 2100, [bStride])
                    }
                    #expect(
                        out.map(\.comparable) == expected.map(\.comparable),
                        "\(Element.self), \(count) elements, strides \(aStride) and \(bStride), seed 30")
                }
            }
        }
        check(Float.self, MW_BINARY_REMAINDER)
        check(Double.self, MW_BINARY_MAXIMUM)
        check(Float16.self, MW_BINARY_ADD)
        check(Brain.self, MW_BINARY_MULTIPLY)
        check(Int8.self, MW_BINARY_SHIFT_RIGHT)
        check(Int16.self, MW_BINARY_MINIMUM)
    }

    @Test("a result that is shared over threads or streamed past the caches is the same", arguments: KernelPath.all)
    func large(path: KernelPath) {
        // 24 MiB and a little: streamed into new memory, but not in place.
        let count = 6 << 20 | 5
        let a = [Float](repeating: 1.5, count: count)
        var b = [Float](repeating: 0.25, count: count)
        for index in stride(from: 0, to: count, by: 4097) { b[index] = Float(index) }
        var streamed = [Float](repeating: 0, count: count)
        // The arrays are as long as the shape says.
        unsafe path.kernels.elementwise.binary(MW_BINARY_ADD, MW_DTYPE_F32, 1, [count], &streamed, a, [1], b, [1])
        unsafe b.withUnsafeMutableBufferPointer { b in
            // In-place use: the same pointer and contiguous strides.
            unsafe path.kernels.elementwise.binary(
                MW_BINARY_ADD, MW_DTYPE_F32, 1, [count], b.baseAddress!, a, [1], b.baseAddress!, [1])
        }
        let isEqual = unsafe streamed.withUnsafeBytes { streamed in
            // Both hold `count` elements.
            unsafe b.withUnsafeBytes { unsafe memcmp(streamed.baseAddress!, $0.baseAddress!, count * 4) == 0 }
        }
        #expect(isEqual)
        #expect(streamed[0] == 1.5 && streamed[4097] == 4098.5 && streamed[count - 1] == 1.75)
    }
}

@Suite struct EveryTypeComparisonTests {
    @Test("every type compares as its numbers do", arguments: KernelPath.all)
    func comparisons(path: KernelPath) {
        func check<Element: KernelElement>(_: Element.Type) {
            var values = SeededValues(seed: 32)
            let specials = Element.specials
            let a = specials.flatMap { x in specials.map { _ in x } } + (0..<540).map { _ in Element.any(&values) }
            let b = specials.flatMap { _ in specials } + (0..<540).map { _ in Element.any(&values) }
            let comparisons: [(mw_comparison, (Double, Double) -> Bool, (Int128, Int128) -> Bool)] = [
                (MW_COMPARISON_EQUAL, { $0 == $1 }, { $0 == $1 }),
                (MW_COMPARISON_NOT_EQUAL, { $0 != $1 }, { $0 != $1 }),
                (MW_COMPARISON_LESS, { $0 < $1 }, { $0 < $1 }),
                (MW_COMPARISON_LESS_EQUAL, { $0 <= $1 }, { $0 <= $1 }),
                (MW_COMPARISON_GREATER, { $0 > $1 }, { $0 > $1 }),
                (MW_COMPARISON_GREATER_EQUAL, { $0 >= $1 }, { $0 >= $1 }),
            ]
            for (code, floats, integers) in comparisons {
                var out = [UInt8](repeating: 7, count: a.count)
                // The arrays are as long as the shape says.
                unsafe path.kernels.elementwise.compare(code, Element.code, 1, [a.count], &out, a, [1], b, [1])
                let expected = zip(a, b).map { x, y -> UInt8 in
                    guard let i = x.integer, let j = y.integer else { return floats(x.number, y.number) ? 1 : 0 }
                    return integers(i, j) ? 1 : 0
                }
                #expect(out == expected, "\(code) of \(Element.self), seed 32")
            }
        }
        for type in elementTypes { check(type) }
    }
}
