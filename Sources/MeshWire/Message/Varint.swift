package import NIOCore

extension ByteBuffer {
    /// Appends `value` in base 128, least significant group first.
    package mutating func writeVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        writeInteger(UInt8(truncatingIfNeeded: rest))
    }

    /// The number of bytes that ``writeVarint(_:)`` appends.
    package static func varintLength(_ value: UInt64) -> Int {
        max(1, (UInt64.bitWidth - value.leadingZeroBitCount + 6) / 7)
    }

    /// Reads a varint; throws if it is cut short or does not fit 64 bits.
    package mutating func readVarint() throws(WireError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while let byte = readInteger(as: UInt8.self) {
            guard shift < 63 || byte <= 1 else {
                throw WireError(.malformed, "a varint is larger than 64 bits")
            }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
        throw WireError(.truncated, "the message ends inside a varint")
    }
}
