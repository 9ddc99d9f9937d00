/// Cuts the bytes of a CSV file, however they come in pieces, into records: RFC 4180, section 2.
///
/// A record ends with CR LF or LF, and the last one may end with the file. A field in quotes may contain separators, line
/// ends and, doubled, quotes; a quote inside another field, or anything but an end behind a closing one, is an error. A
/// byte-order mark before the first record is skipped, and so is an empty line. No I/O: the driver gives it bytes.
struct CSVParser: Sendable {
    /// One line of values, wherever its line ends.
    struct Record: Sendable, Equatable {
        /// The line on which it begins, from 1 on.
        fileprivate(set) var line = 1
        /// Its values, one behind the other, without quotes.
        fileprivate(set) var text: [UInt8] = []
        private(set) var fields: [Field] = []

        struct Field: Sendable, Equatable {
            let end: Int
            let position: NeuralNetworkError.Position
            let isQuoted: Bool
        }

        init() {}

        /// The number of values.
        var count: Int { fields.count }

        /// The bytes of a value.
        subscript(index: Int) -> ArraySlice<UInt8> {
            text[(index == 0 ? 0 : fields[index - 1].end)..<fields[index].end]
        }

        fileprivate mutating func append(_ position: NeuralNetworkError.Position, isQuoted: Bool) {
            fields.append(Field(end: text.count, position: position, isQuoted: isQuoted))
        }
    }

    private enum State {
        /// Before a field's first byte.
        case start
        case unquoted
        case quoted
        /// Behind a quote in a quoted field: its end, or the first of two.
        case quote
        /// Behind a quoted field's end and a space.
        case behind
        /// Behind a carriage return that ends the record.
        case carriageReturn
    }

    private let source: String
    private let separator: UInt8
    private let trimsSpaces: Bool
    private let maximumRecordSize: Int
    private var state = State.start
    private var record = Record()
    private var fieldStart = NeuralNetworkError.Position(line: 1, column: 1)
    /// Where the next byte is.
    private var line = 1
    private var column = 1
    /// The bytes of the record that is under way.
    private var size = 0
    /// How much of a byte-order mark has been seen at the file's beginning; `nil` behind it.
    private var markSeen: Int? = 0

    /// - Parameters:
    ///   - source: what error messages call the file.
    ///   - separator: what stands between fields, an ASCII character.
    ///   - trimsSpaces: whether spaces around a field are no part of it.
    ///   - maximumRecordSize: the most bytes from a record's beginning to its end.
    init(source: String, separator: UInt8, trimsSpaces: Bool, maximumRecordSize: Int) {
        self.source = source
        self.separator = separator
        self.trimsSpaces = trimsSpaces
        self.maximumRecordSize = maximumRecordSize
    }

    /// Takes bytes from the front of `bytes` up to the end of a record, and returns it; `nil` when all are taken.
    ///
    /// - Throws: ``NeuralNetworkError/Code/fileMalformed`` with the line and column.
    mutating func next(_ bytes: inout ArraySlice<UInt8>) throws(NeuralNetworkError) -> Record? {
        while let byte = bytes.popFirst() {
            if let seen = markSeen, try isMark(byte, seen) { continue }
            if try take(byte), let record = finished() { return record }
        }
        return nil
    }

    /// The record that the file's end ends, if one is under way.
    ///
    /// - Throws: ``NeuralNetworkError/Code/fileMalformed`` inside quotes.
    mutating func finish() throws(NeuralNetworkError) -> Record? {
        if let seen = markSeen { try takeMark(seen) }
        switch state {
        case .quoted: throw malformed(fieldStart, "a quote is opened and never closed")
        case .carriageReturn: throw malformed(here, "a carriage return must be followed by a line feed or quoted")
        case .start where record.count == 0: return nil
        case .start, .unquoted, .quote, .behind: endField()
        }
        return finished()
    }

    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// Whether `byte` belongs to a byte-order mark, of which `seen` bytes have come.
    private mutating func isMark(_ byte: UInt8, _ seen: Int) throws(NeuralNetworkError) -> Bool {
        guard byte == Self.mark[seen] else {
            try takeMark(seen)
            return false
        }
        markSeen = seen == 2 ? nil : seen + 1
        return true
    }

    /// Takes what looked like the beginning of a byte-order mark as the text that it is.
    private mutating func takeMark(_ seen: Int) throws(NeuralNetworkError) {
        markSeen = nil
        for byte in Self.mark[..<seen] { _ = try take(byte) }
    }

    private var here: NeuralNetworkError.Position { NeuralNetworkError.Position(line: line, column: column) }

    /// Takes a byte; true at the end of a record.
    private mutating func take(_ byte: UInt8) throws(NeuralNetworkError) -> Bool {
        size += 1
        guard size <= maximumRecordSize else {
            throw malformed(
                NeuralNetworkError.Position(line: record.line, column: 1),
                "the record has more than \(maximumRecordSize) bytes; is a quote missing?")
        }
        defer {
            if byte == UInt8(ascii: "\n") { (line, column) = (line + 1, 1) } else { column += 1 }
        }
        switch (state, byte) {
        case (.quoted, UInt8(ascii: "\"")):
            state = .quote
        case (.quoted, _):
            record.text.append(byte)
        case (.quote, UInt8(ascii: "\"")):
            record.text.append(byte)
            state = .quoted
        case (.start, UInt8(ascii: "\"")):
            fieldStart = here
            state = .quoted
        case (.unquoted, UInt8(ascii: "\"")):
            throw malformed(here, "a quote in a field that does not begin with one")
        case (.carriageReturn, UInt8(ascii: "\n")):
            return true
        case (.carriageReturn, _):
            throw malformed(here, "a carriage return must be followed by a line feed or quoted")
        case (_, separator):
            endField()
            state = .start
            fieldStart = NeuralNetworkError.Position(line: line, column: column + 1)
        case (_, UInt8(ascii: "\n")):
            endRecord()
            return true
        case (_, UInt8(ascii: "\r")):
            endRecord()
            state = .carriageReturn
        case (.start, UInt8(ascii: " ")) where trimsSpaces:
            break
        case (.quote, UInt8(ascii: " ")) where trimsSpaces, (.behind, UInt8(ascii: " ")):
            state = .behind
        case (.quote, _), (.behind, _):
            throw malformed(here, "text behind a closing quote; a quote inside quotes is written twice")
        case (.start, _):
            fieldStart = here
            record.text.append(byte)
            state = .unquoted
        case (.unquoted, _):
            record.text.append(byte)
        }
        return false
    }

    /// Ends the record's last field, unless the line is empty.
    private mutating func endRecord() {
        if state == .start, record.count == 0 { return }
        endField()
    }

    private mutating func endField() {
        let isQuoted = state == .quote || state == .behind
        if trimsSpaces, !isQuoted {
            let begin = record.fields.last?.end ?? 0
            while record.text.count > begin, record.text.last == UInt8(ascii: " ") { record.text.removeLast() }
        }
        record.append(fieldStart, isQuoted: isQuoted)
    }

    /// The record that has ended; `nil` for an empty line.
    private mutating func finished() -> Record? {
        defer {
            record = Record()
            record.line = line
            (size, state) = (0, .start)
            fieldStart = here
        }
        return record.count == 0 ? nil : record
    }

    private func malformed(_ position: NeuralNetworkError.Position, _ reason: String) -> NeuralNetworkError {
        NeuralNetworkError(.fileMalformed, source, position, reason)
    }
}
