import MeshWire
package import NIOCore

/// One record of a log's file.
///
/// ```
/// 4 length of the payload · 1 kind · 8 position · 4 CRC-32C of the payload · 4 CRC-32C of the 17 bytes before
/// payload · 1 mark, 0xA5
/// ```
/// Integers have their most significant byte first. The header has a checksum of its own, so that a flipped bit in a
/// length is never taken for a record that a crash has cut off. The mark is not zero, so that neither is a record whose
/// last bytes are zeros: file systems may keep a file's length and lose its last blocks.
package struct LogRecord: Sendable, Hashable {
    /// What a record is to its log.
    package enum Kind: UInt8, Sendable {
        /// What was appended.
        case entry = 1
        /// A part of a snapshot, which stands for all entries up to its position.
        case snapshot = 2
        /// A snapshot's last record.
        case end = 3
    }

    /// What it is.
    package var kind: Kind
    /// An entry's place in its log, from 1 on and rising; a snapshot's records count from 1.
    package var position: UInt64
    /// The bytes that were appended.
    package var payload: ByteBuffer

    /// Makes a record.
    package init(kind: Kind, position: UInt64, payload: ByteBuffer) {
        self.kind = kind
        self.position = position
        self.payload = payload
    }

    static let headerSize = 21
    static let mark: UInt8 = 0xA5
    /// What a record takes beside its payload.
    package static let overhead = headerSize + 1

    /// Appends the record's bytes.
    package func encode(to buffer: inout ByteBuffer) {
        let start = buffer.writerIndex
        buffer.reserveCapacity(minimumWritableBytes: payload.readableBytes + Self.overhead)
        buffer.writeInteger(UInt32(payload.readableBytes))
        buffer.writeInteger(kind.rawValue)
        buffer.writeInteger(position)
        buffer.writeInteger(CRC32C.of(payload.readableBytesView))
        buffer.writeInteger(CRC32C.of(buffer.viewBytes(at: start, length: Self.headerSize - CRC32C.size)))
        buffer.writeImmutableBuffer(payload)
        buffer.writeInteger(Self.mark)
    }
}

/// What a log's file begins with: `MESHWAL`, the format's number, what the file is, a position, and the CRC-32C of all that.
package struct LogHeader: Sendable, Hashable {
    /// What a file is.
    package enum Kind: UInt8, Sendable {
        /// Entries; the position is that of the last one before them.
        case entries = 1
        /// A snapshot; the position is that of the last entry that it stands for.
        case snapshot = 2
    }

    package var kind: Kind
    package var position: UInt64

    package init(kind: Kind, position: UInt64) {
        self.kind = kind
        self.position = position
    }

    package static let size = 21
    private static let magic = Array("MESHWAL".utf8)
    private static let format: UInt8 = 1

    /// Appends the header's bytes.
    package func encode(to buffer: inout ByteBuffer) {
        let start = buffer.writerIndex
        buffer.writeBytes(Self.magic)
        buffer.writeInteger(Self.format)
        buffer.writeInteger(kind.rawValue)
        buffer.writeInteger(position)
        buffer.writeInteger(CRC32C.of(buffer.viewBytes(at: start, length: Self.size - CRC32C.size)))
    }

    /// Reads a header; `nil` if these ``size`` bytes are none.
    package init?(_ bytes: inout ByteBuffer) {
        let checked = bytes.viewBytes(at: bytes.readerIndex, length: Self.size - CRC32C.size)
        guard checked != nil, let magic = bytes.readBytes(length: Self.magic.count), magic == Self.magic,
            let format = bytes.readInteger(as: UInt8.self), format == Self.format,
            let kind = bytes.readInteger(as: UInt8.self).flatMap(Kind.init(rawValue:)),
            let position = bytes.readInteger(as: UInt64.self),
            bytes.readInteger(as: UInt32.self) == CRC32C.of(checked)
        else { return nil }
        self.init(kind: kind, position: position)
    }
}
