import MeshWire
package import NIOCore

/// Reads records from a file's bytes, in whatever pieces they come, and tells a tail that a crash has cut off from bytes
/// that have changed. A state machine without I/O.
///
/// A file ends in a torn record if it ends before the record does, or if its last bytes are zeros that begin inside the
/// record. Anything else that is no record is damage: no crash does that.
package struct LogRecordDecoder: Sendable {
    /// What the bytes so far are.
    package enum Output: Sendable {
        case record(LogRecord)
        /// More bytes are needed, or the end.
        case needsBytes
        /// The record at this byte is not what was written.
        case damaged(offset: Int64, reason: String)
    }

    /// How a file ended.
    package enum Ending: Sendable, Hashable {
        case whole
        /// The record at this byte was being written when the machine stopped.
        case torn(offset: Int64)
    }

    private let payloadLimit: Int
    private var bytes = ByteBuffer()
    /// Where in the file `bytes` begins.
    private var offset: Int64
    private var last: UInt64
    /// Set when a record is unreadable: it is torn if there are only zeros from here on.
    private var unreadable: (offset: Int64, reason: String)?

    /// - Parameters:
    ///   - offset: where in the file the first byte stands.
    ///   - position: that of the last record before, which the next one's must exceed.
    ///   - payloadLimit: the most bytes of a record's payload.
    package init(offset: Int64, after position: UInt64, payloadLimit: Int) {
        self.offset = offset
        last = position
        self.payloadLimit = payloadLimit
    }

    /// Takes the file's next bytes.
    package mutating func append(_ piece: ByteBuffer) {
        bytes.discardReadBytes()
        bytes.writeImmutableBuffer(piece)
    }

    /// The next record, if its bytes are there. After `damaged`, nothing more is read.
    package mutating func next() -> Output {
        if unreadable != nil { return expectZeros() }
        guard bytes.readableBytes >= LogRecord.headerSize else { return .needsBytes }
        var header = bytes
        let checked = header.viewBytes(at: header.readerIndex, length: LogRecord.headerSize - CRC32C.size)
        guard let (length, kind, position, payloadChecksum, checksum) = header.readHeader(),
            checksum == CRC32C.of(checked)
        else {
            return expectZeros(from: LogRecord.headerSize - 1, "its header's checksum is wrong")
        }
        guard let kind = LogRecord.Kind(rawValue: kind) else {
            return .damaged(offset: offset, reason: "it is of kind \(kind), which this version does not know")
        }
        guard length <= payloadLimit else {
            return .damaged(offset: offset, reason: "it has \(length) bytes, the limit is \(payloadLimit)")
        }
        guard position > last else {
            return .damaged(offset: offset, reason: "it is number \(position) and follows number \(last)")
        }
        guard let payload = header.readSlice(length: Int(length)), let mark = header.readInteger(as: UInt8.self) else {
            return .needsBytes
        }
        guard mark == LogRecord.mark, payloadChecksum == CRC32C.of(payload.readableBytesView) else {
            return expectZeros(from: LogRecord.headerSize + Int(length), "its payload's checksum is wrong")
        }
        skip(Int(length) + LogRecord.overhead)
        last = position
        return .record(LogRecord(kind: kind, position: position, payload: payload))
    }

    /// How the file ends, when ``next()`` has said that it needs more bytes and there are none.
    package func finish() -> Ending {
        if let unreadable { return .torn(offset: unreadable.offset) }
        return bytes.readableBytes == 0 ? .whole : .torn(offset: offset)
    }

    /// The record here is unreadable: what is to be zero begins `count` bytes further on, with its last byte.
    private mutating func expectZeros(from count: Int, _ reason: String) -> Output {
        unreadable = (offset, reason)
        skip(count)
        return expectZeros()
    }

    private mutating func expectZeros() -> Output {
        if let unreadable, !bytes.readableBytesView.allSatisfy({ $0 == 0 }) {
            return .damaged(offset: unreadable.offset, reason: unreadable.reason)
        }
        skip(bytes.readableBytes)
        return .needsBytes
    }

    private mutating func skip(_ count: Int) {
        bytes.moveReaderIndex(forwardBy: count)
        offset += Int64(count)
    }
}

extension ByteBuffer {
    fileprivate mutating func readHeader() -> (UInt32, UInt8, UInt64, UInt32, UInt32)? {
        readMultipleIntegers(as: (UInt32, UInt8, UInt64, UInt32, UInt32).self)
    }
}
