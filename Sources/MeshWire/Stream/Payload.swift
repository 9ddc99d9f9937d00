package import NIOCore

/// An encoded message: its head and the segments that follow it on the wire.
package struct Payload: Sendable {
    package var head: ByteBuffer
    package var segments: [SegmentField]

    package init(head: ByteBuffer = ByteBuffer(), segments: [SegmentField] = []) {
        self.head = head
        self.segments = segments
    }

    /// Encodes `message`.
    package init(_ message: some MeshMessage) {
        var encoder = MessageEncoder()
        message.encode(to: &encoder)
        self.init(head: encoder.finish(), segments: encoder.segments)
    }

    /// Decodes a message.
    package func decode<Message: MeshMessage>(as type: Message.Type = Message.self) throws(WireError) -> Message {
        var decoder = MessageDecoder(head: head, segments: segments)
        return try Message(from: &decoder)
    }

    /// The bytes of head and segments.
    package var count: Int { segments.reduce(head.readableBytes) { $0 + $1.segment.count } }

    package var layout: PayloadLayout {
        PayloadLayout(
            headLength: head.readableBytes,
            segments: segments.map { PayloadLayout.SegmentLength(field: $0.number, length: $0.segment.count) })
    }
}

/// How many bytes of what a payload has, announced before the bytes.
package struct PayloadLayout: Sendable, Hashable {
    package struct SegmentLength: MeshMessage, Hashable {
        package static let messageName = "meshwork.wire.SegmentLength"

        package var field: UInt32
        package var length: Int

        package init(field: UInt32, length: Int) {
            self.field = field
            self.length = length
        }

        package init(from decoder: inout MessageDecoder) throws(WireError) {
            self.init(field: 0, length: 0)
            while let field = try decoder.nextField() {
                switch field {
                case 1: self.field = try decoder.uint32()
                case 2: length = try decoder.count()
                default: break
                }
            }
            guard (1...UInt32.largestFieldNumber).contains(self.field) else {
                throw WireError(.malformed, "a segment's field number \(self.field) is out of range")
            }
        }

        package func encode(to encoder: inout MessageEncoder) {
            encoder.uint32(1, field)
            encoder.uint64(2, UInt64(length))
        }
    }

    package var headLength: Int
    package var segments: [SegmentLength]

    package init(headLength: Int = 0, segments: [SegmentLength] = []) {
        self.headLength = headLength
        self.segments = segments
    }

    /// The bytes of head and segments, or an error if one side of a connection does not accept so many.
    package func totalBytes(within limits: WireLimits) throws(WireError) -> Int {
        guard headLength <= limits.messageHeadBytes else {
            throw WireError(
                .tooLarge, "a message head of \(headLength) bytes is over the limit of \(limits.messageHeadBytes)")
        }
        guard segments.count <= limits.segments else {
            throw WireError(
                .tooLarge, "a message of \(segments.count) segments is over the limit of \(limits.segments)")
        }
        var total = headLength
        var overflow = false
        for segment in segments where !overflow {
            (total, overflow) = total.addingReportingOverflow(segment.length)
        }
        guard !overflow, total <= limits.messageBytes else {
            throw WireError(.tooLarge, "a message is over the limit of \(limits.messageBytes) bytes")
        }
        return total
    }
}
