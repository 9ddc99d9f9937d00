import Tensor

/// What differs between a found answer and the expected one: type, shape, or the first element that is too far off.
///
/// A float may be off by `tolerance` times the expected value, or by `absolute`; with a tolerance of 0 it has to have the same
/// bits. NaN answers NaN, whatever its bits.
func difference(
    _ found: AnyTensor, _ expected: AnyTensor, tolerance: Double, absolute: Double = 0
) throws -> String? {
    guard found.dtype == expected.dtype, found.shape == expected.shape else {
        return "found \(found.dtype)\(found.shape), expected \(expected.dtype)\(expected.shape)"
    }
    let (foundBits, expectedBits) = (found.bits, expected.bits)
    for (place, (one, other)) in zip(foundBits, expectedBits).enumerated() where one != other {
        guard expected.dtype.isFloatingPoint else {
            return "element \(place) has the bits \(one), expected \(other)"
        }
        let (one, other) = (value(of: one, expected.dtype), value(of: other, expected.dtype))
        if one.isNaN, other.isNaN { continue }
        let isNear = tolerance > 0 && (one == other || abs(one - other) <= max(tolerance * abs(other), absolute))
        if !isNear { return "element \(place) is \(one), expected \(other)" }
    }
    return nil
}

private func value(of bits: UInt64, _ dtype: DType) -> Double {
    switch dtype {
    case .float64: Double(bitPattern: bits)
    case .float32: Double(Float(bitPattern: UInt32(bits)))
    case .float16: Double(Float16(bitPattern: UInt16(bits)))
    default: Double(BFloat16(bitPattern: UInt16(bits)))
    }
}

extension AnyTensor {
    /// Each element's bytes as a number, in row-major order.
    fileprivate var bits: [UInt64] {
        let width = dtype.byteWidth
        return withBytes { bytes in
            Swift.stride(from: 0, to: bytes.count, by: width).map { start in unsafe number(bytes, start, width) }
        }
    }
}

/// `width` bytes from `start` on, as a little-endian number.
func number(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ width: Int) -> UInt64 {
    var number: UInt64 = 0
    for place in 0..<width { number |= unsafe UInt64(bytes[start + place]) << UInt64(8 * place) }
    return number
}
