import NIOCore

@testable import Coordination

/// A write-ahead log's files, as a disk gives them back. The first byte says in which pieces.
enum Logs {
    private static let payloadLimit = 1_024

    static func read(_ bytes: [UInt8]) {
        guard let size = bytes.first else { return }
        let file = Array(bytes.dropFirst())
        var start = ByteBuffer(bytes: file)
        if let header = LogHeader(&start) {
            var written = ByteBuffer()
            header.encode(to: &written)
            precondition(file.starts(with: written.readableBytesView), "a header changed on the way")
        }
        let whole = records(file, piecesOf: .max)
        let pieces = records(file, piecesOf: max(1, Int(size)))
        precondition(whole.records == pieces.records && whole.ending == pieces.ending, "pieces make a difference")
        var written = ByteBuffer()
        for record in whole.records { record.encode(to: &written) }
        precondition(file.starts(with: written.readableBytesView), "a record is none that was written")
        if whole.ending == .whole { precondition(written.readableBytes == file.count, "bytes were passed over") }
        if case .torn(let offset) = whole.ending {
            precondition(offset == written.readableBytes, "a whole record was cut off")
        }
    }

    static func seeds() -> [[UInt8]] {
        var file = ByteBuffer()
        for (position, text) in [(1, "a"), (2, ""), (7, "longer than that")] {
            LogRecord(kind: .entry, position: UInt64(position), payload: ByteBuffer(string: text)).encode(to: &file)
        }
        LogRecord(kind: .end, position: 8, payload: ByteBuffer()).encode(to: &file)
        let bytes = Array(file.readableBytesView)
        var header = ByteBuffer()
        LogHeader(kind: .snapshot, position: 3).encode(to: &header)
        return [
            [255] + bytes, [1] + bytes.dropLast(3), [7] + bytes.dropLast(9) + [UInt8](repeating: 0, count: 9),
            [21] + header.readableBytesView,
        ]
    }

    /// The records, and how the file ends; `nil` for damage.
    private static func records(
        _ file: [UInt8], piecesOf size: Int
    ) -> (records: [LogRecord], ending: LogRecordDecoder.Ending?) {
        var decoder = LogRecordDecoder(offset: 0, after: 0, payloadLimit: payloadLimit)
        var records: [LogRecord] = []
        var rest = file[...]
        while !rest.isEmpty {
            decoder.append(ByteBuffer(bytes: rest.prefix(size)))
            rest = rest.dropFirst(size)
            reading: while true {
                switch decoder.next() {
                case .record(let record): records.append(record)
                case .needsBytes: break reading
                case .damaged: return (records, nil)
                }
            }
        }
        return (records, decoder.finish())
    }
}
