package import NIOCore

/// The Castagnoli checksum of 32 bits (RFC 3720, appendix B.4), eight bytes at a time by tables.
package struct CRC32C {
    /// Bytes of a checksum on the wire.
    package static let size = 4

    private var state: UInt32 = .max

    /// The checksum of no bytes.
    package init() {}

    /// The checksum of the bytes so far.
    package var value: UInt32 { ~state }

    /// The checksum of `bytes`.
    package static func of(_ bytes: ByteBufferView?) -> UInt32 {
        var checksum = CRC32C()
        if let bytes { checksum.append(bytes) }
        return checksum.value
    }

    /// Takes more bytes.
    package mutating func append(_ bytes: ByteBufferView) {
        // The closure reads within the buffer's bounds and keeps no pointer.
        unsafe bytes.withUnsafeBytes { unsafe append($0) }
    }

    /// Takes more bytes.
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        let tables = Self.tables
        var state = state
        var index = 0
        while index + 8 <= bytes.count {
            // Within the buffer's bounds.
            let word =
                unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ UInt64(state)
            state = 0
            for position in 0..<8 {
                state ^= tables[(7 - position) << 8 | Int(truncatingIfNeeded: word >> (8 * position)) & 0xFF]
            }
            index += 8
        }
        while index < bytes.count {
            state = unsafe state >> 8 ^ tables[Int((state ^ UInt32(bytes[index])) & 0xFF)]
            index += 1
        }
        self.state = state
    }

    /// Eight tables of 256: the first is for single bytes, each later one for a byte that stands one further ahead.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 << 8)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value >> 1 ^ (value & 1 == 0 ? 0 : 0x82F6_3B78) }
            tables[byte] = value
        }
        for index in 256..<tables.count {
            let before = tables[index - 256]
            tables[index] = before >> 8 ^ tables[Int(before & 0xFF)]
        }
        return tables
    }()
}

extension ByteBuffer {
    /// The bytes at `index`, wherever the reader is.
    func viewBytes(at index: Int, length: Int) -> ByteBufferView? {
        getSlice(at: index, length: length)?.readableBytesView
    }
}
