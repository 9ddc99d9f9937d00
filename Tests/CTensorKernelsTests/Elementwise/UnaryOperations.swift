import CTensorKernels
import Testing

/// The operations of one operand, by the element types that have them, and a way to call them.
enum Unary {
    static let ofFloats: [mw_unary_operation] = (MW_UNARY_NEGATE.rawValue...MW_UNARY_HARD_SWISH.rawValue).map {
        mw_unary_operation(rawValue: $0)
    }

    static let ofIntegers = [
        MW_UNARY_NEGATE, MW_UNARY_ABS, MW_UNARY_SIGN, MW_UNARY_SQUARE, MW_UNARY_BITWISE_NOT,
    ]

    static func apply<Element: BitwiseCopyable>(
        _ operation: mw_unary_operation, _ dtype: mw_dtype, _ a: [Element], on path: KernelPath
    ) -> [Element] {
        var out = a
        // The arrays are as long as the shape says, outlive the call, and hold elements of the type.
        unsafe out.withUnsafeMutableBytes { out in
            unsafe a.withUnsafeBytes { a in
                guard let outBase = out.baseAddress, let aBase = a.baseAddress else { return }
                unsafe path.kernels.elementwise.unary(
                    operation, dtype, 1, [a.count / MemoryLayout<Element>.stride], outBase, aBase, [1])
            }
        }
        return out
    }

    static func floats(_ operation: mw_unary_operation, _ a: [Float], on path: KernelPath) -> [Float] {
        apply(operation, MW_DTYPE_F32, a, on: path)
    }

    static func doubles(_ operation: mw_unary_operation, _ a: [Double], on path: KernelPath) -> [Double] {
        apply(operation, MW_DTYPE_F64, a, on: path)
    }
}

/// The bits of each value, every NaN as one and the same.
func comparableBits(_ values: [Double]) -> [UInt64] {
    values.map { $0.isNaN ? Double.nan.bitPattern : $0.bitPattern }
}

extension SeededValues {
    /// Any bits at all, as f64.
    mutating func anyDoubles(_ count: Int) -> [Double] {
        (0..<count).map { _ in Double(bitPattern: word()) }
    }

    /// Uniform in -1..<1, as f64.
    mutating func doubles(_ count: Int) -> [Double] {
        (0..<count).map { _ in Double(Int64(bitPattern: word()) >> 11) * 0x1p-52 }
    }

    /// Numbers that functions find hard: any bits, a few units around 0, all small powers of 2, and neighbours of ±1.
    mutating func hardDoubles(_ count: Int) -> [Double] {
        let any = anyDoubles(count)
        let near = doubles(count)
        return (0..<count).map { i in
            switch i % 4 {
            case 0: any[i]
            case 1: near[i] * 8
            case 2: near[i] * Double(sign: .plus, exponent: integer(in: -40..<20), significand: 1)
            default:
                (i % 8 == 3 ? 1 : -1) + near[i] * Double(sign: .plus, exponent: -integer(in: 1..<30), significand: 1)
            }
        }
    }
}
