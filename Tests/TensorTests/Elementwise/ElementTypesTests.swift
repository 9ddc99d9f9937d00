import Foundation
import Tensor
import Testing

@Suite("Elementwise operations of every type")
struct ElementTypesTests {
    static let floats: [DType] = [.float64, .float32, .bfloat16, .float16]

    @Test("arithmetic with one number keeps the tensor's type", arguments: DType.allCases)
    func scalarsTakeTheType(dtype: DType) throws {
        guard dtype != .bool else {
            let truths = try AnyTensor([true, false], shape: [2])
            expectError(.dtypeMismatch, mentioning: "add", "bool[2]") { _ = try truths + 1 }
            #expect(try (truths .== 1).scalars(as: Bool.self) == [true, false])
            expectError(.valueOutOfRange, mentioning: "2.0", "bool") { _ = try truths .== 2 }
            return
        }
        let x = try AnyTensor([1, 2, 3] as [Float], shape: [3]).cast(to: dtype)
        func check(_ result: AnyTensor, _ expected: [Double]) throws {
            #expect(result.dtype == dtype)
            #expect(try result.cast(to: .float64).scalars(as: Double.self) == expected)
        }
        try check(x + 2, [3, 4, 5])
        try check(2 * x, [2, 4, 6])
        try check(x - 1, [0, 1, 2])
        try check(5 - x, [4, 3, 2])
        #expect(try (x .> 1).scalars(as: Bool.self) == [false, true, true])
        #expect(try (x .!= 2).scalars(as: Bool.self) == [true, false, true])
        if dtype.isFloatingPoint {
            try check(x / 2, [0.5, 1, 1.5])
            try check(3 / (x * x), [3, 0.75, third(dtype)])
        } else {
            expectError(.dtypeMismatch, mentioning: "divide", "\(dtype)[3]") { _ = try x / 2 }
            expectError(.valueOutOfRange, mentioning: "0.5", "\(dtype)") { _ = try x + 0.5 }
            expectError(.valueOutOfRange, mentioning: "1e+30", "\(dtype)") { _ = try x .< 1e30 }
        }
    }

    private func third(_ dtype: DType) -> Double {
        switch dtype {
        case .float64: 1.0 / 3
        case .float32: Double(Float(1) / 3)
        case .float16: Double(Float16(1.0 / 3))
        default: Double(BFloat16(1.0 / 3))
        }
    }

    @Test("variables of the scalar's type and literals do the same in the typed face")
    func typedScalars() {
        let x: Tensor<Float> = [1, 2, 3]
        let rate: Float = 0.5
        #expect((x * rate).scalars == (x * 0.5).scalars)
        #expect((rate + x).scalars == [1.5, 2.5, 3.5])
        #expect((1 / x * 6).scalars == [6, 3, 2])
        #expect((x .>= Float(2)).scalars == [false, true, true])
        let halves: Tensor<Float16> = [0.1, 2]
        #expect((halves + 1).scalars == [Float16(0.1) + 1, 3])
        let brains: Tensor<BFloat16> = [[0.5], [-2]]
        #expect((brains * 3).scalars == [1.5, -6])
        let wide: Tensor<Double> = [0.1]
        #expect(wide.scalars == [0.1])
        let counts: Tensor<UInt8> = [250, 3]
        #expect((counts + 10).scalars == [4, 13])
        #expect((-counts).scalars == [6, 253])
        let limit: UInt8 = 3
        #expect((counts .== limit).scalars == [false, true])
    }

    @Test("integers divide toward -inf and refuse 0")
    func integerDivision() throws {
        let a = Tensor<Int16>([7, -7, 7, -7, .min])
        let b: Tensor<Int16> = [2, 2, -2, -2, -1]
        #expect(a.floorDivided(by: b).scalars == [3, -4, -4, 3, .min])
        #expect(a.floorRemainder(dividingBy: b).scalars == [1, 1, -1, -1, 0])
        #expect(a.truncatingRemainder(dividingBy: b).scalars == [1, -1, 1, -1, 0])
        let zero = try AnyTensor([1, 0] as [Int16], shape: [2, 1])
        expectError(.valueOutOfRange, mentioning: "floorDivide", "divided by 0", "int16[5]", "int16[2, 1]") {
            _ = try a.core.floorDivided(by: zero)
        }
        expectError(.valueOutOfRange, mentioning: "floorRemainder") { _ = try a.core.floorRemainder(dividingBy: zero) }
        expectError(.valueOutOfRange, mentioning: "truncatingRemainder") {
            _ = try a.core.truncatingRemainder(dividingBy: zero)
        }
        #expect(try AnyTensor.zeros([0], dtype: .int16).floorDivided(by: zero).shape == [2, 0])
        let halves: Tensor<Float16> = [7, -7]
        #expect(halves.floorDivided(by: [2]).scalars == [3, -4])
        #expect(halves.floorRemainder(dividingBy: [2]).scalars == [1, 1])
    }

