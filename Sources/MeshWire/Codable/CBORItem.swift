/// An item of a document, as it is read.
struct CBORItem {
    let document: CBORDocument
    let position: CBORPosition

    var head: CBORHead { document.head(at: position) }

    /// Whether it is the simple value `value`.
    func isSimple(_ value: UInt64) -> Bool {
        head.type == .simple && head.information < 24 && head.argument == value
    }

    var isNull: Bool { isSimple(CBORHead.null) }

    /// The only tags that a document has are those of integers.
    var isInteger: Bool { [.unsigned, .negative, .tag].contains(head.type) }

    /// The integer that it is; `nil` if it does not fit.
    func integer<Integer: FixedWidthInteger>() -> Integer? {
        let head = head
        switch head.type {
        case .unsigned: return Integer(exactly: head.argument)
        case .negative: return Integer(exactly: ~Int128(head.argument))
        default:
            let magnitude = CBORItem(document: document, position: position.advanced(by: head.length)).content
            let significant = document.bytes[magnitude].drop { $0 == 0 }
            guard significant.count <= UInt128.bitWidth / 8 else { return nil }
            let wide = significant.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
            if head.argument == CBORHead.largeUnsigned { return Integer(exactly: wide) }
            return Int128(exactly: wide).flatMap { Integer(exactly: ~$0) }
        }
    }

    /// The floating-point number that it is, of any width; `nil` if it is none.
    var float: Double? {
        let head = head
        guard head.type == .simple else { return nil }
        switch head.information {
        case CBORHead.half: return Double(half: UInt16(truncatingIfNeeded: head.argument))
        case CBORHead.float: return Double(Float(bitPattern: UInt32(truncatingIfNeeded: head.argument)))
        case CBORHead.double: return Double(bitPattern: head.argument)
        default: return nil
        }
    }

    /// The text that it is; `nil` if it is none.
    var text: String? {
        // UTF-8, as the scan has found.
        head.type == .text ? String(decoding: document.bytes[content], as: UTF8.self) : nil
    }

    /// The bytes that it is; `nil` if it is none.
    var bytes: [UInt8]? {
        head.type == .bytes ? Array(document.bytes[content]) : nil
    }

    /// Where the bytes of a string are.
    private var content: Range<Int> {
        let head = head
        let start = Int(position.byte) + head.length
        return start..<(start + Int(head.argument))
    }
}

extension CBORItem {
    /// The value of a type that is one item, or that reads itself from the items below this one.
    func decode<Value: Decodable>(_ type: Value.Type, at path: @autoclosure () -> CodingPath) throws -> Value {
        if let scalar = scalarType(type) {
            do throws(CBORMisfit) {
                return try scalar.read(self) as! Value
            } catch {
                throw self.error(error, type, at: path())
            }
        }
        if type == [UInt8].self, let bytes { return bytes as! Value }
        return try Value(from: CBORValueDecoder(item: self, path: path()))
    }

    /// What is thrown where a value of `type` was asked for.
    func error(_ misfit: CBORMisfit, _ type: any Any.Type, at path: CodingPath) -> DecodingError {
        let found = misfit == .range ? number : kind
        let context = DecodingError.Context(
            codingPath: path.keys, debugDescription: "expected \(type), found \(found)")
        if misfit == .range { return .dataCorrupted(context) }
        return isNull ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }

    /// The number that it is, in digits.
    private var number: String {
        let integer: Int128? = isInteger ? integer() : nil
        return float.map { "\($0)" } ?? integer.map { "\($0)" } ?? "a larger integer"
    }

    /// What it is, in words.
    private var kind: String {
        switch head.type {
        case .unsigned, .negative, .tag: "an integer"
        case .bytes: "bytes"
        case .text: "text"
        case .array: "an array"
        case .map: "a map"
        case .simple: isNull ? "null" : float == nil ? "a boolean" : "a floating-point number"
        }
    }
}

extension Double {
    /// Reads a number of 16 bits (IEEE 754 binary16; RFC 8949, appendix D), which Swift has no type for everywhere.
    fileprivate init(half bits: UInt16) {
        let exponent = Int(bits >> 10 & 0x1F)
        let fraction = Double(bits & 0x3FF)
        let magnitude =
            switch exponent {
            case 0: fraction * 0x1p-24
            case 31: fraction == 0 ? Double.infinity : .nan
            default: Double(sign: .plus, exponent: exponent - 15, significand: 1 + fraction * 0x1p-10)
            }
        self = bits & 0x8000 == 0 ? magnitude : -magnitude
    }
}
