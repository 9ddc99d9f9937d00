package import NIOCore

/// Puts a payload together from the pieces that arrive, each byte copied once to where it stays.
package struct PayloadAssembler {
    private let layout: PayloadLayout
    private var head = ByteBuffer()
    private var segments: [SegmentField] = []
    private var filling: SegmentStorage?

    /// The bytes that have not arrived yet.
    package private(set) var remaining: Int

    /// Expects a payload of `layout`, whose total is `totalBytes`.
    package init(layout: PayloadLayout, totalBytes: Int) {
        self.layout = layout
        remaining = totalBytes
    }

    package var isComplete: Bool { remaining == 0 }

    /// Takes bytes; throws if there are more than were announced.
    package mutating func append(_ piece: inout ByteBuffer) throws(WireError) {
        guard piece.readableBytes <= remaining else {
            throw WireError(.malformed, "\(piece.readableBytes - remaining) bytes follow the end of a payload")
        }
        remaining -= piece.readableBytes
        let headMissing = layout.headLength - head.readableBytes
        if headMissing > 0, let slice = piece.readSlice(length: min(headMissing, piece.readableBytes)) {
            // The usual head arrives whole and is kept as it is, a slice of what was received.
            if head.readableBytes == 0 { head = slice } else { head.writeImmutableBuffer(slice) }
        }
        while piece.readableBytes > 0 { fillSegment(from: &piece) }
    }

    /// The payload, once it is complete.
    package mutating func finish() -> Payload {
        precondition(isComplete)
        // Segments of no bytes that end the message never saw a piece.
        while segments.count < layout.segments.count { close(filling ?? SegmentStorage(capacity: 0)) }
        return Payload(head: head, segments: segments)
    }

    private mutating func fillSegment(from piece: inout ByteBuffer) {
        let storage = filling ?? SegmentStorage(capacity: layout.segments[segments.count].length)
        _ = storage.append(from: &piece, limit: storage.remaining)
        filling = storage
        if storage.remaining == 0 { close(storage) }
    }

    private mutating func close(_ storage: SegmentStorage) {
        segments.append(SegmentField(number: layout.segments[segments.count].field, segment: Segment(storage)))
        filling = nil
    }
}