    @Test("powers wrap around for integers, and refuse a negative exponent")
    func powers() throws {
        #expect(Tensor<Int8>([2, 3, -2, 5]).raised(to: [7, 5, 3, 0]).scalars == [-128, -13, -8, 1])
        expectError(.valueOutOfRange, mentioning: "power", "negative exponent") {
            _ = try AnyTensor([2] as [Int32], shape: [1]).raised(to: AnyTensor([1, -1] as [Int32], shape: [2]))
        }
        let powers = Tensor<Float>([.nan, 0, -8, 2, 1]).raised(to: Tensor([0, -1, 1.0 / 3, 0.5, .nan])).scalars
        #expect(powers[0] == 1 && powers[1] == .infinity && powers[2].isNaN && powers[4] == 1)
        #expect(powers[3] == Float(2).squareRoot())
    }

    @Test("the larger and the smaller keep NaN, and clip between bounds")
    func extremes() throws {
        let a = Tensor<Double>([1, .nan, 3, -.infinity])
        let b = Tensor<Double>([2, 1, .nan, 5])
        let larger = Tensor.maximum(a, b).scalars
        #expect(larger[0] == 2 && larger[1].isNaN && larger[2].isNaN && larger[3] == 5)
        let smaller = Tensor.minimum(a, b).scalars
        #expect(smaller[0] == 1 && smaller[1].isNaN && smaller[2].isNaN && smaller[3] == -.infinity)
        #expect(Tensor<Bool>.maximum([true, false], [false]).scalars == [true, false])
        let clipped = a.clipped(from: 0, to: 2).scalars
        #expect(clipped[0] == 1 && clipped[1].isNaN && clipped[2] == 2 && clipped[3] == 0)
        #expect(Tensor<Int8>([-5, 5]).clipped(to: 3).scalars == [-5, 3])
        #expect(Tensor<UInt64>([0, 5]).clipped(from: 3).scalars == [3, 5])
    }

