import CTensorKernels
import Foundation
import Testing

/// A function and its reference in f64: C's, or a formula of it that loses nothing.
struct UnaryReference: Sendable, CustomTestStringConvertible {
    let name: String
    let operation: mw_unary_operation
    let truth: @Sendable (Double) -> Double
    /// Whether errors are measured in units of 2⁻²³·|x|, instead of units in the last place.
    var isRelativeToArgument = false

    var testDescription: String { name }

    static func sigmoid(_ x: Double) -> Double { x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)) }
    static func silu(_ x: Double) -> Double { x < -700 ? times(x, exp(x / 2)) * exp(x / 2) : times(x, sigmoid(x)) }
    static func softplus(_ x: Double) -> Double { x.isNaN ? x : max(x, 0) + log1p(exp(-abs(x))) }
    static func times(_ x: Double, _ factor: Double) -> Double { x == -.infinity ? 0 : x * factor }
    static func hardSigmoid(_ x: Double) -> Double { x.isNaN ? x : min(max(x + 3, 0), 6) / 6 }

    /// By bisection of erf, or of erfc where that has the digits.
    static func inverseErrorFunction(_ x: Double) -> Double {
        let magnitude = abs(x)
        guard magnitude < 1 else { return magnitude == 1 ? Double(signOf: x, magnitudeOf: .infinity) : .nan }
        // √π / 2, where the next term, of x³, is not seen.
        if magnitude < 1e-9 { return x * 0.886_226_925_452_758_014 }
        var low = 0.0
        var high = 7.0
        for _ in 0..<120 {
            let middle = (low + high) / 2
            let isBelow = magnitude < 0.5 ? erf(middle) < magnitude : erfc(middle) > 1 - magnitude
            if isBelow { low = middle } else { high = middle }
        }
        return Double(signOf: x, magnitudeOf: low)
    }

    static let all: [UnaryReference] = [
        .init(name: "square", operation: MW_UNARY_SQUARE) { $0 * $0 },
        .init(name: "reciprocal", operation: MW_UNARY_RECIPROCAL) { 1 / $0 },
        .init(name: "sqrt", operation: MW_UNARY_SQRT) { $0.squareRoot() },
        .init(name: "rsqrt", operation: MW_UNARY_RSQRT) { 1 / $0.squareRoot() },
        .init(name: "ceil", operation: MW_UNARY_CEIL) { $0.rounded(.up) },
        .init(name: "floor", operation: MW_UNARY_FLOOR) { $0.rounded(.down) },
        .init(name: "round", operation: MW_UNARY_ROUND) { $0.rounded(.toNearestOrEven) },
        .init(name: "trunc", operation: MW_UNARY_TRUNC) { $0.rounded(.towardZero) },
        .init(name: "exp", operation: MW_UNARY_EXP) { exp($0) },
        .init(name: "exp2", operation: MW_UNARY_EXP2) { exp2($0) },
        .init(name: "expm1", operation: MW_UNARY_EXPM1) { expm1($0) },
        .init(name: "log", operation: MW_UNARY_LOG) { log($0) },
        .init(name: "log2", operation: MW_UNARY_LOG2) { log2($0) },
        .init(name: "log10", operation: MW_UNARY_LOG10) { log10($0) },
        .init(name: "log1p", operation: MW_UNARY_LOG1P) { log1p($0) },
        .init(name: "sin", operation: MW_UNARY_SIN) { sin($0) },
        .init(name: "cos", operation: MW_UNARY_COS) { cos($0) },
        .init(name: "tan", operation: MW_UNARY_TAN) { tan($0) },
        .init(name: "asin", operation: MW_UNARY_ASIN) { asin($0) },
        .init(name: "acos", operation: MW_UNARY_ACOS) { acos($0) },
        .init(name: "atan", operation: MW_UNARY_ATAN) { atan($0) },
        .init(name: "sinh", operation: MW_UNARY_SINH) { sinh($0) },
        .init(name: "cosh", operation: MW_UNARY_COSH) { cosh($0) },
        .init(name: "tanh", operation: MW_UNARY_TANH) { tanh($0) },
        .init(name: "asinh", operation: MW_UNARY_ASINH) { asinh($0) },
        .init(name: "acosh", operation: MW_UNARY_ACOSH) { acosh($0) },
        .init(name: "atanh", operation: MW_UNARY_ATANH) { atanh($0) },
        .init(name: "erf", operation: MW_UNARY_ERF) { erf($0) },
        .init(name: "erfc", operation: MW_UNARY_ERFC) { erfc($0) },
        .init(name: "erf inverse", operation: MW_UNARY_ERF_INVERSE) { inverseErrorFunction($0) },
        .init(name: "sigmoid", operation: MW_UNARY_SIGMOID) { sigmoid($0) },
        .init(name: "log sigmoid", operation: MW_UNARY_LOG_SIGMOID) { -softplus(-$0) },
        .init(
            name: "GELU", operation: MW_UNARY_GELU, truth: { times($0, 0.5 * erfc(-$0 * 0.5.squareRoot())) },
            isRelativeToArgument: true),
        .init(
            name: "GELU by tanh", operation: MW_UNARY_GELU_TANH,
            truth: { times($0, sigmoid(2 * (2 / Double.pi).squareRoot() * $0 * (1 + 0.044715 * $0 * $0))) },
            isRelativeToArgument: true),
        .init(name: "SiLU", operation: MW_UNARY_SILU) { silu($0) },
        .init(name: "Mish", operation: MW_UNARY_MISH) { times($0, tanh(softplus($0))) },
        .init(name: "softplus", operation: MW_UNARY_SOFTPLUS) { softplus($0) },
        .init(name: "hard sigmoid", operation: MW_UNARY_HARD_SIGMOID) { hardSigmoid($0) },
        .init(name: "hard swish", operation: MW_UNARY_HARD_SWISH) { times($0, hardSigmoid($0)) },
    ]
}

