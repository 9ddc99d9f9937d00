/// Numbers as lowercase hexadecimal digits of fixed width, as trace context writes them.
enum Hexadecimal {
    private static let digits = Array("0123456789abcdef".utf8)

    /// All 16 digits.
    static func text(_ value: UInt64) -> String {
        var text: [UInt8] = []
        append(value, digits: 16, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// The last `count` digits, the most significant first.
    static func append(_ value: UInt64, digits count: Int, to text: inout [UInt8]) {
        for place in stride(from: count - 1, through: 0, by: -1) {
            text.append(digits[Int(value >> UInt64(place * 4) & 0xF)])
        }
    }

    /// The number that up to 16 digits write; nil: one is no digit, or is uppercase.
    static func value(_ text: some Collection<UInt8>) -> UInt64? {
        guard !text.isEmpty, text.count <= 16 else { return nil }
        var value: UInt64 = 0
        for byte in text {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }
}
