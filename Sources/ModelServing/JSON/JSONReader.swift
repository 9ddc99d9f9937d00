/// Reads JSON (RFC 8259) from bytes, front to back, into what the caller expects at each place.
///
/// Why not Foundation's parser: a request is mostly one long array of numbers, which goes straight into its tensor
/// here, without a tree of boxed values in between; a member that appears twice is an error; every error says which
/// byte is wrong.
struct JSONReader {
    /// How deep values may be nested; a tensor has at most eight axes.
    private static let deepest = 32
    /// The most members of an object: their names are kept to find one that appears twice.
    private static let mostMembers = 1_024

    let bytes: [UInt8]
    private(set) var position = 0
    private var depth = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// A reader of the value that begins at `start`, which has been skipped before.
    func reader(at start: Int) -> JSONReader {
        var reader = self
        reader.position = start
        reader.depth = 0
        return reader
    }

    /// Reads an object: calls `member` with each name, positioned at its value, which it must read or skip.
    mutating func object(
        _ member: (inout JSONReader, String) throws(ServingError) -> Void
    ) throws(ServingError) {
        try open("{", "an object")
        var names: Set<String> = []
        if !take("}") {
            repeat {
                let name = try string()
                guard names.insert(name).inserted else { throw malformed("member \"\(name)\" appears twice") }
                guard names.count <= Self.mostMembers else {
                    throw malformed("an object has more than \(Self.mostMembers) members")
                }
                try expect(":")
                try member(&self, name)
            } while take(",")
            try expect("}")
        }
        depth -= 1
    }

    /// Reads an array: calls `element` at each element, which it must read or skip.
    mutating func array(_ element: (inout JSONReader) throws(ServingError) -> Void) throws(ServingError) {
        try open("[", "an array")
        if !take("]") {
            repeat { try element(&self) } while take(",")
            try expect("]")
        }
        depth -= 1
    }

    /// Whether the next value is an array.
    mutating func isAtArray() -> Bool { peek() == UInt8(ascii: "[") }

    /// Reads `null` if it is next.
    mutating func null() throws(ServingError) -> Bool {
        guard peek() == UInt8(ascii: "n") else { return false }
        try literal("null")
        return true
    }

    mutating func bool() throws(ServingError) -> Bool {
        switch peek() {
        case UInt8(ascii: "t"):
            try literal("true")
            return true
        case UInt8(ascii: "f"):
            try literal("false")
            return false
        default:
            throw malformed("expected true or false")
        }
    }

    mutating func number() throws(ServingError) -> JSONNumber {
        skipSpace()
        let number = JSONNumber(bytes, at: position)
        guard let number else { throw malformed("expected a number") }
        position = number.range.upperBound
        return number
    }

    /// Reads a whole number.
    mutating func integer() throws(ServingError) -> Int {
        let start = position
        guard let value = try number().integer else { throw malformed("expected a whole number of 64 bits", at: start) }
        return value
    }

    mutating func string() throws(ServingError) -> String {
        try expect("\"")
        let start = position
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw malformed("a string is not UTF-8", at: start)
                }
                return string
            case UInt8(ascii: "\\"): text += try escape()
            case 0..<0x20: throw malformed("a string has a control character")
            default: text.append(byte)
            }
        }
        throw malformed("a string does not end", at: start)
    }

    /// Skips a value of any kind, checking its form, and returns where it is.
    mutating func skip() throws(ServingError) -> Range<Int> {
        let first = peek()
        let start = position
        switch first {
        case UInt8(ascii: "{"): try object { reader, _ throws(ServingError) in _ = try reader.skip() }
        case UInt8(ascii: "["): try array { reader throws(ServingError) in _ = try reader.skip() }
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "t"), UInt8(ascii: "f"): _ = try bool()
        case UInt8(ascii: "n"): _ = try null()
        case nil: throw malformed("expected a value, found the end")
        default:
            guard let number = JSONNumber(bytes, at: position) else { throw malformed("expected a value") }
            position = number.range.upperBound
        }
        return start..<position
    }

    /// Throws unless nothing but space is left.
    mutating func end() throws(ServingError) {
        guard peek() == nil else { throw malformed("something follows the value") }
    }

    /// What is wrong at a byte, by default the next one.
    func malformed(_ message: String, at byte: Int? = nil) -> ServingError {
        ServingError(
            .malformedRequest, "failed to parse the request JSON: \(message) at byte \(byte ?? position)")
    }
}

extension JSONReader {
    /// The next byte that is not space.
    private mutating func peek() -> UInt8? {
        skipSpace()
        return position < bytes.count ? bytes[position] : nil
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func open(_ bracket: Unicode.Scalar, _ what: String) throws(ServingError) {
        guard take(bracket) else { throw malformed("expected \(what)") }
        depth += 1
        guard depth <= Self.deepest else { throw malformed("values are nested more than \(Self.deepest) deep") }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(ServingError) {
        guard take(character) else { throw malformed("expected \(character)") }
    }

    private mutating func literal(_ text: StaticString) throws(ServingError) {
        for byte in text.description.utf8 {
            guard position < bytes.count, bytes[position] == byte else { throw malformed("expected \(text)") }
            position += 1
        }
    }

    /// What follows a backslash, as UTF-8.
    private mutating func escape() throws(ServingError) -> [UInt8] {
        guard position < bytes.count else { throw malformed("a string does not end") }
        let byte = bytes[position]
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
            if UTF16.isLeadSurrogate(units[0]), bytes[position...].starts(with: "\\u".utf8) {
                position += 2
                units.append(try hexadecimalUnit())
            }
            guard let character = String(validating: units, as: UTF16.self) else {
                throw malformed("an escape is half of a surrogate pair")
            }
            return Array(character.utf8)
        default:
            throw malformed("an unknown escape in a string", at: position - 1)
        }
    }

    private mutating func hexadecimalUnit() throws(ServingError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
                throw malformed("an escape is not hexadecimal")
            }
            unit = unit << 4 | UInt16(digit)
            position += 1
        }
        return unit
    }
}