    @Test("angles, lengths and signs have the special values of IEEE 754", arguments: floats)
    func planar(dtype: DType) throws {
        func tensor(_ values: [Double]) throws -> AnyTensor {
            try AnyTensor(values, shape: [values.count]).cast(to: dtype)
        }
        let y = try tensor([0, -0.0, 0, 1, -1, .infinity])
        let x = try tensor([1, -1, -1, 0, 0, -.infinity])
        let angles = try AnyTensor.atan2(y: y, x: x).cast(to: .float64).scalars(as: Double.self)
        let expected = [0, -Double.pi, .pi, .pi / 2, -.pi / 2, 3 * .pi / 4]
        for (found, angle) in zip(angles, expected) { #expect(abs(found - angle) <= 0.01 && found.sign == angle.sign) }
        let lengths = try AnyTensor.hypot(tensor([3, .infinity, 200]), tensor([4, .nan, 150]))
        #expect(try lengths.cast(to: .float64).scalars(as: Double.self) == [5, .infinity, 250])
        let signed = try tensor([1, -2, .infinity]).copyingSign(of: tensor([-0.0, 3, -1]))
        #expect(try signed.cast(to: .float64).scalars(as: Double.self) == [-1, 2, -.infinity])
        let sums = try AnyTensor.logAddExp(tensor([0, -.infinity, .infinity]), tensor([0, 1, .infinity]))
        let found = try sums.cast(to: .float64).scalars(as: Double.self)
        #expect(abs(found[0] - log(2)) < 0.002 && found[1] == 1 && found[2] == .infinity)
    }

    @Test("bits combine and move, and what moves too far is gone")
    func bits() throws {
        let a: Tensor<UInt8> = [0b1100, 0xff]
        #expect((a & [0b1010, 1]).scalars == [0b1000, 1])
        #expect((a | [0b1010, 1]).scalars == [0b1110, 0xff])
        #expect((a ^ [0b1010, 1]).scalars == [0b0110, 0xfe])
        #expect((a << [1, 8]).scalars == [0b11000, 0])
        #expect((a >> [2, 200]).scalars == [0b11, 0])
        let signed: Tensor<Int32> = [-8, 8, -8, 8]
        #expect((signed >> [1, 1, 32, -1]).scalars == [-4, 4, -1, 0])
        #expect((signed << [1, 31, 32, -1]).scalars == [-16, 0, 0, 0])
        let truths: Tensor<Bool> = [true, true, false]
        #expect((truths & [true, false, false]).scalars == [true, false, false])
        #expect((truths | false).scalars == [true, true, false])
        #expect((truths ^ true).scalars == [false, false, true])
        #expect((!truths).scalars == [false, false, true])
        expectError(.dtypeMismatch, mentioning: "and", "float32") { _ = try AnyTensor.zeros([1]) & .zeros([1]) }
        expectError(.dtypeMismatch, mentioning: "shiftLeft", "bool") { _ = try truths.core << truths.core }
    }

    @Test("logic takes what is not 0 for true, of two types too")
    func logic() throws {
        let floats = try AnyTensor([0, -0.0, 2, .nan] as [Float], shape: [4])
        let integers = try AnyTensor([1, 0, 0, 7] as [Int64], shape: [4])
        #expect(try floats.logicalAnd(integers).scalars(as: Bool.self) == [false, false, false, true])
        #expect(try floats.logicalOr(integers).scalars(as: Bool.self) == [true, false, true, true])
        #expect(try floats.logicalXor(integers).scalars(as: Bool.self) == [true, false, true, false])
        #expect(try floats.logicalNot().scalars(as: Bool.self) == [true, true, false, false])
    }

    @Test("floats have classes, integers are finite", arguments: DType.allCases)
    func classes(dtype: DType) throws {
        guard dtype != .bool else {
            expectError(.dtypeMismatch, mentioning: "isNaN", "bool") { _ = try AnyTensor.scalar(true).isNaN() }
            return
        }
        let x = try AnyTensor([1, .nan, .infinity, -.infinity] as [Float], shape: [2, 2]).transposed().cast(to: dtype)
        let isFloat = dtype.isFloatingPoint
        #expect(try x.isNaN().scalars(as: Bool.self) == [false, false, isFloat, false])
        #expect(try x.isInfinite().scalars(as: Bool.self) == [false, isFloat, false, isFloat])
        #expect(try x.isFinite().scalars(as: Bool.self) == [true, !isFloat, !isFloat, !isFloat])
    }

    @Test("what is not finite is replaced, by the type's largest numbers unless others are given")
    func replacing() {
        let x = Tensor<Float16>([1, .nan, .infinity, -.infinity])
        #expect(x.replacingNonFinite().scalars == [1, 0, 65_504, -65_504])
        #expect(x.replacingNonFinite(nan: 3, positiveInfinity: 4, negativeInfinity: 5).scalars == [1, 3, 4, 5])
    }

    @Test("closeness is NumPy's")
    func closeness() throws {
        let x = Tensor<Double>([1, 1, 0, .infinity, .infinity, .nan, 1e10, 1])
        let y = Tensor<Double>([1 + 1e-6, 1.1, 1e-9, .infinity, -.infinity, .nan, 1.00001e10, .infinity])
        #expect(x.isClose(to: y).scalars == [true, false, true, true, false, false, true, false])
        #expect(x.isClose(to: y, equalNaN: true).scalars[5])
        #expect(x.isClose(to: y, relative: 0, absolute: 0.2).scalars[1])
        expectError(.dtypeMismatch, mentioning: "isClose") {
            _ = try AnyTensor.zeros([1], dtype: .int8).isClose(to: .zeros([1], dtype: .int8))
        }
    }

    @Test("interpolation runs from one tensor to the other")
    func interpolation() {
        let start: Tensor<Float> = [0, 10]
        #expect(start.interpolated(to: [4, 20], weight: 0.25).scalars == [1, 12.5])
    }

    @Test("casts carry numbers between all types, and gradients between floats")
    func casts() throws {
        for from in DType.allCases {
            let x = try AnyTensor([0, 1, 1] as [Int32], shape: [3]).cast(to: from)
            for to in DType.allCases {
                let back = try x.cast(to: to).cast(to: .float64).scalars(as: Double.self)
                #expect(back == [0, 1, 1], "\(from) to \(to)")
            }
        }
        #expect(Tensor<Int64>([300, -1]).cast(to: UInt8.self).scalars == [44, 255])
        #expect(Tensor<Double>([300, -1, .nan]).cast(to: UInt8.self).scalars == [255, 0, 0])
        #expect(Tensor<Float>([0.1]).cast(to: BFloat16.self).scalars == [BFloat16(Float(0.1))])
    }

    @Test("a selection moves elements of every type", arguments: DType.allCases)
    func select(dtype: DType) throws {
        let condition = try AnyTensor([true, false, true], shape: [3])
        let ones = try AnyTensor([1] as [Int32], shape: [1]).cast(to: dtype)
        let zeros = try AnyTensor.zeros([3], dtype: dtype)
        let result = try AnyTensor.select(condition, ones, zeros)
        #expect(result.dtype == dtype)
        #expect(try result.cast(to: .int32).scalars(as: Int32.self) == [1, 0, 1])
    }
}
