import CTensorKernels

/// An element type with a plain Swift model, for tests that run over all of them.
protocol KernelElement: BitwiseCopyable, Sendable {
    static var code: mw_dtype { get }
    /// Extremes, zeros and their neighbours.
    static var specials: [Self] { get }
    /// Any value at all.
    static func any(_ values: inout SeededValues) -> Self
    /// The number, where a Double holds it, else the nearest.
    var number: Double { get }
    /// The number of an integer or a bool; nil of a float.
    var integer: Int128? { get }
    /// What the kernels' conversion makes of another element.
    init(converting other: some KernelElement)
    /// The bits, of which every NaN has the same.
    var comparable: UInt64 { get }
}

/// Every element type.
let elementTypes: [any KernelElement.Type] = [
    Float.self, Double.self, Float16.self, Brain.self, Truth.self, Int8.self, Int16.self, Int32.self, Int64.self,
    UInt8.self, UInt16.self, UInt32.self, UInt64.self,
]

/// A bool as the kernels see it.
struct Truth: KernelElement {
    var byte: UInt8

    static let code = MW_DTYPE_BOOL
    static let specials = [Truth(byte: 0), Truth(byte: 1)]
    static func any(_ values: inout SeededValues) -> Truth { Truth(byte: UInt8(values.word() & 1)) }
    var number: Double { Double(byte) }
    var integer: Int128? { Int128(byte) }
    init(byte: UInt8) { self.byte = byte }
    init(converting other: some KernelElement) { byte = other.number == 0 ? 0 : 1 }
    var comparable: UInt64 { UInt64(byte) }
}

/// A bfloat16 by its bits.
struct Brain: KernelElement {
    var bits: UInt16

    static let code = MW_DTYPE_BF16
    static let specials = [
        0, 0x8000, 0x3f80, 0xbf80, 0x7f80, 0xff80, 0x7fc0, 0x7f7f, 0x0001, 0x477f, 0x4f00, 0xcf00, 0x5f80,
    ].map { Brain(bits: $0) }
    static func any(_ values: inout SeededValues) -> Brain { Brain(bits: UInt16(truncatingIfNeeded: values.word())) }
    var float: Float { Float(bitPattern: UInt32(bits) << 16) }
    var number: Double { Double(float) }
    var integer: Int128? { nil }
    init(bits: UInt16) { self.bits = bits }

    /// To nearest, by comparing the distances to the two neighbours.
    init(converting other: some KernelElement) {
        let number = other.number
        guard number.isFinite, number != 0 else {
            bits = number.isNaN ? 0x7fc0 : UInt16(truncatingIfNeeded: Float(number).bitPattern >> 16)
            return
        }
        let magnitude = abs(number)
        var low = UInt16(truncatingIfNeeded: Float(magnitude).bitPattern >> 16)
        // The largest one that is not greater.
        while low > 0, Brain(bits: low).number > magnitude { low -= 1 }
        while low < 0x7f7f, Brain(bits: low + 1).number <= magnitude { low += 1 }
        low = min(low, 0x7f7f)
        // Beyond the last finite number comes 2^128, as if it were one.
        let next = low == 0x7f7f ? 0x1p128 : Brain(bits: low + 1).number
        let isUp = magnitude - Brain(bits: low).number > next - magnitude
        let isTie = magnitude - Brain(bits: low).number == next - magnitude
        bits = (isUp || (isTie && low & 1 == 1) ? low + 1 : low) | (number.sign == .minus ? 0x8000 : 0)
    }

    var comparable: UInt64 { float.isNaN ? 0x7fc0 : UInt64(bits) }
}

extension KernelElement where Self: FixedWidthInteger {
    static var specials: [Self] { [.min, .max, 0, 1, 2, 3, .max - 1, .min + 1, 7, 100] }
    static func any(_ values: inout SeededValues) -> Self {
        // Of 64 bits at most the 53 that the model's Double holds, but for the extremes.
        let word = values.word()
        return Self(truncatingIfNeeded: word & 1 == 0 ? Int64(truncatingIfNeeded: word) >> 11 : Int64(word >> 57))
    }
    var number: Double { Double(self) }
    var integer: Int128? { Int128(self) }
    var comparable: UInt64 { UInt64(truncatingIfNeeded: self) }
    init(converting other: some KernelElement) {
        if let integer = other.integer {
            self.init(truncatingIfNeeded: integer)
        } else if other.number.isNaN {
            self = 0
        } else {
            self = Self(clamping: Int128(Swift.max(-0x1p80, Swift.min(0x1p80, other.number))))
        }
    }
}

extension Int8: KernelElement { static let code = MW_DTYPE_I8 }
extension Int16: KernelElement { static let code = MW_DTYPE_I16 }
extension Int32: KernelElement { static let code = MW_DTYPE_I32 }
extension Int64: KernelElement { static let code = MW_DTYPE_I64 }
extension UInt8: KernelElement { static let code = MW_DTYPE_U8 }
extension UInt16: KernelElement { static let code = MW_DTYPE_U16 }
extension UInt32: KernelElement { static let code = MW_DTYPE_U32 }
extension UInt64: KernelElement { static let code = MW_DTYPE_U64 }

extension KernelElement where Self: BinaryFloatingPoint {
    static var specials: [Self] {
        [
            0, -0.0, 1, -1, .infinity, -.infinity, .nan, .greatestFiniteMagnitude, .leastNonzeroMagnitude, 0.5, -2.5,
            127.5, 255.5, -129, 65_504,
        ]
    }
    var integer: Int128? { nil }
}

extension Float: KernelElement {
    static let code = MW_DTYPE_F32
    static func any(_ values: inout SeededValues) -> Float { Float(bitPattern: UInt32(values.word() >> 32)) }
    var number: Double { Double(self) }
    init(converting other: some KernelElement) {
        if let integer = other.integer { self = Float(integer) } else { self = Float(other.number) }
    }
    var comparable: UInt64 { isNaN ? .max : UInt64(bitPattern) }
}

extension Double: KernelElement {
    static let code = MW_DTYPE_F64
    static func any(_ values: inout SeededValues) -> Double {
        let word = values.word()
        return word & 1 == 0 ? Double(bitPattern: word) : Double(Float(bitPattern: UInt32(word >> 32)))
    }
    var number: Double { self }
    init(converting other: some KernelElement) { self = other.number }
    var comparable: UInt64 { isNaN ? .max : bitPattern }
}

extension Float16: KernelElement {
    static let code = MW_DTYPE_F16
    static func any(_ values: inout SeededValues) -> Float16 {
        Float16(bitPattern: UInt16(truncatingIfNeeded: values.word()))
    }
    var number: Double { Double(self) }
    init(converting other: some KernelElement) { self = Float16(other.number) }
    var comparable: UInt64 { isNaN ? .max : UInt64(bitPattern) }
}
