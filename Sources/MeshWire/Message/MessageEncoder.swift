package import NIOCore

/// Writes a ``MeshMessage``'s fields in protobuf's wire format.
///
/// Scalars that equal their default (zero, false, empty) are left out, as proto3 does.
public struct MessageEncoder {
    /// The head: everything but the segments, and but for ``tail``.
    private var head: ByteBuffer
    /// The head's last bytes, until there are more of them than fit: a field is a few bytes, and a buffer takes about as
    /// long to write a few as to write many.
    private var tail = SmallBytes()
    /// The trailing `bytes` fields, in the order in which they were written.
    package private(set) var segments: [SegmentField] = []

    /// Encodes into a fresh buffer.
    package init(allocator: ByteBufferAllocator = ByteBufferAllocator(), capacity: Int = 240) {
        head = allocator.buffer(capacity: capacity)
    }

    /// Appends to `buffer`, whose earlier bytes stay as they are.
    package init(appendingTo buffer: ByteBuffer) {
        head = buffer
    }

    /// The head, when all is written.
    package mutating func finish() -> ByteBuffer {
        flush()
        // Given away, so that whoever writes to it next does not copy it.
        return exchange(&head, with: ByteBuffer())
    }

    /// Where the next byte goes.
    package var position: Int { head.writerIndex + tail.count }

    /// Writes an unsigned integer as a varint.
    public mutating func uint64(_ field: UInt32, _ value: UInt64) {
        guard value != 0 else { return }
        tag(field, .varint, then: value)
    }

    /// Writes an unsigned integer as a varint.
    public mutating func uint32(_ field: UInt32, _ value: UInt32) {
        uint64(field, UInt64(value))
    }

    /// Writes a signed integer in two's complement; negative ones take ten bytes.
    public mutating func int64(_ field: UInt32, _ value: Int64) {
        uint64(field, UInt64(bitPattern: value))
    }

    /// Writes a boolean.
    public mutating func bool(_ field: UInt32, _ value: Bool) {
        uint64(field, value ? 1 : 0)
    }

    /// Writes eight bytes, little-endian.
    public mutating func fixed64(_ field: UInt32, _ value: UInt64) {
        guard value != 0 else { return }
        tag(field, .fixed64)
        append(value, count: 8)
    }

    /// Writes an IEEE 754 double. Negative zero is not the default and is written.
    public mutating func double(_ field: UInt32, _ value: Double) {
        fixed64(field, value.bitPattern)
    }

    /// Writes an IEEE 754 float. Negative zero is not the default and is written.
    public mutating func float(_ field: UInt32, _ value: Float) {
        guard value.bitPattern != 0 else { return }
        tag(field, .fixed32)
        append(UInt64(value.bitPattern), count: 4)
    }

    /// Writes UTF-8 text.
    public mutating func string(_ field: UInt32, _ value: String) {
        guard !value.isEmpty else { return }
        repeatedString(field, value)
    }

    /// Writes an element of a repeated text field: an empty one counts.
    public mutating func repeatedString(_ field: UInt32, _ value: String) {
        tag(field, .lengthDelimited, then: UInt64(value.utf8.count))
        flush()
        head.writeString(value)
    }

    /// Writes bytes into the head. For payloads that are large, use ``segment(_:_:)``.
    public mutating func bytes(_ field: UInt32, _ value: [UInt8]) {
        guard !value.isEmpty else { return }
        repeatedBytes(field, value)
    }

    /// Writes an element of a repeated `bytes` field: an empty one counts.
    public mutating func repeatedBytes(_ field: UInt32, _ value: [UInt8]) {
        tag(field, .lengthDelimited, then: UInt64(value.count))
        flush()
        head.writeBytes(value)
    }

    /// Writes integers as one packed field.
    public mutating func packed(_ field: UInt32, _ values: some Collection<UInt64>) {
        guard !values.isEmpty else { return }
        tag(field, .lengthDelimited, then: UInt64(values.reduce(0) { $0 + ByteBuffer.varintLength($1) }))
        for value in values { varint(value) }
    }

    /// Writes an embedded message; one without fields still counts, so that repeated fields keep their length.
    ///
    /// An embedded message has no segments: those belong to the outermost one.
    public mutating func message(_ field: UInt32, _ value: some MeshMessage) {
        tag(field, .lengthDelimited)
        delimited(value)
    }

