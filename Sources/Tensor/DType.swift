import CTensorKernels

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
    /// IEEE 754 binary64.
    case float64 = 4
    /// The upper half of a binary32: ``BFloat16``.
    case bfloat16 = 5
    /// IEEE 754 binary16.
    case float16 = 6
    /// Two's complement, 8 bits.
    case int8 = 7
    /// Two's complement, 16 bits.
    case int16 = 8
    /// Two's complement, 64 bits.
    case int64 = 9
    /// 8 bits without a sign.
    case uint8 = 10
    /// 16 bits without a sign.
    case uint16 = 11
    /// 32 bits without a sign.
    case uint32 = 12
    /// 64 bits without a sign.
    case uint64 = 13

    /// Bytes that one element takes.
    public var byteWidth: Int {
        switch self {
        case .float64, .int64, .uint64: 8
        case .float32, .int32, .uint32: 4
        case .bfloat16, .float16, .int16, .uint16: 2
        case .bool, .int8, .uint8: 1
        }
    }

    /// Whether the elements are floating-point numbers: ``float64``, ``float32``, ``float16`` or ``bfloat16``.
    public var isFloatingPoint: Bool {
        switch self {
        case .float64, .float32, .float16, .bfloat16: true
        default: false
        }
    }

    /// Whether the elements are integers, with or without a sign.
    public var isInteger: Bool { self != .bool && !isFloatingPoint }

    /// The C kernels' name for it: the raw values are the same.
    var kernel: mw_dtype { mw_dtype(rawValue: UInt32(rawValue)) }
}

extension DType {
    /// The name in a safetensors header.
    public var safetensorsName: String {
        switch self {
        case .float64: "F64"
        case .float32: "F32"
        case .bfloat16: "BF16"
        case .float16: "F16"
        case .int64: "I64"
        case .int32: "I32"
        case .int16: "I16"
        case .int8: "I8"
        case .uint64: "U64"
        case .uint32: "U32"
        case .uint16: "U16"
        case .uint8: "U8"
        case .bool: "BOOL"
        }
    }

    /// The name in the Open Inference Protocol.
    public var openInferenceName: String {
        switch self {
        case .float64: "FP64"
        case .float32: "FP32"
        case .bfloat16: "BF16"
        case .float16: "FP16"
        case .int64: "INT64"
        case .int32: "INT32"
        case .int16: "INT16"
        case .int8: "INT8"
        case .uint64: "UINT64"
        case .uint32: "UINT32"
        case .uint16: "UINT16"
        case .uint8: "UINT8"
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
        case .float64: "float64"
        case .float32: "float32"
        case .bfloat16: "bfloat16"
        case .float16: "float16"
        case .int64: "int64"
        case .int32: "int32"
        case .int16: "int16"
        case .int8: "int8"
        case .uint64: "uint64"
        case .uint32: "uint32"
        case .uint16: "uint16"
        case .uint8: "uint8"
        case .bool: "bool"
        }
    }
}
