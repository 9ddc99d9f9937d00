package import NIOCore

/// Reads a ``MeshMessage``'s fields from protobuf's wire format.
///
/// Ask for the next field's number, then for its value by the type you expect; a value that is not asked for is
/// skipped. Every read checks the wire type and the bounds and throws ``WireError``; nothing traps.
public struct MessageDecoder {
    /// How deep messages may be embedded in each other.
    private static let largestDepth = 32

    private var head: ByteBuffer
    private var segments: ArraySlice<SegmentField>
    private let depth: Int
    private var current: Value = .none

    /// The value that stands after the last field number that was given out.
    private enum Value {
        case none
        /// With the integer, or the length of what follows, for the types that begin with one.
        case inHead(field: UInt32, type: WireType, integer: UInt64)
        case segment
    }

    /// Reads a head and the segments that came after it.
    package init(head: ByteBuffer, segments: [SegmentField] = []) {
        self.init(head: head, segments: segments[...], depth: 0)
    }

    private init(head: ByteBuffer, segments: ArraySlice<SegmentField>, depth: Int) {
        self.head = head
        self.segments = segments
        self.depth = depth
    }

    /// The next field's number, or `nil` at the end. Skips the previous field's value if it was not read.
    public mutating func nextField() throws(WireError) -> UInt32? {
        try skipUnread()
        if head.readableBytes > 0 {
            var word = head.firstWord
            let tag = try integer(&word)
            let number = tag >> 3
            guard (1...UInt64(UInt32.largestFieldNumber)).contains(number) else {
                throw WireError(.malformed, "field number \(number) is out of range")
            }
            guard let type = WireType(rawValue: UInt8(tag & 7)) else {
                throw WireError(.malformed, "field \(number) has unknown wire type \(tag & 7)")
            }
            let hasInteger = type == .varint || type == .lengthDelimited
            current = .inHead(field: UInt32(number), type: type, integer: hasInteger ? try integer(&word) : 0)
            return UInt32(number)
        }
        guard let next = segments.first else { return nil }
        current = .segment
        return next.number
    }

    /// Reads an unsigned integer.
    public mutating func uint64() throws(WireError) -> UInt64 {
        try take(.varint).integer
    }

    /// Reads an unsigned integer; throws if it does not fit 32 bits.
    public mutating func uint32() throws(WireError) -> UInt32 {
        let (field, value) = try take(.varint)
        guard let narrow = UInt32(exactly: value) else {
            throw WireError(.malformed, "field \(field): \(value) does not fit 32 bits")
        }
        return narrow
    }

    /// Reads a signed integer in two's complement.
    public mutating func int64() throws(WireError) -> Int64 {
        Int64(bitPattern: try uint64())
    }

    /// Reads a count, length or index; throws if it is negative or does not fit an `Int`.
    public mutating func count() throws(WireError) -> Int {
        let (field, value) = try take(.varint)
        guard let count = Int(exactly: value) else {
            throw WireError(.malformed, "field \(field): \(value) is not a count")
        }
        return count
    }

    /// Reads a boolean: anything but zero is true.
    public mutating func bool() throws(WireError) -> Bool {
        try uint64() != 0
    }

    /// Reads eight bytes, little-endian.
    public mutating func fixed64() throws(WireError) -> UInt64 {
        let field = try take(.fixed64).field
        guard let value = head.readInteger(endianness: .little, as: UInt64.self) else {
            throw WireError(.truncated, "field \(field) is cut short")
        }
        return value
    }

    /// Reads an IEEE 754 double.
    public mutating func double() throws(WireError) -> Double {
        Double(bitPattern: try fixed64())
    }

    /// Reads an IEEE 754 float.
    public mutating func float() throws(WireError) -> Float {
        let field = try take(.fixed32).field
        guard let value = head.readInteger(endianness: .little, as: UInt32.self) else {
            throw WireError(.truncated, "field \(field) is cut short")
        }
        return Float(bitPattern: value)
    }

