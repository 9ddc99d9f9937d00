import Foundation
import Tensor
import Testing

@Suite("Functions of one number")
struct FunctionsTests {
    typealias Function = (
        name: String, tensor: @Sendable (AnyTensor) throws -> AnyTensor, model: @Sendable (Double) -> Double
    )

    /// Faces and what they compute, in a range where all are defined: 0.05...0.95.
    static let functions: [Function] = [
        ("abs", { try ($0 - 0.5).abs() }, { abs($0 - 0.5) }),
        ("sign", { try ($0 - 0.5).sign() }, { $0 < 0.5 ? -1 : $0 > 0.5 ? 1 : 0 }),
        ("squared", { try $0.squared() }, { $0 * $0 }), ("reciprocal", { try $0.reciprocal() }, { 1 / $0 }),
        ("reciprocalSquareRoot", { try $0.reciprocalSquareRoot() }, { 1 / $0.squareRoot() }),
        ("exp2", { try $0.exp2() }, { Foundation.exp2($0) }), ("expm1", { try $0.expm1() }, { Foundation.expm1($0) }),
        ("log2", { try $0.log2() }, { Foundation.log2($0) }), ("log10", { try $0.log10() }, { Foundation.log10($0) }),
        ("log1p", { try $0.log1p() }, { Foundation.log1p($0) }), ("sin", { try $0.sin() }, { Foundation.sin($0) }),
        ("cos", { try $0.cos() }, { Foundation.cos($0) }), ("tan", { try $0.tan() }, { Foundation.tan($0) }),
        ("asin", { try $0.asin() }, { Foundation.asin($0) }), ("acos", { try $0.acos() }, { Foundation.acos($0) }),
        ("atan", { try $0.atan() }, { Foundation.atan($0) }), ("sinh", { try $0.sinh() }, { Foundation.sinh($0) }),
        ("cosh", { try $0.cosh() }, { Foundation.cosh($0) }), ("tanh", { try $0.tanh() }, { Foundation.tanh($0) }),
        ("asinh", { try $0.asinh() }, { Foundation.asinh($0) }),
        ("acosh", { try ($0 + 1).acosh() }, { Foundation.acosh($0 + 1) }),
        ("atanh", { try $0.atanh() }, { Foundation.atanh($0) }), ("erf", { try $0.erf() }, { Foundation.erf($0) }),
        ("erfc", { try $0.erfc() }, { Foundation.erfc($0) }), ("erfInverse", { try $0.erf().erfInverse() }, { $0 }),
        ("sigmoid", { try $0.sigmoid() }, { 1 / (1 + Foundation.exp(-$0)) }),
        ("logSigmoid", { try $0.logSigmoid() }, { -Foundation.log1p(Foundation.exp(-$0)) }),
        ("gelu", { try $0.gelu() }, { $0 * 0.5 * Foundation.erfc(-$0 / 2.0.squareRoot()) }),
        (
            "geluTanh", { try $0.geluTanh() },
            { $0 / 2 * (1 + Foundation.tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }
        ),
        ("silu", { try $0.silu() }, { $0 / (1 + Foundation.exp(-$0)) }),
        ("mish", { try $0.mish() }, { $0 * Foundation.tanh(Foundation.log1p(Foundation.exp($0))) }),
        ("softplus", { try $0.softplus() }, { Foundation.log1p(Foundation.exp($0)) }),
        ("hardSigmoid", { try $0.hardSigmoid() }, { ($0 + 3) / 6 }),
        ("hardSwish", { try $0.hardSwish() }, { $0 * ($0 + 3) / 6 }),
        ("leakyRelu", { try ($0 - 0.5).leakyRelu(slope: 0.25) }, { $0 > 0.5 ? $0 - 0.5 : ($0 - 0.5) / 4 }),
        ("elu", { try ($0 - 0.5).elu(scale: 2) }, { $0 > 0.5 ? $0 - 0.5 : 2 * Foundation.expm1($0 - 0.5) }),
        ("negated", { try $0.negated() }, { -$0 }), ("exp", { try $0.exp() }, { Foundation.exp($0) }),
        ("log", { try $0.log() }, { Foundation.log($0) }), ("squareRoot", { try $0.squareRoot() }, { $0.squareRoot() }),
        ("relu", { try ($0 - 0.5).relu() }, { max($0 - 0.5, 0) }),
    ]

    @Test("each is what its name says, in every type of floats and on views", arguments: ElementTypesTests.floats)
    func values(dtype: DType) throws {
        // Rounding of the operand, which the model does not see, is kept small by exact operands: n / 64.
        let numbers = (3..<61).map { Double($0) / 64 }
        let tensor = try AnyTensor(numbers, shape: [2, 29]).cast(to: dtype)
        let tolerance =
            switch dtype {
            case .float64: 1e-14
            case .float32: 1e-6
            case .float16: 4e-3
            default: 3e-2
            }
        for function in Self.functions {
            let result = try function.tensor(tensor.transposed())
            #expect(result.dtype == dtype, "\(function.name)")
            let found = try result.transposed().cast(to: .float64).scalars(as: Double.self)
            for (number, value) in zip(numbers, found) {
                let expected = function.model(number)
                #expect(
                    abs(value - expected) <= tolerance * max(abs(expected), 0.25),
                    "\(dtype) \(function.name)(\(number)) = \(value), not \(expected)")
            }
        }
    }

    @Test("rounding gives whole floats, ties to even")
    func rounding() {
        let x: Tensor<Double> = [-2.5, -0.5, 0.5, 1.5, 2.4]
        #expect(x.ceil().scalars == [-2, 0, 1, 2, 3])
        #expect(x.floor().scalars == [-3, -1, 0, 1, 2])
        #expect(x.rounded().scalars == [-2, 0, 0, 2, 2])
        #expect(x.truncated().scalars == [-2, 0, 0, 1, 2])
    }

    @Test("integers have magnitudes, signs, squares and opposites")
    func integers() throws {
        let x: Tensor<Int16> = [-3, 0, 200]
        #expect(x.abs().scalars == [3, 0, 200])
        #expect(x.sign().scalars == [-1, 0, 1])
        #expect(x.squared().scalars == [9, 0, -25_536])
        #expect((-x).scalars == [3, 0, -200])
        #expect((~x).scalars == [2, -1, -201])
        #expect(Tensor<UInt8>([0, 3]).sign().scalars == [0, 1])
        #expect(try (~AnyTensor([true, false], shape: [2])).scalars(as: Bool.self) == [false, true])
        expectError(.dtypeMismatch, mentioning: "sin", "int16[3]") { _ = try x.core.sin() }
        expectError(.dtypeMismatch, mentioning: "abs", "bool") { _ = try AnyTensor.scalar(true).abs() }
        expectError(.dtypeMismatch, mentioning: "not", "float32") { _ = try ~AnyTensor.zeros([1]) }
    }
}
