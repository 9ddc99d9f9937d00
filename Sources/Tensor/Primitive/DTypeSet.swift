/// The element types for which an operation is defined: a set that a shape rule asks in one step.
struct DTypeSet: Sendable {
    private let bits: UInt16
    /// For error messages: "floats", "integers or bools".
    let description: String

    init(_ description: String, where isMember: (DType) -> Bool) {
        var bits: UInt16 = 0
        for dtype in DType.allCases where isMember(dtype) { bits |= 1 << UInt16(dtype.rawValue) }
        self.bits = bits
        self.description = description
    }

    func contains(_ dtype: DType) -> Bool { bits & (1 << UInt16(dtype.rawValue)) != 0 }

    /// float64, float32, bfloat16 and float16.
    static let floats = DTypeSet("floats") { $0.isFloatingPoint }
    /// Integers of 8 to 64 bits, with or without a sign.
    static let integers = DTypeSet("integers") { $0.isInteger }
    /// Every type but bool.
    static let numbers = DTypeSet("numbers") { $0 != .bool }
    /// What has bits that mean something one by one.
    static let integersAndBools = DTypeSet("integers or bools") { !$0.isFloatingPoint }
    /// Every type.
    static let all = DTypeSet("any type") { _ in true }
}

extension TensorType {
    /// Throws unless this is one of the element types for which `operation` is defined.
    @inline(__always)
    func require(_ allowed: DTypeSet, in operation: StaticString) throws(TensorError) {
        guard allowed.contains(dtype) else {
            throw TensorError(.dtypeMismatch, "\(operation): not defined for \(self), but for \(allowed.description)")
        }
    }
}
