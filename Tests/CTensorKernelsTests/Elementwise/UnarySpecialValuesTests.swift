import CTensorKernels
import Foundation
import Testing

@Suite struct UnarySpecialValuesTests {
    static let arguments: [Float] = [0, -0.0, .infinity, -.infinity, .nan, 1, -1]

    /// Results of `arguments`; C's `math.h` where it has the function, NumPy's or the limit elsewhere.
    static let expected: [(mw_unary_operation, [Float])] = [
        (MW_UNARY_ABS, [0, 0, .infinity, .infinity, .nan, 1, 1]),
        (MW_UNARY_SIGN, [0, 0, 1, -1, .nan, 1, -1]),
        (MW_UNARY_SQUARE, [0, 0, .infinity, .infinity, .nan, 1, 1]),
        (MW_UNARY_RECIPROCAL, [.infinity, -.infinity, 0, -0.0, .nan, 1, -1]),
        (MW_UNARY_RSQRT, [.infinity, -.infinity, 0, .nan, .nan, 1, .nan]),
        (MW_UNARY_CEIL, [0, -0.0, .infinity, -.infinity, .nan, 1, -1]),
        (MW_UNARY_FLOOR, [0, -0.0, .infinity, -.infinity, .nan, 1, -1]),
        (MW_UNARY_ROUND, [0, -0.0, .infinity, -.infinity, .nan, 1, -1]),
        (MW_UNARY_TRUNC, [0, -0.0, .infinity, -.infinity, .nan, 1, -1]),
        (MW_UNARY_EXP2, [1, 1, .infinity, 0, .nan, 2, 0.5]),
        (MW_UNARY_EXPM1, [0, -0.0, .infinity, -1, .nan, 1.718_281_8, -0.632_120_55]),
        (MW_UNARY_LOG2, [-.infinity, -.infinity, .infinity, .nan, .nan, 0, .nan]),
        (MW_UNARY_LOG10, [-.infinity, -.infinity, .infinity, .nan, .nan, 0, .nan]),
        (MW_UNARY_LOG1P, [0, -0.0, .infinity, .nan, .nan, 0.693_147_2, -.infinity]),
        (MW_UNARY_SIN, [0, -0.0, .nan, .nan, .nan, 0.841_470_96, -0.841_470_96]),
        (MW_UNARY_COS, [1, 1, .nan, .nan, .nan, 0.540_302_3, 0.540_302_3]),
        (MW_UNARY_TAN, [0, -0.0, .nan, .nan, .nan, 1.557_407_7, -1.557_407_7]),
        (MW_UNARY_ASIN, [0, -0.0, .nan, .nan, .nan, 1.570_796_4, -1.570_796_4]),
        (MW_UNARY_ACOS, [1.570_796_4, 1.570_796_4, .nan, .nan, .nan, 0, 3.141_592_7]),
        (MW_UNARY_ATAN, [0, -0.0, 1.570_796_4, -1.570_796_4, .nan, 0.785_398_2, -0.785_398_2]),
        (MW_UNARY_SINH, [0, -0.0, .infinity, -.infinity, .nan, 1.175_201_2, -1.175_201_2]),
        (MW_UNARY_COSH, [1, 1, .infinity, .infinity, .nan, 1.543_080_7, 1.543_080_7]),
        (MW_UNARY_TANH, [0, -0.0, 1, -1, .nan, 0.761_594_2, -0.761_594_2]),
        (MW_UNARY_ASINH, [0, -0.0, .infinity, -.infinity, .nan, 0.881_373_6, -0.881_373_6]),
        (MW_UNARY_ACOSH, [.nan, .nan, .infinity, .nan, .nan, 0, .nan]),
        (MW_UNARY_ATANH, [0, -0.0, .nan, .nan, .nan, .infinity, -.infinity]),
        (MW_UNARY_ERF, [0, -0.0, 1, -1, .nan, 0.842_700_8, -0.842_700_8]),
        (MW_UNARY_ERFC, [1, 1, 0, 2, .nan, 0.157_299_2, 1.842_700_8]),
        (MW_UNARY_ERF_INVERSE, [0, -0.0, .nan, .nan, .nan, .infinity, -.infinity]),
        (MW_UNARY_SIGMOID, [0.5, 0.5, 1, 0, .nan, 0.731_058_6, 0.268_941_43]),
        (MW_UNARY_LOG_SIGMOID, [-0.693_147_2, -0.693_147_2, 0, -.infinity, .nan, -0.313_261_7, -1.313_261_6]),
        (MW_UNARY_SOFTPLUS, [0.693_147_2, 0.693_147_2, .infinity, 0, .nan, 1.313_261_6, 0.313_261_7]),
        (MW_UNARY_HARD_SIGMOID, [0.5, 0.5, 1, 0, .nan, 0.666_666_7, 0.333_333_34]),
    ]

