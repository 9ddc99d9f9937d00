import MeshWire
import NIOCore

/// A snapshot in pieces of so many bytes, the first of which is led by eight bytes of the whole's length: for logs, and
/// for servers that join. They are a message whose segments stand inside, as a large row table has more of them than a
/// message may have beside it.
///
/// A piece is made when its turn comes, so that the whole is not in memory a second time.
struct SnapshotPieces: Sequence, IteratorProtocol {
    /// How many there are.
    let count: Int
    private let pieceBytes: Int
    /// The bytes of the pieces to come.
    private var remaining: Int
    /// What comes before ``current``.
    private var leading: ByteBuffer
    private var current = Segment(copying: [])
    /// The bytes of ``current`` that pieces have.
    private var taken = 0
    private var segments: ArraySlice<SegmentField>

    /// - Parameter snapshot: pinned, if it has rows.
    init(of snapshot: PartitionSnapshot, bytes: Int) {
        let payload = Payload(snapshot)
        let length = payload.segments.reduce(payload.head.readableBytes) { $0 + $1.inlineLength }
        leading = ByteBuffer(integer: UInt64(length))
        leading.writeImmutableBuffer(payload.head)
        segments = payload.segments[...]
        pieceBytes = bytes
        remaining = length + MemoryLayout<UInt64>.size
        count = (remaining + bytes - 1) / bytes
    }

    /// The next piece.
    mutating func next() -> ByteBuffer? {
        let length = Swift.min(pieceBytes, remaining)
        guard length > 0 else { return nil }
        var piece = ByteBuffer()
        piece.reserveCapacity(length)
        while piece.readableBytes < length {
            let room = length - piece.readableBytes
            if leading.readableBytes > 0 {
                guard let part = leading.readSlice(length: Swift.min(room, leading.readableBytes)) else { break }
                piece.writeImmutableBuffer(part)
            } else if taken < current.count {
                let end = Swift.min(taken + room, current.count)
                current.write(taken..<end, to: &piece)
                taken = end
            } else if let following = segments.popFirst() {
                leading = ByteBuffer()
                following.writeInlinePrefix(to: &leading)
                (current, taken) = (following.segment, 0)
            } else {
                preconditionFailure("a snapshot's fields have \(remaining) bytes less than they said")
            }
        }
        remaining -= length
        return piece
    }
}
