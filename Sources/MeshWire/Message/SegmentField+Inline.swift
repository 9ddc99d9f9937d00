package import NIOCore

extension SegmentField {
    /// Writes what stands before the segment's bytes where it is part of the head: the `bytes` field's tag and length.
    package func writeInlinePrefix(to buffer: inout ByteBuffer) {
        buffer.writeVarint(key)
        buffer.writeVarint(UInt64(segment.count))
    }

    /// The bytes that the segment takes as part of the head.
    package var inlineLength: Int {
        ByteBuffer.varintLength(key) + ByteBuffer.varintLength(UInt64(segment.count)) + segment.count
    }

    private var key: UInt64 { UInt64(number) << 3 | UInt64(WireType.lengthDelimited.rawValue) }
}
