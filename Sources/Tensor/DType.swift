/// The element type of a tensor, known at run time.
///
/// The raw values are permanent: they travel in messages and checkpoints.
public enum DType: UInt8, Sendable, Hashable, CaseIterable {
    /// IEEE 754 binary32.
    case float32 = 1
    /// Two's complement, 32 bits.
    case int32 = 2
    /// One byte, 0 or 1.
    case bool = 3

    /// Bytes that one element takes.
    public var byteWidth: Int {
        switch self {
        case .float32, .int32: 4
        case .bool: 1
        }
    }

    /// The name in a safetensors header.
    public var safetensorsName: String {
        switch self {
        case .float32: "F32"
        case .int32: "I32"
        case .bool: "BOOL"
        }
    }

    /// The name in the Open Inference Protocol.
    public var openInferenceName: String {
        switch self {
        case .float32: "FP32"
        case .int32: "INT32"
        case .bool: "BOOL"
        }
    }

    /// The type that a safetensors header calls `name`, or nil.
    public init?(safetensorsName name: String) {
        guard let match = Self.allCases.first(where: { $0.safetensorsName == name }) else { return nil }
        self = match
    }

    /// The type that the Open Inference Protocol calls `name`, or nil.
    public init?(openInferenceName name: String) {
        guard let match = Self.allCases.first(where: { $0.openInferenceName == name }) else { return nil }
        self = match
    }
}

extension DType: CustomStringConvertible {
    /// The case's name.
    public var description: String {
        switch self {
        case .float32: "float32"
        case .int32: "int32"
        case .bool: "bool"
        }
    }
}

/// A Swift type whose values are the elements of a ``Tensor``.
public protocol TensorScalar: Sendable, Hashable, BitwiseCopyable {
    /// The run-time element type with the same bytes.
    static var dtype: DType { get }
}

/// A scalar with arithmetic: `Float` and `Int32`.
public protocol NumericTensorScalar: TensorScalar, Numeric, Comparable {}

extension Float: NumericTensorScalar {
    /// ``DType/float32``.
    public static var dtype: DType { .float32 }
}

extension Int32: NumericTensorScalar {
    /// ``DType/int32``.
    public static var dtype: DType { .int32 }
}

extension Bool: TensorScalar {
    /// ``DType/bool``: Swift's `Bool` is one byte that holds 0 or 1.
    public static var dtype: DType { .bool }
}
