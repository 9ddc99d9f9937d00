import NIOCore

/// A payload on its way out.
struct Transfer {
    /// Fewer bytes than these are copied behind their frame's header.
    private static let smallestShared = 16 << 10

    private(set) var remaining: Int
    private let payload: Payload
    private var position = 0

    init(_ payload: Payload) {
        self.payload = payload
        remaining = payload.count
    }

    /// The bytes of the message's head that travel in the frame that opens it.
    var inlineBytes: Int { min(payload.head.readableBytes, OutboundQueue.inlineHeadBytes) }

    /// Appends the next `length` bytes, which must be there.
    mutating func write(_ length: Int, to buffer: inout ByteBuffer) {
        var missing = length
        var start = 0
        if position < payload.head.readableBytes {
            let part = min(missing, payload.head.readableBytes - position)
            let slice = payload.head.getSlice(at: payload.head.readerIndex + position, length: part)
            buffer.writeImmutableBuffer(slice ?? ByteBuffer())
            advance(by: part, &missing)
        }
        start = payload.head.readableBytes
        for field in payload.segments where missing > 0 {
            let end = start + field.segment.count
            if position < end, position >= start {
                let part = min(missing, end - position)
                field.segment.write((position - start)..<(position - start + part), to: &buffer)
                advance(by: part, &missing)
            }
            start = end
        }
    }

    /// The next bytes as a buffer that shares their segment's memory: as many as stand there together and `length`
    /// allows, or `nil` where those are too few to be worth a buffer.
    mutating func share(_ length: Int) -> ByteBuffer? {
        var start = payload.head.readableBytes
        for field in payload.segments {
            let end = start + field.segment.count
            if position >= start, position < end {
                let part = min(length, end - position)
                guard part >= Self.smallestShared else { return nil }
                let shared = field.segment.sharedBuffer((position - start)..<(position - start + part))
                position += part
                remaining -= part
                return shared
            }
            start = end
        }
        return nil
    }

    private mutating func advance(by part: Int, _ missing: inout Int) {
        position += part
        remaining -= part
        missing -= part
    }
}
