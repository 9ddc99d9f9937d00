import Tensor

// The records of a zip file (PKWARE's APPNOTE.TXT, 4.3), as far as both directions share them.

/// What the records begin with.
enum ZipSignature {
    static let localHeader: UInt32 = 0x0403_4b50
    static let centralHeader: UInt32 = 0x0201_4b50
    static let end: UInt32 = 0x0605_4b50
    static let wideEnd: UInt32 = 0x0606_4b50
    static let wideEndLocator: UInt32 = 0x0706_4b50
}

/// The bytes that records take, without what varies.
enum ZipLength {
    static let localHeader = 30
    static let centralHeader = 46
    static let end = 22
    static let wideEnd = 56
    static let wideEndLocator = 20
}

/// How a member's bytes are kept.
enum ZipMethod: UInt16 {
    case stored = 0
    case deflated = 8
}

/// Bits of a member's flags.
enum ZipFlag {
    static let encrypted: UInt16 = 1 << 0
    /// Sizes and checksum follow the data; the local header has zeros.
    static let hasDescriptor: UInt16 = 1 << 3
    static let isPatch: UInt16 = 1 << 5
    static let stronglyEncrypted: UInt16 = 1 << 6
    static let nameIsUTF8: UInt16 = 1 << 11
    static let headersAreMasked: UInt16 = 1 << 13
    /// What changes the meaning of the data in a way that is not read here.
    static let refused = encrypted | isPatch | stronglyEncrypted | headersAreMasked
}

/// The identifiers of extra fields.
enum ZipExtra {
    static let wideSizes: UInt16 = 0x0001
    /// Nothing but room, so that the data begins at a round place; Android's build tools gave it a number.
    static let alignment: UInt16 = 0xd935
}

/// The values of a record that may have to be 64 bits wide: those that fill their 32 bits stand in an extra field.
struct ZipSizes {
    var uncompressed: UInt64
    var compressed: UInt64
    var localHeaderOffset: UInt64?

    /// Takes what the extra field for wide sizes has, in its order, for each value that fills its 32 bits.
    mutating func widen(from extra: UnsafeRawBufferPointer) throws(TensorError) {
        var place = 0
        while place < extra.count {
            guard place + 4 <= extra.count else { throw TensorError(.fileMalformed, "an extra field is cut off") }
            let identifier = unsafe extra.littleEndian(UInt16.self, at: place)
            let length = unsafe Int(extra.littleEndian(UInt16.self, at: place + 2))
            place += 4
            guard place + length <= extra.count else { throw TensorError(.fileMalformed, "an extra field is cut off") }
            if identifier == ZipExtra.wideSizes {
                var rest = place..<place + length
                uncompressed = unsafe try Self.widened(uncompressed, &rest, extra)
                compressed = unsafe try Self.widened(compressed, &rest, extra)
                if let offset = localHeaderOffset {
                    localHeaderOffset = unsafe try Self.widened(offset, &rest, extra)
                }
                return
            }
            place += length
        }
    }

    private static func widened(
        _ value: UInt64, _ rest: inout Range<Int>, _ extra: UnsafeRawBufferPointer
    ) throws(TensorError) -> UInt64 {
        guard value == UInt64(UInt32.max) else { return value }
        guard rest.count >= 8 else { throw TensorError(.fileMalformed, "the field for 64-bit sizes lacks one") }
        defer { rest = rest.lowerBound + 8..<rest.upperBound }
        return unsafe extra.littleEndian(UInt64.self, at: rest.lowerBound)
    }
}
