/// Parses a safetensors header's JSON, strictly.
///
/// Why not Foundation's parser: it keeps the last of two equal keys without a word, turns numbers into floating point
/// where it likes, and would make every program that embeds tensors link Foundation. A header is one object of known
/// form, so a parser for it is small, and each error can say which byte is wrong. It is not the one that reads requests
/// either: tensors would need a room of its own for it below them.
struct SafetensorsHeaderParser {
    private let text: [UInt8]
    private var position = 0

    init(_ text: [UInt8]) {
        self.text = text
    }

    mutating func parse() throws(TensorError) -> (entries: [SafetensorsHeader.Entry], metadata: [String: String]) {
        var entries: [SafetensorsHeader.Entry] = []
        var metadata: [String: String] = [:]
        var names: Set<String> = []
        // The format wants the object at the first byte; only the end is padded.
        guard text.first == UInt8(ascii: "{") else { throw malformed("the header does not begin with {") }
        try object { parser, name throws(TensorError) in
            guard names.insert(name).inserted else { throw parser.malformed("\"\(name)\" appears twice") }
            if name == "__metadata__" {
                try parser.object { parser, key throws(TensorError) in
                    let value = try parser.string()
                    guard metadata.updateValue(value, forKey: key) == nil else {
                        throw parser.malformed("\"\(key)\" appears twice in the metadata")
                    }
                }
            } else {
                entries.append(try parser.entry(name))
            }
        }
        skipSpace()
        guard position == text.count else { throw malformed("something follows the header's object") }
        return (entries, metadata)
    }

    private mutating func entry(_ name: String) throws(TensorError) -> SafetensorsHeader.Entry {
        var dtypeName: String?
        var dimensions: [Int]?
        var offsets: [Int]?
        try object { parser, key throws(TensorError) in
            let isRepeated: Bool
            switch key {
            case "dtype":
                isRepeated = dtypeName != nil
                dtypeName = try parser.string()
            case "shape":
                isRepeated = dimensions != nil
                dimensions = try parser.integers()
            case "data_offsets":
                isRepeated = offsets != nil
                offsets = try parser.integers()
            default:
                throw parser.malformed("tensor \"\(name)\" has an unknown key \"\(key)\"")
            }
            if isRepeated { throw parser.malformed("tensor \"\(name)\" has \"\(key)\" twice") }
        }
        guard let dtypeName, let dimensions, let offsets else {
            throw malformed("tensor \"\(name)\" lacks dtype, shape or data_offsets")
        }
        guard let dtype = DType(safetensorsName: dtypeName) else {
            let supported = DType.allCases.map(\.safetensorsName).joined(separator: ", ")
            throw TensorError(
                .dtypeUnsupported,
                "tensor \"\(name)\" has the element type \"\(dtypeName)\"; supported are \(supported)")
        }
        guard offsets.count == 2, offsets[0] <= offsets[1] else {
            throw malformed("tensor \"\(name)\" has the data_offsets \(offsets), not a start and an end")
        }
        do throws(TensorError) {
            return SafetensorsHeader.Entry(
                name: name, type: TensorType(dtype, try Shape(dimensions)), offsets: offsets[0]..<offsets[1])
        } catch {
            throw TensorError(.fileMalformed, "tensor \"\(name)\"", cause: error)
        }
    }
}

// The parts of JSON (RFC 8259) that occur in a header.
extension SafetensorsHeaderParser {
    /// An object: calls `member` with each key, positioned at its value.
    private mutating func object(
        _ member: (inout SafetensorsHeaderParser, String) throws(TensorError) -> Void
    ) throws(TensorError) {
        try expect("{")
        if skip("}") { return }
        repeat {
            let key = try string()
            try expect(":")
            try member(&self, key)
        } while skip(",")
        try expect("}")
    }

    /// An array of integers that are not negative.
    private mutating func integers() throws(TensorError) -> [Int] {
        var values: [Int] = []
        try expect("[")
        if skip("]") { return values }
        repeat { values.append(try integer()) } while skip(",")
        try expect("]")
        return values
    }

    private mutating func integer() throws(TensorError) -> Int {
        skipSpace()
        let start = position
        var value = 0
        while position < text.count, let digit = text[position].decimalDigit {
            let (shifted, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = shifted.addingReportingOverflow(digit)
            guard !overflowed, !carried else { throw malformed("a number does not fit 63 bits") }
            value = sum
            position += 1
        }
        let length = position - start
        guard length > 0, length == 1 || text[start] != UInt8(ascii: "0") else {
            throw malformed("expected an integer that is not negative")
        }
        return value
    }

    private mutating func string() throws(TensorError) -> String {
        try expect("\"")
        var bytes: [UInt8] = []
        while true {
            guard position < text.count else { throw malformed("a string does not end") }
            let byte = text[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: bytes, as: UTF8.self) else {
                    throw malformed("a string is not UTF-8")
                }
                return string
            case UInt8(ascii: "\\"):
                bytes += try escape()
            case 0..<0x20:
                throw malformed("a string has the control character \(byte)")
            default:
                bytes.append(byte)
            }
        }
    }

    /// What follows a backslash, as UTF-8.
    private mutating func escape() throws(TensorError) -> [UInt8] {
        guard position < text.count else { throw malformed("a string does not end") }
        let byte = text[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"):
            var units = [try hexadecimalUnit()]
            if UTF16.isLeadSurrogate(units[0]), text[position...].starts(with: Array("\\u".utf8)) {
                position += 2
                units.append(try hexadecimalUnit())
            }
            guard let character = String(validating: units, as: UTF16.self) else {
                throw malformed("an escape is half of a surrogate pair")
            }
            return Array(character.utf8)
        default:
            throw malformed("an unknown escape in a string")
        }
    }

    private mutating func hexadecimalUnit() throws(TensorError) -> UInt16 {
        guard position + 4 <= text.count else { throw malformed("a string does not end") }
        var unit: UInt16 = 0
        for byte in text[position..<position + 4] {
            guard let digit = byte.hexadecimalDigit else { throw malformed("an escape is not hexadecimal") }
            unit = unit << 4 | digit
        }
        position += 4
        return unit
    }

    private mutating func skipSpace() {
        while position < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[position]) { position += 1 }
    }

    /// Steps over `character`, after space, if it is next.
    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(TensorError) {
        guard skip(character) else { throw malformed("expected \(character)") }
    }

    private func malformed(_ message: String) -> TensorError {
        TensorError(.fileMalformed, "header, byte \(position): \(message)")
    }
}

extension UInt8 {
    fileprivate var decimalDigit: Int? {
        self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") ? Int(self - UInt8(ascii: "0")) : nil
    }

    fileprivate var hexadecimalDigit: UInt16? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt16(self - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt16(self - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt16(self - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
