package import MeshWire
package import NIOCore

/// A message on its way out: its prefix, its head, and its segments as the `bytes` fields that they are on this wire.
///
/// The bytes are asked for a piece at a time, as the connection can take them: a segment is copied when its piece is
/// sent and while it is in the cache, and never gathered as a whole.
package struct OutboundMessage {
    /// From this size on a buffer is sent as it is, not copied behind what stands before it.
    private static let smallestUncopied = 16 << 10

    private enum Part {
        case bytes(ByteBuffer)
        case segment(Segment, sent: Int)
    }

    private var parts: [Part]
    private var nextPart = 0
    /// The bytes that have not been asked for.
    package private(set) var remaining: Int

    /// Writes `payload`, compressed by `deflater` if there is one and if that makes it smaller; throws if it has more
    /// than `limit` bytes.
    package init(_ payload: Payload, limit: Int, deflater: Deflater? = nil) throws(GRPCStatus) {
        // Saturates: what does not fit is over every limit.
        let length = payload.segments.reduce(payload.head.readableBytes) { total, field in
            let (sum, overflow) = total.addingReportingOverflow(field.inlineLength)
            return overflow ? .max : sum
        }
        let limit = min(limit, Int(UInt32.max))
        guard length <= limit else {
            throw GRPCStatus(.resourceExhausted, "a message of \(length) bytes is over the limit of \(limit)")
        }
        if let deflater {
            let compressed = Self.compress(payload, deflater)
            if compressed.readableBytes < length {
                self.init(compressed, isCompressed: true, length: compressed.readableBytes)
                return
            }
        }
        var parts: [Part] = []
        for field in payload.segments {
            var prefix = ByteBuffer()
            field.writeInlinePrefix(to: &prefix)
            parts.append(.bytes(prefix))
            parts.append(.segment(field.segment, sent: 0))
        }
        self.init(payload.head, parts, isCompressed: false, length: length)
    }

    /// Bytes that stand for themselves, without a prefix.
    init(plain bytes: ByteBuffer) {
        parts = [.bytes(bytes)]
        remaining = bytes.readableBytes
    }

    /// A message of `length` bytes, `first` before the others. A small one is one buffer with its prefix.
    private init(_ first: ByteBuffer, _ others: [Part] = [], isCompressed: Bool, length: Int) {
        let isJoined = first.readableBytes < Self.smallestUncopied
        var prefix = ByteBufferAllocator().buffer(
            capacity: MessagePrefix.encodedSize + (isJoined ? first.readableBytes : 0))
        MessagePrefix(isCompressed: isCompressed, length: length).write(to: &prefix)
        if isJoined { prefix.writeImmutableBuffer(first) }
        parts = (isJoined ? [.bytes(prefix)] : [.bytes(prefix), .bytes(first)]) + others
        remaining = MessagePrefix.encodedSize + length
    }

    private static func compress(_ payload: Payload, _ deflater: Deflater) -> ByteBuffer {
        deflater.append(payload.head)
        for field in payload.segments {
            var prefix = ByteBuffer()
            field.writeInlinePrefix(to: &prefix)
            deflater.append(prefix)
            // The closure compresses; it keeps no pointer.
            unsafe field.segment.withUnsafeBytes { bytes in unsafe deflater.append(bytes) }
        }
        return deflater.finish()
    }

    /// The next bytes, at most `limit` of them, or `nil` at the end.
    package mutating func next(limit: Int) -> ByteBuffer? {
        precondition(limit > 0)
        guard remaining > 0 else { return nil }
        if let slice = nextSlice(limit: limit) {
            remaining -= slice.readableBytes
            return slice
        }
        let size = min(limit, remaining)
        var piece = ByteBufferAllocator().buffer(capacity: size)
        while piece.readableBytes < size {
            if fill(&piece, upTo: size) { nextPart += 1 }
        }
        remaining -= size
        return piece
    }

    /// A piece of a buffer that comes next and is large, or the last one.
    private mutating func nextSlice(limit: Int) -> ByteBuffer? {
        guard case .bytes(var buffer) = parts[nextPart],
            buffer.readableBytes >= min(limit, Self.smallestUncopied) || nextPart == parts.count - 1,
            let slice = buffer.readSlice(length: min(limit, buffer.readableBytes))
        else { return nil }
        parts[nextPart] = .bytes(buffer)
        if buffer.readableBytes == 0 { nextPart += 1 }
        return slice
    }

    /// Copies from the next part until `piece` has `size` bytes; true if the part is used up.
    private mutating func fill(_ piece: inout ByteBuffer, upTo size: Int) -> Bool {
        let room = size - piece.readableBytes
        switch parts[nextPart] {
        case .bytes(var buffer):
            if var slice = buffer.readSlice(length: min(room, buffer.readableBytes)) { piece.writeBuffer(&slice) }
            parts[nextPart] = .bytes(buffer)
            return buffer.readableBytes == 0
        case .segment(let segment, let sent):
            let end = min(segment.count, sent + room)
            segment.write(sent..<end, to: &piece)
            parts[nextPart] = .segment(segment, sent: end)
            return end == segment.count
        }
    }
}
