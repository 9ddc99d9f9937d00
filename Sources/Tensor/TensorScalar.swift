/// A Swift type whose values are the elements of a ``Tensor``.
public protocol TensorScalar: Sendable, Hashable, BitwiseCopyable {
    /// The run-time element type with the same bytes.
    static var dtype: DType { get }
}

/// A scalar with arithmetic: every one but `Bool`.
public protocol NumericTensorScalar: TensorScalar, Numeric, Comparable {}

/// A scalar of a floating-point type: `Double`, `Float`, `Float16` or ``BFloat16``.
public protocol FloatingTensorScalar: NumericTensorScalar, ExpressibleByFloatLiteral, SignedNumeric {
    /// The nearest value; ties go to the one whose last bit is 0.
    init(_ value: Double)
}

/// A scalar of an integer type, with or without a sign.
public protocol IntegerTensorScalar: NumericTensorScalar, FixedWidthInteger {}

extension Double: FloatingTensorScalar {
    /// ``DType/float64``.
    public static var dtype: DType { .float64 }
}

extension Float: FloatingTensorScalar {
    /// ``DType/float32``.
    public static var dtype: DType { .float32 }
}

#if !(os(macOS) && arch(x86_64))
    extension Float16: FloatingTensorScalar {
        /// ``DType/float16``.
        public static var dtype: DType { .float16 }
    }
#endif

extension Int8: IntegerTensorScalar {
    /// ``DType/int8``.
    public static var dtype: DType { .int8 }
}

extension Int16: IntegerTensorScalar {
    /// ``DType/int16``.
    public static var dtype: DType { .int16 }
}

extension Int32: IntegerTensorScalar {
    /// ``DType/int32``.
    public static var dtype: DType { .int32 }
}

extension Int64: IntegerTensorScalar {
    /// ``DType/int64``.
    public static var dtype: DType { .int64 }
}

extension UInt8: IntegerTensorScalar {
    /// ``DType/uint8``.
    public static var dtype: DType { .uint8 }
}

extension UInt16: IntegerTensorScalar {
    /// ``DType/uint16``.
    public static var dtype: DType { .uint16 }
}

extension UInt32: IntegerTensorScalar {
    /// ``DType/uint32``.
    public static var dtype: DType { .uint32 }
}

extension UInt64: IntegerTensorScalar {
    /// ``DType/uint64``.
    public static var dtype: DType { .uint64 }
}

extension Bool: TensorScalar {
    /// ``DType/bool``: Swift's `Bool` is one byte that holds 0 or 1.
    public static var dtype: DType { .bool }
}
