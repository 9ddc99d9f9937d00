import Coordination
import MeshWire
import NIOCore

/// One entry of a server's log, which has the records of all its partitions: eight bytes of the partition's number, one
/// of the entry's kind, then a message with its segments inside, or a piece of one.
struct ServerLogEntry {
    /// What follows.
    enum Kind: UInt8 {
        /// A ``PartitionOrigin``: the partition begins anew.
        case origin = 1
        /// A ``PartitionRecord``.
        case record = 2
        /// A piece of a ``PartitionSnapshot``: see ``SnapshotPieces``.
        case snapshot = 3
    }

    /// The most bytes of a snapshot's piece.
    static let pieceBytes = 1 << 20
    /// What an entry takes beside its message, with room for the fields of a record that are no gradient.
    static let overhead = 64 << 10

    var partition: PartitionID
    var kind: Kind
    var content: ByteBuffer

    /// Reads an entry; `nil` if it is none.
    init?(_ bytes: ByteBuffer) {
        var bytes = bytes
        guard let partition = bytes.readInteger(as: UInt64.self), let number = bytes.readInteger(as: UInt8.self),
            let kind = Kind(rawValue: number)
        else { return nil }
        self.partition = PartitionID(rawValue: partition)
        self.kind = kind
        content = bytes
    }

    /// The message of an entry that is not a piece.
    func message<Message: MeshMessage>(_ type: Message.Type = Message.self) throws(WireError) -> Message {
        try Payload(head: content, segments: []).decode()
    }

    /// The bytes of an entry of one message.
    static func bytes(_ kind: Kind, of partition: PartitionID, _ message: some MeshMessage) -> ByteBuffer {
        var bytes = prefix(kind, of: partition)
        write(message, to: &bytes)
        return bytes
    }

    /// The entries that together are a snapshot, each made when its turn comes.
    ///
    /// - Parameters:
    ///   - snapshot: pinned, if it has rows.
    ///   - limit: the most bytes of a record.
    static func entries(of snapshot: PartitionSnapshot, ofAtMost limit: Int) -> some Sequence<ByteBuffer> {
        let partition = snapshot.partition
        let room = limit - prefix(.snapshot, of: partition).readableBytes
        return SnapshotPieces(of: snapshot, bytes: min(pieceBytes, room)).lazy.map { piece in
            var bytes = prefix(.snapshot, of: partition)
            bytes.writeImmutableBuffer(piece)
            return bytes
        }
    }

    private static func prefix(_ kind: Kind, of partition: PartitionID) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.writeInteger(partition.rawValue)
        bytes.writeInteger(kind.rawValue)
        return bytes
    }

    private static func write(_ message: some MeshMessage, to bytes: inout ByteBuffer) {
        let payload = Payload(message)
        bytes.writeImmutableBuffer(payload.head)
        for field in payload.segments {
            field.writeInlinePrefix(to: &bytes)
            field.segment.write(0..<field.segment.count, to: &bytes)
        }
    }
}