    /// Writes a message after its length.
    package mutating func delimited(_ value: some MeshMessage) {
        // The length comes first and is known last: nearly always it takes the one byte that is set aside for it.
        let start = position
        append(0, count: 1)
        value.encode(to: &self)
        precondition(segments.isEmpty, "\(type(of: value)) has segments and cannot be embedded")
        let length = position - start - 1
        if length < 0x80 { return overwrite(UInt64(length), count: 1, at: start) }
        flush()
        head.insertGap(of: ByteBuffer.varintLength(UInt64(length)) - 1, at: start)
        head.setVarint(UInt64(length), at: start)
    }

    /// Writes the `count` low bytes of `value`, little-endian.
    package mutating func append(_ value: UInt64, count: Int) {
        if tail.room < count { flush() }
        tail.append(value, count)
    }

    /// Overwrites `count` bytes that were written at `position` in one piece.
    package mutating func overwrite(_ value: UInt64, count: Int, at position: Int) {
        if position >= head.writerIndex { return tail.overwrite(value, count, at: position - head.writerIndex) }
        if position + count > head.writerIndex { flush() }
        if count == 4 {
            head.setInteger(UInt32(truncatingIfNeeded: value), at: position, endianness: .little)
            return
        }
        for index in 0..<count {
            head.setInteger(UInt8(truncatingIfNeeded: value >> (8 * index)), at: position + index)
        }
    }

    /// Writes a trailing `bytes` field whose content leaves out of band, without a copy into the head.
    ///
    /// Fields with other content cannot follow it.
    public mutating func segment(_ field: UInt32, _ value: Segment) {
        precondition((1...UInt32.largestFieldNumber).contains(field), "field number \(field) is out of range")
        segments.append(SegmentField(number: field, segment: value))
    }

    /// Writes fields that are in protobuf's wire format already.
    package mutating func raw(_ fields: ByteBuffer) {
        precondition(segments.isEmpty, "fields follow a segment; segments are a message's last fields")
        flush()
        head.writeImmutableBuffer(fields)
    }

    private mutating func tag(_ field: UInt32, _ type: WireType) {
        varint(key(field, type))
    }

    /// A tag and the integer that follows it: a value, or a length.
    private mutating func tag(_ field: UInt32, _ type: WireType, then value: UInt64) {
        varint(key(field, type))
        varint(value)
    }

    /// Writes `value` in base 128, least significant group first.
    private mutating func varint(_ value: UInt64) {
        if value < 0x80 { return append(value, count: 1) }
        guard value < 1 << 56 else {
            flush()
            return head.writeVarint(value)
        }
        var bytes: UInt64 = 0
        var rest = value
        var length = 0
        while rest >= 0x80 {
            bytes |= (rest & 0x7F | 0x80) << UInt64(8 * length)
            rest >>= 7
            length += 1
        }
        append(bytes | rest << UInt64(8 * length), count: length + 1)
    }

    private mutating func flush() {
        guard tail.count > 0 else { return }
        // What is written beyond the tail's end is not counted in, and overwritten next.
        head.setInteger(tail.bytes, at: head.writerIndex, endianness: .little)
        head.moveWriterIndex(forwardBy: tail.count)
        tail = SmallBytes()
    }

    private func key(_ field: UInt32, _ type: WireType) -> UInt64 {
        precondition((1...UInt32.largestFieldNumber).contains(field), "field number \(field) is out of range")
        precondition(segments.isEmpty, "field \(field) follows a segment; segments are a message's last fields")
        return UInt64(field) << 3 | UInt64(type.rawValue)
    }
}

/// A few bytes in a register.
private struct SmallBytes {
    private(set) var bytes: UInt128 = 0
    private(set) var count = 0

    var room: Int { 16 - count }

    /// Appends the `count` low bytes of `value`, for which there is room.
    mutating func append(_ value: UInt64, _ count: Int) {
        bytes |= UInt128(value) << UInt128(8 * self.count)
        self.count += count
    }

    /// Overwrites `count` bytes, which are there and at most seven, from `index` on.
    mutating func overwrite(_ value: UInt64, _ count: Int, at index: Int) {
        let mask = (UInt128(1) << UInt128(8 * count) - 1) << UInt128(8 * index)
        bytes = bytes & ~mask | UInt128(value) << UInt128(8 * index)
    }
}

/// A segment and the number of the field that it is the content of.
package struct SegmentField: Sendable {
    package var number: UInt32
    package var segment: Segment

    package init(number: UInt32, segment: Segment) {
        self.number = number
        self.segment = segment
    }
}
