/// A floating-point number of 16 bits with the exponent of a `Float`: its upper half, 8 bits of precision.
///
/// A storage format: arithmetic converts to `Float`, computes there, and rounds the result to nearest, ties to even. It
/// is the `bfloat16` of TensorFlow, PyTorch and safetensors.
///
/// ```swift
/// let third = BFloat16(1.0 / 3)      // 0.33398438
/// let weights: Tensor<BFloat16> = [[0.5, 0.25], [1, -2]]
/// ```
public struct BFloat16: Sendable, BitwiseCopyable {
    /// The sign, 8 bits of exponent and 7 of the significand, from the top.
    public var bitPattern: UInt16

    /// The value with these bits.
    public init(bitPattern: UInt16) {
        self.bitPattern = bitPattern
    }

    /// The nearest value; ties go to the one whose last bit is 0. A NaN stays one, quiet.
    public init(_ value: Float) {
        let bits = value.bitPattern
        guard !value.isNaN else {
            bitPattern = UInt16(truncatingIfNeeded: bits >> 16) | 0x0040
            return
        }
        bitPattern = UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16)
    }

    /// The nearest value, rounded once; ties go to the one whose last bit is 0.
    public init(_ value: Double) {
        // Rounded to odd, a Float keeps what the second rounding has to know of the digits beyond it.
        var single = Float(value)
        let back = Double(single)
        if back != value, single.isFinite {
            if abs(back) > abs(value) { single = value < 0 ? single.nextUp : single.nextDown }
            if single.bitPattern & 1 == 0 { single = Float(bitPattern: single.bitPattern | 1) }
        }
        self.init(single)
    }

    /// The nearest value.
    public init(_ value: Int) {
        self.init(Double(value))
    }

    /// Whether it is no number.
    public var isNaN: Bool { bitPattern & 0x7fff > 0x7f80 }
    /// Whether it is neither infinite nor NaN.
    public var isFinite: Bool { bitPattern & 0x7f80 != 0x7f80 }
    /// Whether it is plus or minus infinity.
    public var isInfinite: Bool { bitPattern & 0x7fff == 0x7f80 }

    /// A quiet NaN.
    public static var nan: BFloat16 { BFloat16(bitPattern: 0x7fc0) }
    /// Plus infinity.
    public static var infinity: BFloat16 { BFloat16(bitPattern: 0x7f80) }
    /// The largest finite value, about 3.39 · 10³⁸.
    public static var greatestFiniteMagnitude: BFloat16 { BFloat16(bitPattern: 0x7f7f) }
}

extension Float {
    /// The same value: every ``BFloat16`` is a `Float`.
    public init(_ value: BFloat16) {
        self.init(bitPattern: UInt32(value.bitPattern) << 16)
    }
}

extension Double {
    /// The same value.
    public init(_ value: BFloat16) {
        self.init(Float(value))
    }
}

extension BFloat16: FloatingTensorScalar {
    /// ``DType/bfloat16``.
    public static var dtype: DType { .bfloat16 }

    /// The value of an integer, where one of this type equals it.
    public init?(exactly source: some BinaryInteger) {
        guard let value = Float(exactly: source) else { return nil }
        self.init(value)
        guard Float(self) == value else { return nil }
    }

    /// Without its sign.
    public var magnitude: BFloat16 { BFloat16(bitPattern: bitPattern & 0x7fff) }

    /// The nearest value to a literal.
    public init(floatLiteral value: Double) {
        self.init(value)
    }

    /// The nearest value to a literal.
    public init(integerLiteral value: Int) {
        self.init(value)
    }

    /// The sum, rounded.
    public static func + (left: BFloat16, right: BFloat16) -> BFloat16 { BFloat16(Float(left) + Float(right)) }
    /// The difference, rounded.
    public static func - (left: BFloat16, right: BFloat16) -> BFloat16 { BFloat16(Float(left) - Float(right)) }
    /// The product, rounded.
    public static func * (left: BFloat16, right: BFloat16) -> BFloat16 { BFloat16(Float(left) * Float(right)) }
    /// The quotient, rounded.
    public static func / (left: BFloat16, right: BFloat16) -> BFloat16 { BFloat16(Float(left) / Float(right)) }
    /// Multiplies, and rounds.
    public static func *= (left: inout BFloat16, right: BFloat16) { left = left * right }
    /// With the other sign.
    public static prefix func - (value: BFloat16) -> BFloat16 { BFloat16(bitPattern: value.bitPattern ^ 0x8000) }

    /// As numbers: the zeros are equal, and NaN equals nothing.
    public static func == (left: BFloat16, right: BFloat16) -> Bool { Float(left) == Float(right) }
    /// As numbers: false with a NaN.
    public static func < (left: BFloat16, right: BFloat16) -> Bool { Float(left) < Float(right) }

    /// Equal numbers have equal hashes.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(Float(self))
    }
}

extension BFloat16: CustomStringConvertible {
    /// The digits that tell it from its neighbours as a `Float`.
    public var description: String { Float(self).description }
}
