import Tensor

/// The head of an array file: element type, order and shape, and where the elements begin.
struct NumPyHead {
    let element: NumPyElementType
    let shape: Shape
    /// Whether the elements are in column-major order.
    let isFortranOrder: Bool
    /// The bytes from the file's first to the head's last.
    let byteCount: Int

    /// The bytes of the elements. A ``Shape`` keeps them countable.
    var elementByteCount: Int { shape.elementCount * element.dtype.byteWidth }

    /// What every file begins with.
    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
    /// How many bytes ``byteCount(of:)`` asks for: magic, version, and the longer form of the length.
    static let prefixByteCount = 12
    /// The largest literal, for every version what the first can express: a head of known form needs some hundred
    /// bytes, and more is a mistake or an attack.
    private static let largestLiteral = 65_535

    /// How many bytes the head takes whose first ``prefixByteCount`` are `prefix`.
    static func byteCount(of prefix: UnsafeRawBufferPointer) throws(TensorError) -> Int {
        guard prefix.count >= prefixByteCount else {
            throw TensorError(.fileMalformed, "\(prefix.count) bytes are too few for an array")
        }
        guard unsafe prefix.prefix(magic.count).elementsEqual(magic) else {
            throw TensorError(.fileMalformed, "it does not begin with \\x93NUMPY")
        }
        let (major, minor) = unsafe (prefix[6], prefix[7])
        guard (1...3).contains(major), minor == 0 else {
            throw TensorError(.fileMalformed, "version \(major).\(minor) is not known; 1.0, 2.0 and 3.0 are")
        }
        let start = major == 1 ? 10 : 12
        let literal =
            if major == 1 {
                unsafe Int(prefix.littleEndian(UInt16.self, at: 8))
            } else {
                unsafe Int(prefix.littleEndian(UInt32.self, at: 8))
            }
        guard literal <= largestLiteral else {
            throw TensorError(.fileMalformed, "a head of \(literal) bytes exceeds the limit of \(largestLiteral)")
        }
        return start + literal
    }

    /// Reads the head at the start of `bytes`, which may end with it.
    ///
    /// - Throws: `TensorError.Code.fileMalformed`, `TensorError.Code.dtypeUnsupported`.
    init(_ bytes: UnsafeRawBufferPointer) throws(TensorError) {
        byteCount = unsafe try Self.byteCount(of: bytes)
        guard byteCount <= bytes.count else {
            throw TensorError(.fileMalformed, "the head ends at byte \(byteCount), the file at \(bytes.count)")
        }
        let start = unsafe bytes[6] == 1 ? 10 : 12
        let literal: PythonLiteral
        do throws(PythonLiteralError) {
            var parser = unsafe PythonLiteralParser(bytes[start..<byteCount])
            literal = try parser.parse()
        } catch {
            throw TensorError(.fileMalformed, "head, byte \(start + error.position): \(error.message)")
        }
        guard case .dictionary(let pairs) = literal else {
            throw TensorError(.fileMalformed, "the head is no dictionary")
        }
        var description: PythonLiteral?
        var isFortranOrder: Bool?
        var dimensions: [Int]?
        for (key, value) in pairs {
            let isRepeated: Bool
            switch (key, value) {
            case (.text("descr"), _):
                isRepeated = description != nil
                description = value
            case (.text("fortran_order"), .boolean(let isSet)):
                isRepeated = isFortranOrder != nil
                isFortranOrder = isSet
            case (.text("shape"), .sequence(let items)):
                isRepeated = dimensions != nil
                dimensions = try items.map { item throws(TensorError) in
                    guard case .integer(let dimension) = item else {
                        throw TensorError(.fileMalformed, "the shape holds what is no integer")
                    }
                    return dimension
                }
            case (.text(let name), _):
                throw TensorError(.fileMalformed, "the head has a key \"\(name)\" that is unknown or of another type")
            default:
                throw TensorError(.fileMalformed, "the head has a key that is no string")
            }
            if isRepeated { throw TensorError(.fileMalformed, "the head has a key twice") }
        }
        guard let description, let isFortranOrder, let dimensions else {
            throw TensorError(.fileMalformed, "the head lacks descr, fortran_order or shape")
        }
        element = try NumPyElementType(description)
        do throws(TensorError) {
            shape = try Shape(dimensions)
        } catch {
            throw TensorError(.fileMalformed, "the shape is \(dimensions)", cause: error)
        }
        self.isFortranOrder = isFortranOrder
    }

    /// The head of a row-major file with elements of this type, in version 1, padded as NumPy pads it: the elements
    /// begin at a multiple of 64 bytes.
    static func encode(shape: Shape, dtype: DType) -> [UInt8] {
        let dimensions = shape.map(String.init).joined(separator: ", ") + (shape.rank == 1 ? "," : "")
        let literal = "{'descr': '\(dtype.numPyName)', 'fortran_order': False, 'shape': (\(dimensions)), }"
        let length = (10 + literal.utf8.count + 1 + 63) / 64 * 64 - 10
        var bytes = magic + [1, 0]
        bytes.append(littleEndian: UInt16(length))
        bytes += literal.utf8
        bytes += [UInt8](repeating: UInt8(ascii: " "), count: length - literal.utf8.count - 1)
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }
}
