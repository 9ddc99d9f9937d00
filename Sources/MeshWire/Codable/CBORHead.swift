/// The kinds of items that CBOR has (RFC 8949, section 3.1).
enum CBORType: UInt8 {
    case unsigned = 0
    case negative = 1
    case bytes = 2
    case text = 3
    case array = 4
    case map = 5
    case tag = 6
    case simple = 7
}

/// What an item begins with: its type, and the number that belongs to it.
struct CBORHead {
    /// How deep arrays and maps may be in each other: as deep as data of a person's making is, and shallow enough for the
    /// stack of a thread whose types read themselves recursively.
    static let largestDepth = 128

    /// The tags of integers that 64 bits do not hold (RFC 8949, section 3.4.3).
    static let largeUnsigned: UInt64 = 2
    static let largeNegative: UInt64 = 3

    /// Simple values (RFC 8949, section 3.3).
    static let no: UInt64 = 20
    static let yes: UInt64 = 21
    static let null: UInt64 = 22

    /// What the five low bits of a floating-point number's first byte are.
    static let half: UInt8 = 25
    static let float: UInt8 = 26
    static let double: UInt8 = 27

    /// What they are where the length is not said in advance, or at the end of such an item.
    static let indefinite: UInt8 = 31

    let type: CBORType
    /// The five low bits of the first byte.
    let information: UInt8
    /// A value, a length in bytes, a count of elements or entries, a tag, or the bits of a floating-point number.
    let argument: UInt64
    /// The bytes that the head takes.
    let length: Int

    /// Reads the head at `index`; `nil` if it does not end within `bytes`. One whose ``information`` has no argument is
    /// read with 0.
    init?(in bytes: [UInt8], at index: Int) {
        guard index < bytes.count, let type = CBORType(rawValue: bytes[index] >> 5) else { return nil }
        self.type = type
        information = bytes[index] & 0x1F
        guard (24...27).contains(information) else {
            argument = information < 24 ? UInt64(information) : 0
            length = 1
            return
        }
        let width = 1 << Int(information - 24)
        guard bytes.count - index > width else { return nil }
        argument = bytes[(index + 1)...(index + width)].reduce(0) { $0 << 8 | UInt64($1) }
        length = 1 + width
    }
}
