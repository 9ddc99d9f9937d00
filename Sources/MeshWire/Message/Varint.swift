package import NIOCore

extension ByteBuffer {
    /// Appends `value` in base 128, least significant group first.
    package mutating func writeVarint(_ value: UInt64) {
        if value < 0x80 {
            writeInteger(UInt8(truncatingIfNeeded: value))
        } else {
            setVarint(value, at: writerIndex)
            moveWriterIndex(forwardBy: Self.varintLength(value))
        }
    }

    /// Appends two values: in one write if they are short, as a field's tag and its value mostly are.
    package mutating func writeVarints(_ first: UInt64, _ second: UInt64) {
        guard first < 0x80, second < 1 << 49 else {
            writeVarint(first)
            return writeVarint(second)
        }
        var bytes = first
        var rest = second
        var length = 8
        while rest >= 0x80 {
            bytes |= (rest & 0x7F | 0x80) << UInt64(length)
            rest >>= 7
            length += 8
        }
        bytes |= rest << UInt64(length)
        // What is written beyond the values' end is not counted in, and overwritten next.
        setInteger(bytes, at: writerIndex, endianness: .little)
        moveWriterIndex(forwardBy: length / 8 + 1)
    }

    /// Overwrites the bytes from `index` on with `value` in base 128.
    package mutating func setVarint(_ value: UInt64, at index: Int) {
        var rest = value
        var index = index
        while rest >= 0x80 {
            setInteger(UInt8(truncatingIfNeeded: rest) | 0x80, at: index)
            rest >>= 7
            index += 1
        }
        setInteger(UInt8(truncatingIfNeeded: rest), at: index)
    }

    /// Makes room for `count` bytes at `index`; what stood there from there on moves up.
    package mutating func insertGap(of count: Int, at index: Int) {
        let length = writerIndex - index
        precondition(index >= readerIndex && length >= 0)
        writeRepeatingByte(0, count: count)
        let offset = index - readerIndex
        unsafe withUnsafeMutableReadableBytes { bytes in
            // Both ranges are within what is readable, by the two lines above; they may overlap.
            unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[(offset + count)...]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + length)]))
        }
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
