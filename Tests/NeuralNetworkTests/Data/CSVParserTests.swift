import Testing

@testable import NeuralNetwork

@Suite struct CSVParserTests {
    /// The records of a text that comes in pieces of `size` bytes.
    private static func records(
        _ text: [UInt8], size: Int = .max, trimsSpaces: Bool = false, maximumRecordSize: Int = 1_000
    ) throws(NeuralNetworkError) -> [[String]] {
        var parser = CSVParser(
            source: "x.csv", separator: UInt8(ascii: ","), trimsSpaces: trimsSpaces,
            maximumRecordSize: maximumRecordSize)
        var records: [[String]] = []
        func add(_ record: CSVParser.Record) {
            records.append((0..<record.count).map { String(decoding: record[$0], as: UTF8.self) })
        }
        var begin = 0
        while begin < text.count {
            let end = min(text.count, begin + min(size, text.count))
            var piece = text[begin..<end]
            while let record = try parser.next(&piece) { add(record) }
            begin = end
        }
        if let record = try parser.finish() { add(record) }
        return records
    }

    private static func records(_ text: String, trimsSpaces: Bool = false) throws(NeuralNetworkError) -> [[String]] {
        try records(Array(text.utf8), trimsSpaces: trimsSpaces)
    }

    private static func failure(_ text: String, maximumRecordSize: Int = 1_000) -> NeuralNetworkError? {
        do throws(NeuralNetworkError) {
            _ = try records(Array(text.utf8), maximumRecordSize: maximumRecordSize)
        } catch { return error }
        return nil
    }

    @Test("records end with either line end or the file, and empty lines are none")
    func lines() throws {
        #expect(try Self.records("a,b\r\nc,d\n\n\r\n,\ne") == [["a", "b"], ["c", "d"], ["", ""], ["e"]])
        #expect(try Self.records("") == [])
        #expect(try Self.records("\n\r\n") == [])
        #expect(try Self.records("a,") == [["a", ""]])
        #expect(try Self.records("\"\"\n") == [[""]])
        #expect(try Self.records("\u{FEFF}a,b\n") == [["a", "b"]])
        // "ﻩ" begins as a byte-order mark does.
        #expect(try Self.records("\u{FEE9},b") == [["\u{FEE9}", "b"]])
        #expect(try Self.records([0xEF, 0xBB]) == [["\u{FFFD}"]])
    }

    @Test("a field in quotes has what stands there, separators, line ends and doubled quotes too")
    func quotes() throws {
        #expect(
            try Self.records("\"a,b\",\"c\r\nd\",\"e \"\"f\"\"\",\" g \"\n1")
                == [["a,b", "c\r\nd", "e \"f\"", " g "], ["1"]])
    }

    @Test("spaces around fields are a part of them, or none if that is asked for")
    func spaces() throws {
        #expect(try Self.records(" a , b\n") == [[" a ", " b"]])
        #expect(
            try Self.records(" a b , \" c \" ,  ,d\r\n", trimsSpaces: true) == [["a b", " c ", "", "d"]])
    }

    @Test("what is no CSV is refused with its line and column")
    func malformed() {
        for (text, line, column) in [
            ("a,b\nc,\"d", 2, 3), ("a,b\"c", 1, 4), ("\"a\"b", 1, 4), ("x\n\"a\" ", 2, 4), ("a\rb", 1, 3),
            ("a\r", 1, 3),
            ("\"a\nb\",c\nd\"", 3, 2),
        ] {
            let error = Self.failure(text)
            #expect(error?.code == .fileMalformed, "\(text.debugDescription)")
            #expect(error?.position?.line == line && error?.position?.column == column, "\(error as Any)")
            #expect(error?.message.hasPrefix("x.csv:\(line):\(column): ") == true)
        }
    }

    @Test("a record may have so many bytes, and no more")
    func longRecords() {
        #expect(Self.failure("aaaa\nbbbbbbb\nccc", maximumRecordSize: 8) == nil)
        let error = Self.failure("aaaa\n\"bb\nbbbbb\nccc", maximumRecordSize: 8)
        #expect(error?.code == .fileMalformed && error?.position?.line == 2)
    }

    @Test("records are the same however their bytes come in pieces, and what was written is read")
    func pieces() throws {
        var generator = SplitMix(seed: 7)
        for round in 0..<300 {
            let columns = 1 + Int(generator.next() % 4)
            let rows = (0..<Int(generator.next() % 5)).map { _ in
                (0..<columns).map { _ in
                    String((0..<Int(generator.next() % 6)).map { _ in "a,\"\n\r é".randomElement(using: &generator)! })
                }
            }
            var text = ""
            for row in rows {
                text += row.map { "\"\($0.replacing("\"", with: "\"\""))\"" }.joined(separator: ",")
                text += generator.next() % 2 == 0 ? "\n" : "\r\n"
            }
            for size in [1, 2, 3, 7, Int.max] {
                #expect(try Self.records(Array(text.utf8), size: size) == rows, "round \(round), pieces of \(size)")
            }
        }
    }
}

/// Vigna's SplitMix64, seeded.
private struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
