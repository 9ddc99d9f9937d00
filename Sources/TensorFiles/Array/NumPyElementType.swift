import Tensor

/// The element type of an array file: NumPy's type string, as a `DType` and an order of bytes.
struct NumPyElementType {
    let dtype: DType
    /// Whether each element's bytes are in big-endian order.
    let isBigEndian: Bool

    /// Reads the type that a head calls `descr`.
    ///
    /// - Throws: `TensorError.Code.dtypeUnsupported` for a type of NumPy's that tensors do not have, by its name and
    ///   a structured one's fields; `TensorError.Code.fileMalformed` for what is no type.
    init(_ description: PythonLiteral) throws(TensorError) {
        guard case .text(let text) = description else {
            guard case .sequence(let fields) = description else {
                throw TensorError(.fileMalformed, "the element type is neither a string nor a list of fields")
            }
            let names = fields.map(Self.fieldDescription).joined(separator: ", ")
            throw TensorError(.dtypeUnsupported, "the elements are structures with the fields \(names)")
        }
        guard let order = text.unicodeScalars.first, text.unicodeScalars.count > 1,
            "<>|=".unicodeScalars.contains(order)
        else {
            throw TensorError(.fileMalformed, "the element type '\(text)' does not begin with an order of bytes")
        }
        let kind = String(text.unicodeScalars.dropFirst())
        // A bfloat16 of ml_dtypes has no name of NumPy's: it is written as two bytes without a meaning.
        guard let dtype = DType.allCases.first(where: { $0.numPyKind == kind }) else {
            throw TensorError(.dtypeUnsupported, Self.refusal(of: text, kind))
        }
        guard order == "<" || order == ">" || (order == "|" && (dtype.byteWidth == 1 || dtype == .bfloat16)) else {
            throw TensorError(.fileMalformed, "the element type '\(text)' does not tell the order of its bytes")
        }
        self.dtype = dtype
        self.isBigEndian = order == ">" && dtype.byteWidth > 1
    }

    private static func fieldDescription(_ field: PythonLiteral) -> String {
        guard case .sequence(let parts) = field, parts.count >= 2, case .text(let name) = parts[0] else { return "?" }
        guard case .text(let type) = parts[1] else { return "'\(name)' (a structure)" }
        return "'\(name)' ('\(type)')"
    }

    private static func refusal(of text: String, _ kind: String) -> String {
        let meaning: String? =
            switch kind.unicodeScalars.first {
            case "O": "Python objects, which only Python can read"
            case "U", "S", "a": "strings"
            case "c": "complex numbers"
            case "M", "m": "dates or durations"
            case "V": "bytes without a meaning"
            case "f": "floating-point numbers of another width"
            default: nil
            }
        let supported = DType.allCases.map { "'\($0.numPyName)'" }.joined(separator: ", ")
        return "the element type is '\(text)'" + (meaning.map { " (\($0))" } ?? "") + "; supported are \(supported)"
    }
}

extension DType {
    /// The kind and the width in NumPy's type string.
    fileprivate var numPyKind: String {
        switch self {
        case .float64: "f8"
        case .float32: "f4"
        case .float16: "f2"
        case .bfloat16: "V2"
        case .int64: "i8"
        case .int32: "i4"
        case .int16: "i2"
        case .int8: "i1"
        case .uint64: "u8"
        case .uint32: "u4"
        case .uint16: "u2"
        case .uint8: "u1"
        case .bool: "b1"
        }
    }

    /// NumPy's type string for little-endian elements: `<f4`. A bfloat16 is `<V2`, as the package `ml_dtypes` writes it.
    var numPyName: String { (byteWidth == 1 ? "|" : "<") + numPyKind }
}
