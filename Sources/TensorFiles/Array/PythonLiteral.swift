/// A value of Python's literal syntax, as far as the head of an array file has it.
indirect enum PythonLiteral: Equatable {
    case text(String)
    case integer(Int)
    case boolean(Bool)
    case none
    /// A tuple or a list.
    case sequence([PythonLiteral])
    case dictionary([(key: PythonLiteral, value: PythonLiteral)])

    static func == (left: PythonLiteral, right: PythonLiteral) -> Bool {
        switch (left, right) {
        case (.text(let left), .text(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.boolean(let left), .boolean(let right)): left == right
        case (.none, .none): true
        case (.sequence(let left), .sequence(let right)): left == right
        case (.dictionary(let left), .dictionary(let right)): left.elementsEqual(right) { $0 == $1 }
        default: false
        }
    }
}

/// What is wrong with a literal, and at which byte.
struct PythonLiteralError: Error {
    let position: Int
    let message: String
}

/// Reads one literal of the Python language. Nothing is evaluated: names but `True`, `False` and `None` and operators
/// are refused, and nesting has a limit.
struct PythonLiteralParser {
    private let text: [UInt8]
    private var position = 0
    private var depth = 0

    /// Deeper than any type of NumPy's needs; each level takes a stack frame.
    private static let deepest = 16

    init(_ text: some Sequence<UInt8>) {
        self.text = Array(text)
    }

    /// The literal that the text consists of, but for space around it.
    mutating func parse() throws(PythonLiteralError) -> PythonLiteral {
        let value = try value()
        skipSpace()
        guard position == text.count else { throw fault("something follows the literal") }
        return value
    }

    private mutating func value() throws(PythonLiteralError) -> PythonLiteral {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else { throw fault("nested too deeply") }
        skipSpace()
        guard position < text.count else { throw fault("expected a value") }
        switch text[position] {
        case UInt8(ascii: "{"): return try dictionary()
        case UInt8(ascii: "["): return .sequence(try sequence("[", "]").items)
        case UInt8(ascii: "("):
            let (items, endsInComma) = try sequence("(", ")")
            // Parentheses around one value without a comma only group.
            return items.count == 1 && !endsInComma ? items[0] : .sequence(items)
        case UInt8(ascii: "'"), UInt8(ascii: "\""): return .text(try string())
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): return .integer(try integer())
        default: return try word()
        }
    }

    private mutating func dictionary() throws(PythonLiteralError) -> PythonLiteral {
        try expect("{")
        var pairs: [(key: PythonLiteral, value: PythonLiteral)] = []
        while !skip("}") {
            let key = try value()
            try expect(":")
            pairs.append((key, try value()))
            guard skip(",") else {
                try expect("}")
                break
            }
        }
        return .dictionary(pairs)
    }

    private mutating func sequence(
        _ open: Unicode.Scalar, _ close: Unicode.Scalar
    ) throws(PythonLiteralError) -> (items: [PythonLiteral], endsInComma: Bool) {
        try expect(open)
        var items: [PythonLiteral] = []
        while !skip(close) {
            items.append(try value())
            guard skip(",") else {
                try expect(close)
                return (items, false)
            }
        }
        return (items, true)
    }

    private mutating func string() throws(PythonLiteralError) -> String {
        let quote = text[position]
        position += 1
        var bytes: [UInt8] = []
        while true {
            guard position < text.count, text[position] >= 0x20 else { throw fault("a string does not end") }
            let byte = text[position]
            position += 1
            if byte == quote { break }
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            // What `repr` escapes in a printable string; a field's name is all that may hold one.
            guard position < text.count, [quote, UInt8(ascii: "\\"), UInt8(ascii: "'")].contains(text[position]) else {
                throw fault("an escape in a string that is not of a quote or a backslash")
            }
            bytes.append(text[position])
            position += 1
        }
        guard let string = String(validating: bytes, as: UTF8.self) else { throw fault("a string is not UTF-8") }
        return string
    }

    private mutating func integer() throws(PythonLiteralError) -> Int {
        let isNegative = text[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }
        let start = position
        var value = 0
        while position < text.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[position]) {
            let (shifted, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = shifted.addingReportingOverflow(Int(text[position] - UInt8(ascii: "0")))
            guard !overflowed, !carried else { throw fault("a number does not fit 63 bits") }
            value = sum
            position += 1
        }
        guard position > start else { throw fault("expected digits") }
        guard position == start + 1 || text[start] != UInt8(ascii: "0") else { throw fault("a number begins with 0") }
        // Python 2 wrote long integers so.
        if position < text.count, text[position] == UInt8(ascii: "L") { position += 1 }
        return isNegative ? -value : value
    }

    private mutating func word() throws(PythonLiteralError) -> PythonLiteral {
        let start = position
        let letters = text[start...].prefix { $0 | 0x20 >= UInt8(ascii: "a") && $0 | 0x20 <= UInt8(ascii: "z") }
        position = letters.endIndex
        switch String(decoding: letters, as: UTF8.self) {
        case "True": return .boolean(true)
        case "False": return .boolean(false)
        case "None": return .none
        default:
            position = start
            throw fault("expected a string, a number, True, False, None, a tuple, a list or a dictionary")
        }
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

    private mutating func expect(_ character: Unicode.Scalar) throws(PythonLiteralError) {
        guard skip(character) else { throw fault("expected \(character)") }
    }

    private func fault(_ message: String) -> PythonLiteralError {
        PythonLiteralError(position: position, message: message)
    }
}
