/// Protobuf's wire types (encoding specification, "Message Structure"); groups are refused.
enum WireType: UInt8 {
    case varint = 0
    case fixed64 = 1
    case lengthDelimited = 2
    case fixed32 = 5
}

extension UInt32 {
    /// The largest field number that protobuf allows, 2²⁹ − 1.
    static let largestFieldNumber: UInt32 = (1 << 29) - 1
}
