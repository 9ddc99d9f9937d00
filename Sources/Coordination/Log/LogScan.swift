import MeshWire
import NIOCore

/// Reads one of a log's files from its beginning to its end, a piece at a time.
struct LogScan {
    private static let pieceBytes: Int64 = 1 << 20

    private let file: any LogFile
    private let expected: LogHeader
    private let payloadLimit: Int

    init(_ file: any LogFile, _ expected: LogHeader, _ limits: WriteAheadLogLimits) {
        self.file = file
        self.expected = expected
        payloadLimit = limits.recordBytes
    }

    /// Reads the header; false if it was being written when the machine stopped.
    func readHeader(mayBeTorn: Bool) async throws(LogFileError) -> Bool {
        let size = Int64(LogHeader.size)
        var bytes = try await file.read(0..<size)
        if mayBeTorn, file.size <= size, bytes.readableBytes < LogHeader.size || bytes.readableBytesView.last == 0,
            !bytes.readableBytesView.elementsEqual(encoded.readableBytesView)
        {
            return false
        }
        guard let header = LogHeader(&bytes), header == expected else {
            throw damage(at: 0, "it is not the header that the file's name says")
        }
        return true
    }

    /// Gives `body` the records after the header. Throws for a record of a kind that does not belong here.
    func readRecords(
        of kind: LogRecord.Kind, _ body: (LogRecord) throws(LogFileError) -> Void
    ) async throws(LogFileError) -> LogRecordDecoder.Ending {
        var offset = Int64(LogHeader.size)
        var decoder = LogRecordDecoder(
            offset: offset, after: kind == .entry ? expected.position : 0, payloadLimit: payloadLimit)
        var hasEnded = false
        while offset < file.size {
            let piece = try await file.read(offset..<(offset + Self.pieceBytes))
            guard piece.readableBytes > 0 else { break }
            offset += Int64(piece.readableBytes)
            decoder.append(piece)
            reading: while true {
                switch decoder.next() {
                case .needsBytes: break reading
                case .damaged(let offset, let reason): throw damage(at: offset, reason)
                case .record(let record):
                    guard !hasEnded, record.kind == kind || kind == .snapshot && record.kind == .end else {
                        throw damage(at: offset, "a record of kind \(record.kind) is out of place before it")
                    }
                    hasEnded = record.kind == .end
                    try body(record)
                }
            }
        }
        return decoder.finish()
    }

    /// Says where the file is not what was written, and what to do.
    func damage(at offset: Int64, _ reason: String) -> LogFileError {
        LogFileError(
            .damaged, path: file.path,
            "what begins at byte \(offset) is not what was written: \(reason); restore the file from a copy, or move the folder away to begin anew without what it held"
        )
    }

    private var encoded: ByteBuffer {
        var buffer = ByteBuffer()
        expected.encode(to: &buffer)
        return buffer
    }
}