    /// Reads text; throws if it is not UTF-8.
    public mutating func string() throws(WireError) -> String {
        let (field, slice) = try takeDelimited()
        guard let text = String(validating: slice.readableBytesView, as: UTF8.self) else {
            throw WireError(.malformed, "field \(field) is not UTF-8 text")
        }
        return text
    }

    /// Reads bytes that are part of the head.
    public mutating func bytes() throws(WireError) -> [UInt8] {
        Array(buffer: try takeDelimited().slice)
    }

    /// Appends the integers of a packed field, or the one of an unpacked field.
    public mutating func packed(into values: inout [UInt64]) throws(WireError) {
        if case .inHead(_, .varint, _) = current {
            values.append(try uint64())
            return
        }
        var slice = try takeDelimited().slice
        while slice.readableBytes > 0 { values.append(try slice.readVarint()) }
    }

    /// Reads an embedded message.
    public mutating func message<Message: MeshMessage>(_ type: Message.Type = Message.self) throws(WireError) -> Message
    {
        let (field, slice) = try takeDelimited()
        guard depth < Self.largestDepth else {
            throw WireError(.tooLarge, "field \(field): messages are embedded more than \(Self.largestDepth) deep")
        }
        var inner = MessageDecoder(head: slice, segments: [], depth: depth + 1)
        return try Message(from: &inner)
    }

    /// Reads a trailing `bytes` field, sent out of band or inline.
    public mutating func segment() throws(WireError) -> Segment {
        if case .segment = current, let field = segments.popFirst() {
            current = .none
            return field.segment
        }
        return Segment(copying: try takeDelimited().slice.readableBytesView)
    }

    /// What has not been read of the message, as one piece in protobuf's wire format: the rest of the head, and segments
    /// as the `bytes` fields that they are.
    package mutating func rest() throws(WireError) -> ByteBuffer {
        try skipUnread()
        var bytes = head
        for field in segments {
            field.writeInlinePrefix(to: &bytes)
            field.segment.write(0..<field.segment.count, to: &bytes)
        }
        head = ByteBuffer()
        segments = []
        return bytes
    }

    private mutating func take(_ type: WireType) throws(WireError) -> (field: UInt32, integer: UInt64) {
        guard case .inHead(let field, let found, let integer) = current else {
            throw WireError(.malformed, "a segment, or no field, stands where a \(type) value is read")
        }
        guard found == type else {
            throw WireError(.malformed, "field \(field) is a \(found) value, expected \(type)")
        }
        current = .none
        return (field, integer)
    }

    /// Reads an integer of base 128: from `word`, the bytes that come next, as long as it is whole there.
    private mutating func integer(_ word: inout ByteBuffer.Word) throws(WireError) -> UInt64 {
        guard let value = word.readVarint(movingReaderOf: &head) else { return try head.readVarint() }
        return value
    }

    private mutating func takeDelimited() throws(WireError) -> (field: UInt32, slice: ByteBuffer) {
        let (field, length) = try take(.lengthDelimited)
        return (field, try readDelimited(field, length))
    }

    private mutating func readDelimited(_ field: UInt32, _ length: UInt64) throws(WireError) -> ByteBuffer {
        guard length <= UInt64(head.readableBytes), let slice = head.readSlice(length: Int(length)) else {
            throw WireError(.truncated, "field \(field) says \(length) bytes, \(head.readableBytes) are left")
        }
        return slice
    }

    private mutating func skipUnread() throws(WireError) {
        switch current {
        case .none:
            return
        case .segment:
            segments.removeFirst()
        case .inHead(_, .varint, _):
            break
        case .inHead(let field, .fixed64, _):
            try skip(8, of: field)
        case .inHead(let field, .fixed32, _):
            try skip(4, of: field)
        case .inHead(let field, .lengthDelimited, let length):
            _ = try readDelimited(field, length)
        }
        current = .none
    }

    private mutating func skip(_ width: Int, of field: UInt32) throws(WireError) {
        guard head.readSlice(length: width) != nil else {
            throw WireError(.truncated, "field \(field) is cut short")
        }
    }
}
