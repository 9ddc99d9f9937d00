/// The encoding of `grpc-message`: UTF-8 whose bytes outside of printable ASCII, and `%`, are written as `%` and two hex
/// digits.
enum PercentEncoding {
    /// The encoded text, cut off before a character that would take it over `limit` bytes.
    static func encode(_ text: String, limit: Int) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(limit, text.utf8.count))
        for scalar in text.unicodeScalars {
            let start = bytes.count
            for byte in UTF8.encode(scalar)! { append(byte, to: &bytes) }
            guard bytes.count <= limit else {
                bytes.removeLast(bytes.count - start)
                break
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The text. What is not an escape is kept as it is, and bytes that are not UTF-8 are replaced: a text for people is
    /// never a reason to lose the status that it belongs to.
    static func decode(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let escaped = escape(in: rest) {
                bytes.append(escaped)
                rest.removeFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func append(_ byte: UInt8, to bytes: inout [UInt8]) {
        if (0x20...0x7E).contains(byte), byte != UInt8(ascii: "%") {
            bytes.append(byte)
        } else {
            bytes += [UInt8(ascii: "%"), digit(byte >> 4), digit(byte & 0xF)]
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }

    private static func escape(in text: Substring.UTF8View) -> UInt8? {
        guard let high = text.first, let low = text.dropFirst().first, let high = value(of: high),
            let low = value(of: low)
        else { return nil }
        return high << 4 | low
    }

    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