    /// Whether two results are the same kind of value: both NaN, the same zero or infinity, or numbers a few units apart.
    static func agree(_ a: Double, _ b: Double, unit: Double) -> Bool {
        if a.isNaN || b.isNaN { return a.isNaN && b.isNaN }
        if a == 0 || b == 0 { return a == b && a.sign == b.sign }
        return a == b || abs(a - b) <= 2 * unit
    }

    @Test("special values give what C's math.h gives, in f32 and f64", arguments: KernelPath.all)
    func specialValues(path: KernelPath) {
        for (operation, expected) in Self.expected {
            let results = Unary.floats(operation, Self.arguments, on: path)
            let doubles = Unary.doubles(operation, Self.arguments.map { Double($0) }, on: path)
            for (i, x) in Self.arguments.enumerated() {
                let unit = expected[i].isFinite ? Double(expected[i].ulp) : 0
                #expect(
                    Self.agree(Double(results[i]), Double(expected[i]), unit: unit),
                    "\(operation) of \(x) is \(results[i]), not \(expected[i])")
                #expect(
                    Self.agree(doubles[i], Double(expected[i]), unit: unit),
                    "\(operation) of f64 \(x) is \(doubles[i]), not \(expected[i])")
            }
        }
    }

    @Test("gates are 0 at -inf, the argument at +inf, and NaN of NaN", arguments: KernelPath.all)
    func gates(path: KernelPath) {
        for operation in [
            MW_UNARY_GELU, MW_UNARY_GELU_TANH, MW_UNARY_SILU, MW_UNARY_MISH, MW_UNARY_HARD_SWISH,
        ] {
            let results = Unary.floats(operation, [-.infinity, .infinity, .nan, 0, -1e30, 1e30], on: path)
            #expect(results[0] == 0 && results[1] == .infinity && results[2].isNaN, "\(operation): \(results)")
            #expect(results[3] == 0 && results[4] == 0 && results[5] == 1e30, "\(operation): \(results)")
            let doubles = Unary.doubles(operation, [-.infinity, .infinity, .nan, 0, -1e300, 1e300], on: path)
            #expect(doubles[0] == 0 && doubles[1] == .infinity && doubles[2].isNaN, "\(operation): \(doubles)")
            #expect(doubles[3] == 0 && doubles[4] == 0 && doubles[5] == 1e300, "\(operation): \(doubles)")
        }
    }

    @Test("odd functions keep the least numbers, and even ones' ends do not overflow early", arguments: KernelPath.all)
    func ends(path: KernelPath) {
        let least = Float.leastNonzeroMagnitude
        for operation in [
            MW_UNARY_EXPM1, MW_UNARY_LOG1P, MW_UNARY_SIN, MW_UNARY_TAN, MW_UNARY_ASIN, MW_UNARY_ATAN, MW_UNARY_SINH,
            MW_UNARY_TANH, MW_UNARY_ASINH, MW_UNARY_ATANH, MW_UNARY_ERF, MW_UNARY_ERF_INVERSE,
        ] {
            #expect(Unary.floats(operation, [least, -least], on: path) == [least, -least], "\(operation)")
            let results = Unary.doubles(operation, [.leastNonzeroMagnitude, -.leastNonzeroMagnitude], on: path)
            #expect(results == [.leastNonzeroMagnitude, -.leastNonzeroMagnitude], "\(operation)")
        }
        let ends = Unary.floats(MW_UNARY_COSH, [89.4, 89.5], on: path)
        #expect(ends[0].isFinite && ends[1] == .infinity)
        let doubleEnds = Unary.doubles(MW_UNARY_SINH, [710.4, -710.4, 710.5], on: path)
        #expect(doubleEnds[0].isFinite && doubleEnds[0] == -doubleEnds[1] && doubleEnds[2] == .infinity)
        let huge = Unary.doubles(MW_UNARY_ASINH, [1e300, 0x1p28, .greatestFiniteMagnitude], on: path)
        #expect(huge == [1e300, 0x1p28, .greatestFiniteMagnitude].map { asinh($0) })
        // Subnormal results of f32's exponentials.
        let small = Unary.floats(MW_UNARY_SIGMOID, [-90, -100, -103, -104], on: path)
        #expect(small[0] == Float(exp(-90.0)) && small[1] == Float(exp(-100.0)))
        #expect(small[2] == .leastNonzeroMagnitude && small[3] == 0)
    }

    @Test("halves round to even, and large numbers stay", arguments: KernelPath.all)
    func rounding(path: KernelPath) {
        let a: [Float] = [0.5, 1.5, 2.5, -0.5, -1.5, 0.499_999_97, 8_388_607.5, 1e30, -2.5, -0.2]
        #expect(Unary.floats(MW_UNARY_ROUND, a, on: path) == [0, 2, 2, 0, -2, 0, 8_388_608, 1e30, -2, 0])
        let signs = Unary.floats(MW_UNARY_ROUND, a, on: path).map(\.sign)
        #expect(signs[3] == .minus && signs[9] == .minus && signs[0] == .plus)
        #expect(Unary.floats(MW_UNARY_CEIL, a, on: path).map(\.sign)[9] == .minus)
    }
}
