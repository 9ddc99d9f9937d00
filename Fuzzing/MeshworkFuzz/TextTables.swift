@testable import NeuralNetwork

/// Files of comma-separated values.
enum TextTables {
    static func read(_ bytes: [UInt8]) {
        let whole = records(bytes, pieces: bytes.count + 1)
        // However it comes in pieces, it is the same.
        precondition(whole == records(bytes, pieces: 1) && whole == records(bytes, pieces: 7))
        guard let whole else { return }
        precondition(whole.reduce(0) { $0 + ($1.count == 0 ? 0 : size(of: $1)) } <= bytes.count)
    }

    /// The records of a text that comes in pieces; `nil` for what is refused.
    private static func records(_ bytes: [UInt8], pieces size: Int) -> [CSVParser.Record]? {
        var parser = CSVParser(
            source: "fuzzer", separator: UInt8(ascii: ","), trimsSpaces: bytes.count % 2 == 1, maximumRecordSize: 256)
        var records: [CSVParser.Record] = []
        do throws(NeuralNetworkError) {
            for begin in stride(from: 0, to: bytes.count, by: size) {
                var piece = bytes[begin..<min(bytes.count, begin + size)]
                while let record = try parser.next(&piece) { records.append(record) }
            }
            if let record = try parser.finish() { records.append(record) }
        } catch {
            guard let position = error.position, error.code == .fileMalformed else {
                preconditionFailure("an error without its place: \(error)")
            }
            precondition(position.line >= 1 && position.column >= 1 && !error.description.contains("\n"))
            return nil
        }
        return records
    }

    private static func size(of record: CSVParser.Record) -> Int {
        (0..<record.count).reduce(0) { $0 + record[$1].count }
    }

    static func seeds() -> [[UInt8]] {
        [
            "age, workclass, income\n39, State-gov, <=50K\n53, ?, >50K.\n\n",
            "a,b\r\n\"c,\r\nd\",\"e \"\"f\"\"\"\r\n,\r\n1,-2.5e3",
            "\u{FEFF}x\n \"y\" ,z",
        ].map { Array($0.utf8) }
    }
}
