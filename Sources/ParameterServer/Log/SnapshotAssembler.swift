import MeshWire
import NIOCore

/// Puts a snapshot's pieces together: see ``SnapshotPieces``. Each field is taken as soon as it is whole, so that the
/// bytes are not in memory a second time, and may be more than one buffer has room for.
struct SnapshotAssembler {
    private var payload = Payload()
    /// What is not a whole field yet.
    private var unread = ByteBuffer()
    /// The bytes of the whole; 0 before the first piece.
    private var length = 0
    private var received = 0

    /// Whether all pieces are there.
    var isWhole: Bool { length > 0 && received == length }

    /// Takes the next piece.
    ///
    /// - Throws: ``WireError`` for one that has no place.
    mutating func add(_ piece: ByteBuffer) throws(WireError) {
        var piece = piece
        if length == 0 {
            guard let bytes = piece.readInteger(as: UInt64.self), bytes > 0, let length = Int(exactly: bytes) else {
                throw WireError(.malformed, "a snapshot's piece without a beginning")
            }
            self.length = length
        }
        guard piece.readableBytes <= length - received else {
            throw WireError(.malformed, "a snapshot of \(length) bytes has more")
        }
        received += piece.readableBytes
        unread.writeImmutableBuffer(piece)
        while try takeField() {}
        unread.discardReadBytes()
    }

    /// The snapshot, when all pieces are there.
    func snapshot() throws(WireError) -> PartitionSnapshot {
        guard unread.readableBytes == 0 else { throw WireError(.truncated, "the snapshot ends inside a field") }
        return try payload.decode()
    }

    /// Takes the next field, if it is whole.
    private mutating func takeField() throws(WireError) -> Bool {
        var rest = unread
        let key: UInt64
        let bytes: UInt64
        do throws(WireError) {
            key = try rest.readVarint()
            bytes = try rest.readVarint()
        } catch {
            guard error.code == .truncated else { throw error }
            return false
        }
        guard key & 7 == Self.delimited, let number = UInt32(exactly: key >> 3) else {
            throw WireError(.malformed, "a snapshot's field with the key \(key)")
        }
        guard bytes <= Self.fieldLimit else {
            throw WireError(.tooLarge, "a snapshot's field of \(bytes) bytes, expected at most \(Self.fieldLimit)")
        }
        guard let content = rest.readSlice(length: Int(bytes)) else { return false }
        if PartitionSnapshot.segmentFields.contains(number) {
            payload.segments.append(
                SegmentField(number: number, segment: Segment(copying: content.readableBytesView)))
        } else {
            payload.head.writeVarint(key)
            payload.head.writeVarint(bytes)
            payload.head.writeImmutableBuffer(content)
        }
        unread = rest
        return true
    }

    /// Protobuf's wire type of what has its length before it.
    private static let delimited: UInt64 = 2
    /// As much as a buffer has room for, with the piece that it ends in.
    private static let fieldLimit: UInt64 = 3 << 30
}
