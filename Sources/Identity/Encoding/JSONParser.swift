/// Reads a ``JSON`` value from bytes that somebody else wrote.
///
/// Strict: UTF-8, no byte-order mark, no trailing comma, no comment, one value and nothing behind it. A member that
/// appears twice is refused, because two readers that take different ones of them would read different documents.
package struct JSONParser {
    /// What is wrong, and where.
    package struct Problem: Error, Sendable, Hashable, CustomStringConvertible {
        /// What was expected or found.
        package let message: String
        /// The byte, counted from 0.
        package let offset: Int

        package var description: String { "\(message) at byte \(offset)" }
    }

    /// How much is read.
    package struct Limits: Sendable, Hashable {
        /// The most bytes, checked before the first is read.
        package var bytes: Int
        /// The most values, of all kinds and depths together.
        package var values: Int
        /// How deep values may be nested.
        package var depth = 16

        package init(bytes: Int, values: Int) {
            self.bytes = bytes
            self.values = values
        }
    }

    private static let decimal = UInt8(ascii: "0")...UInt8(ascii: "9")

    private let bytes: [UInt8]
    private let limits: Limits
    private var position = 0
    private var depth = 0
    private var values = 0

    private init(_ bytes: [UInt8], _ limits: Limits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// The one value that `bytes` are.
    package static func parse(_ bytes: [UInt8], limits: Limits) throws(Problem) -> JSON {
        guard bytes.count <= limits.bytes else {
            throw Problem(message: "expected at most \(limits.bytes) bytes, found \(bytes.count)", offset: limits.bytes)
        }
        var parser = JSONParser(bytes, limits)
        let value = try parser.value()
        guard parser.peek() == nil else { throw parser.problem("expected nothing behind the value") }
        return value
    }

    private mutating func value() throws(Problem) -> JSON {
        values += 1
        guard values <= limits.values else { throw problem("expected at most \(limits.values) values") }
        switch peek() {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case nil: throw problem("expected a value, found the end")
        case let byte? where byte == UInt8(ascii: "-") || Self.decimal.contains(byte): return try number()
        case let byte?: throw problem("expected a value, found \(byteName(byte))")
        }
    }

    private mutating func object() throws(Problem) -> JSON {
        try open()
        var members: [JSON.Member] = []
        var names: Set<String> = []
        if !take("}") {
            repeat {
                guard peek() == UInt8(ascii: "\"") else { throw problem("expected the name of a member") }
                let start = position
                let name = try string()
                guard names.insert(name).inserted else {
                    throw problem("the member \(quoted(name)) appears twice", at: start)
                }
                try expect(":")
                members.append(JSON.Member(name, try value()))
            } while take(",")
            try expect("}")
        }
        depth -= 1
        return .object(members)
    }

    private mutating func array() throws(Problem) -> JSON {
        try open()
        var elements: [JSON] = []
        if !take("]") {
            repeat { elements.append(try value()) } while take(",")
            try expect("]")
        }
        depth -= 1
        return .array(elements)
    }

    private mutating func number() throws(Problem) -> JSON {
        let start = position
        _ = advance(over: "-")
        if !advance(over: "0") {
            guard digits() > 0 else { throw problem("expected a digit") }
        }
        if advance(over: ".") {
            guard digits() > 0 else { throw problem("expected a digit behind the point") }
        }
        if advance(over: "e") || advance(over: "E") {
            if !advance(over: "+") { _ = advance(over: "-") }
            guard digits() > 0 else { throw problem("expected a digit in the exponent") }
        }
        return .number(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private mutating func string() throws(Problem) -> String {
        let start = position
        position += 1
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw problem("a string is not UTF-8", at: start)
                }
                return string
            case UInt8(ascii: "\\"): text += try escape()
            case 0..<0x20: throw problem("a string has a control character", at: position - 1)
            default: text.append(byte)
            }
        }
        throw problem("a string does not end", at: start)
    }

    /// What follows a backslash, as UTF-8.
    private mutating func escape() throws(Problem) -> [UInt8] {
        let start = position - 1
        guard position < bytes.count else { throw problem("a string does not end", at: start) }
        position += 1
        switch bytes[position - 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [bytes[position - 1]]
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
                throw problem("an escape is half of a surrogate pair", at: start)
            }
            return Array(character.utf8)
        default: throw problem("an unknown escape in a string", at: start)
        }
    }

    private mutating func hexadecimalUnit() throws(Problem) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard position < bytes.count, let digit = Character(UnicodeScalar(bytes[position])).hexDigitValue else {
                throw problem("expected four hexadecimal digits in an escape")
            }
            unit = unit << 4 | UInt16(digit)
            position += 1
        }
        return unit
    }
}

extension JSONParser {
    /// The next byte that is not space.
    private mutating func peek() -> UInt8? {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            case let byte: return byte
            }
        }
        return nil
    }

    private mutating func open() throws(Problem) {
        position += 1
        depth += 1
        guard depth <= limits.depth else {
            throw problem("values are nested more than \(limits.depth) deep", at: position - 1)
        }
    }

    /// Takes a character behind any space.
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        peek() == UInt8(ascii: character) && advance(over: character)
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(Problem) {
        guard take(character) else { throw problem("expected '\(character)'") }
    }

    /// Takes a character that is next, without space before it.
    private mutating func advance(over character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// Takes all digits that are next, and counts them.
    private mutating func digits() -> Int {
        let start = position
        while position < bytes.count, Self.decimal.contains(bytes[position]) {
            position += 1
        }
        return position - start
    }

    private mutating func literal(_ text: String, _ value: JSON) throws(Problem) -> JSON {
        guard bytes[position...].starts(with: text.utf8) else { throw problem("expected \(text)") }
        position += text.utf8.count
        return value
    }

    private func problem(_ message: String, at offset: Int? = nil) -> Problem {
        Problem(message: message, offset: offset ?? position)
    }
}
