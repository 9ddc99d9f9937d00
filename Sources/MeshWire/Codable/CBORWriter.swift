/// Writes items as CBOR's core deterministic encoding has them (RFC 8949, section 4.2.1): definite lengths, and integers
/// and lengths in as few bytes as they fit. Two rules are not followed: floating-point numbers keep their width, so that
/// one that is read is one that was written, and maps keep the order in which they are encoded.
struct CBORWriter {
    private(set) var bytes: [UInt8] = []

    /// The beginning of an item.
    mutating func head(_ type: CBORType, _ argument: UInt64) {
        switch argument {
        case ..<24: initial(type, UInt8(truncatingIfNeeded: argument))
        case ...0xFF: number(type, 24, argument, width: 1)
        case ...0xFFFF: number(type, 25, argument, width: 2)
        case ...0xFFFF_FFFF: number(type, 26, argument, width: 4)
        default: number(type, 27, argument, width: 8)
        }
    }

    /// An integer; one that 64 bits do not hold as the tagged bytes of its magnitude.
    mutating func integer(_ value: some FixedWidthInteger) {
        let magnitude = value < 0 ? ~value : value
        if let argument = UInt64(exactly: magnitude) { return head(value < 0 ? .negative : .unsigned, argument) }
        head(.tag, value < 0 ? CBORHead.largeNegative : CBORHead.largeUnsigned)
        let wide = UInt128(truncatingIfNeeded: magnitude)
        let width = (UInt128.bitWidth - wide.leadingZeroBitCount + 7) / 8
        head(.bytes, UInt64(width))
        for index in (0..<width).reversed() { bytes.append(UInt8(truncatingIfNeeded: wide >> UInt128(8 * index))) }
    }

    mutating func float(_ value: Float) {
        number(.simple, CBORHead.float, UInt64(value.bitPattern), width: 4)
    }

    mutating func double(_ value: Double) {
        number(.simple, CBORHead.double, value.bitPattern, width: 8)
    }

    mutating func bool(_ value: Bool) {
        head(.simple, value ? CBORHead.yes : CBORHead.no)
    }

    mutating func null() {
        head(.simple, CBORHead.null)
    }

    mutating func text(_ value: String) {
        head(.text, UInt64(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    mutating func bytes(_ value: [UInt8]) {
        head(.bytes, UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// Items that have been written already.
    mutating func items(_ written: some Collection<UInt8>) {
        bytes.append(contentsOf: written)
    }

    private mutating func initial(_ type: CBORType, _ information: UInt8) {
        bytes.append(type.rawValue << 5 | information)
    }

    private mutating func number(_ type: CBORType, _ information: UInt8, _ value: UInt64, width: Int) {
        initial(type, information)
        for index in (0..<width).reversed() { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
    }
}