/// The units of f32 and f64 that errors are measured in; what overflowed counts as the power of 2 that the format ends at.
private func errorInUnits(_ got: Float, _ truth: Double, argument: Float, relative: Bool) -> Double {
    let end = 0x1p128
    let value = got.isInfinite ? Double(signOf: Double(got), magnitudeOf: end) : Double(got)
    let target = abs(truth) > end ? Double(signOf: truth, magnitudeOf: end) : truth
    let unit =
        relative && argument.isFinite
        ? 0x1p-23 * Double(abs(argument)) + 0x1p-149
        : Double(Float(min(abs(target), Double(Float.greatestFiniteMagnitude))).ulp)
    return abs(value - target) / unit
}

@Suite struct UnaryAccuracyTests {
    static let seed: UInt64 = 0x6d77_0002

    @Test("f32 functions are within 2 units in the last place", arguments: KernelPath.all, UnaryReference.all)
    func accuracy(path: KernelPath, function: UnaryReference) {
        var values = SeededValues(seed: Self.seed)
        let a =
            values.hardDoubles(3000).map { Float($0) } + values.anyFloats(1000) + values.floats(200).map { $0 * 104 }
        let results = Unary.floats(function.operation, a, on: path)
        for (x, result) in zip(a, results) {
            let truth = function.truth(Double(x))
            guard !truth.isNaN, !result.isNaN else {
                #expect(truth.isNaN && result.isNaN, "\(function.name)(\(x)) is \(result), seed \(Self.seed)")
                continue
            }
            guard Float(truth) != result else { continue }
            let error = errorInUnits(result, truth, argument: x, relative: function.isRelativeToArgument)
            #expect(
                error <= (function.isRelativeToArgument ? 1 : 2),
                "\(function.name)(\(x)) is \(result), not \(truth), seed \(Self.seed)")
        }
    }

    @Test("f64 functions are within 5 units of the C library's", arguments: KernelPath.all, UnaryReference.all)
    func accuracyOfDoubles(path: KernelPath, function: UnaryReference) {
        var values = SeededValues(seed: Self.seed)
        let a = values.hardDoubles(1200) + values.doubles(200).map { $0 * 745 }
        let results = Unary.doubles(function.operation, a, on: path)
        for (x, result) in zip(a, results) {
            // The reference's own formula and C's functions have errors too: those of GELU's are of its argument, and
            // bisection ends within a few units.
            let truth = function.truth(x)
            guard !truth.isNaN, !result.isNaN else {
                #expect(truth.isNaN && result.isNaN, "\(function.name)(\(x)) is \(result), seed \(Self.seed)")
                continue
            }
            guard truth != result else { continue }
            let unit =
                function.isRelativeToArgument && x.isFinite
                ? 0x1p-52 * abs(x) + .leastNonzeroMagnitude : min(abs(truth), .greatestFiniteMagnitude).ulp
            // tanh of softplus and the sigmoid of a product multiply what their arguments lost.
            let bound = function.operation == MW_UNARY_MISH || function.operation == MW_UNARY_SILU ? 8.0 : 5.0
            let isSubnormal = abs(truth) < .leastNormalMagnitude
            #expect(
                abs(result - truth) <= bound * unit || (isSubnormal && abs(result - truth) < 0x1p-1060),
                "\(function.name)(\(x)) is \(result), not \(truth), seed \(Self.seed)")
        }
    }

    @Test("sine and cosine of huge numbers, and of numbers next to multiples of π/2", arguments: KernelPath.all)
    func reduction(path: KernelPath) {
        // The f32 and f64 nearest to a multiple of π/2 (Kahan; Muller, Elementary Functions, 10.2) and their like.
        let a: [Float] = [
            16_367_173 * 0x1p72, 0x1.921fb6p0, 0x1.921fb6p1, 0x1.2d97c8p2, 131_072, 131_073, -131_072.02, 0x1p127,
            .greatestFiniteMagnitude, 355, 710, 1e6, 0x1p24, 0x1.921fb6p16, 0x1.921fb6p17,
        ]
        for (operation, truth) in [
            (MW_UNARY_SIN, { sin($0) } as (Double) -> Double), (MW_UNARY_COS, { cos($0) }), (MW_UNARY_TAN, { tan($0) }),
        ] {
            for (x, result) in zip(a, Unary.floats(operation, a, on: path)) {
                let expected = truth(Double(x))
                #expect(abs(Double(result) - expected) <= 2 * Double(Float(expected).ulp), "\(operation)(\(x))")
            }
            let doubles = a.map { Double($0) } + [6_381_956_970_095_103 * 0x1p797, 1_048_575.5, 1_048_577]
            for (x, result) in zip(doubles, Unary.doubles(operation, doubles, on: path)) {
                #expect(abs(result - truth(x)) <= 4 * truth(x).ulp, "\(operation)(\(x))")
            }
        }
    }

    @Test("powers are exact: 2^n, log2 of 2^n, log10 of 10^n", arguments: KernelPath.all)
    func exactPowers(path: KernelPath) {
        let exponents = (-149...127).map { Float($0) }
        let powers = (-149...127).map { Float(sign: .plus, exponent: $0, significand: 1) }
        #expect(Unary.floats(MW_UNARY_EXP2, exponents, on: path) == powers)
        #expect(Unary.floats(MW_UNARY_LOG2, powers, on: path) == exponents)
        let tens: [Float] = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10]
        #expect(Unary.floats(MW_UNARY_LOG10, tens, on: path) == (0...10).map { Float($0) })
        let doubleExponents = (-1074...1023).map { Double($0) }
        let doublePowers = (-1074...1023).map { Double(sign: .plus, exponent: $0, significand: 1) }
        #expect(Unary.doubles(MW_UNARY_EXP2, doubleExponents, on: path) == doublePowers)
        #expect(Unary.doubles(MW_UNARY_LOG2, doublePowers, on: path) == doubleExponents)
    }

    @Test("the shorter way for ordinary numbers gives the bits of the longer one", arguments: KernelPath.all)
    func ordinaryBlocks(path: KernelPath) {
        var values = SeededValues(seed: Self.seed)
        let ordinary = values.floats(1500).map { $0 * 87 }
        for operation in [MW_UNARY_EXP, MW_UNARY_LOG, MW_UNARY_SIGMOID, MW_UNARY_SILU, MW_UNARY_SIN, MW_UNARY_COS] {
            let a = operation == MW_UNARY_LOG ? ordinary.map { abs($0) + 1e-30 } : ordinary
            // Every fifth element is one that the shorter way cannot take.
            let mixed = a.enumerated().map { $0.offset % 5 == 2 ? -Float.infinity : $0.element }
            let expected = Unary.floats(operation, a, on: path)
            let results = Unary.floats(operation, mixed, on: path)
            for i in a.indices where i % 5 != 2 {
                #expect(expected[i].bitPattern == results[i].bitPattern, "\(operation)(\(a[i])), seed \(Self.seed)")
            }
        }
    }
}
