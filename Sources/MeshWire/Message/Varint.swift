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

extension ByteBuffer {
    /// A buffer's next eight bytes, or all of them if they are fewer: looked at together, as each look takes its time.
    struct Word {
        fileprivate var bytes: UInt64
        fileprivate var count: Int

        /// Reads a varint off the word, and moves the reader of the buffer that it was taken from behind it; `nil` for one
        /// that is not whole in the word, or has no end within eight bytes.
        mutating func readVarint(movingReaderOf buffer: inout ByteBuffer) -> UInt64? {
            // Where the first byte ends whose top bit is not set.
            let length = (~bytes & 0x8080_8080_8080_8080).trailingZeroBitCount / 8 + 1
            guard length <= count else {
                count = 0
                return nil
            }
            var value: UInt64 = 0
            for index in 0..<UInt64(length) {
                value |= (bytes & 0x7F) << (7 * index)
                bytes >>= 8
            }
            count -= length
            buffer.moveReaderIndex(forwardBy: length)
            return value
        }
    }

    /// The bytes that are read next.
    var firstWord: Word {
        let count = min(readableBytes, 8)
        var bytes: UInt64 = 0
        unsafe withUnsafeReadableBytes { readable in
            unsafe withUnsafeMutableBytes(of: &bytes) {
                // As many as there are, and no more than the word holds.
                unsafe $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: readable.prefix(count)))
            }
        }
        return Word(bytes: UInt64(littleEndian: bytes), count: count)
    }
}
