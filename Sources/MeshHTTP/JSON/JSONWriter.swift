/// Writes JSON (RFC 8259) straight into bytes, without a tree in between.
package struct JSONWriter {
    /// The value of an answer's `Content-Type`.
    package static let contentType = "application/json"

    /// What has been written.
    package private(set) var bytes: [UInt8] = []
    /// Whether the next value or member of the current array or object is its first.
    private var isFirst = true

    package init(capacity: Int = 256) {
        bytes.reserveCapacity(capacity)
    }

    /// Writes an object whose members `body` writes with ``member(_:_:)``.
    package mutating func object<E>(_ body: (inout JSONWriter) throws(E) -> Void) throws(E) {
        try enclosed(by: "{", "}", body)
    }

    /// Writes a name and the value that `body` writes.
    package mutating func member<E>(_ name: String, _ body: (inout JSONWriter) throws(E) -> Void) throws(E) {
        separate()
        quote(name)
        bytes.append(UInt8(ascii: ":"))
        isFirst = true
        try body(&self)
        isFirst = false
    }

    /// Writes an array whose elements `body` writes, one after the other.
    package mutating func array<E>(_ body: (inout JSONWriter) throws(E) -> Void) throws(E) {
        try enclosed(by: "[", "]", body)
    }

    /// Writes text.
    package mutating func string(_ value: String) {
        separate()
        quote(value)
    }

    /// Writes a whole number.
    package mutating func integer(_ value: some BinaryInteger) {
        separate()
        bytes += value.description.utf8
    }

    /// Writes a finite number in the shortest form that reads back the same; JSON has no other numbers.
    package mutating func number(_ value: some BinaryFloatingPoint & CustomStringConvertible) {
        precondition(value.isFinite, "JSON has no \(value)")
        separate()
        bytes += value.description.utf8
    }

    /// Writes `true` or `false`.
    package mutating func bool(_ value: Bool) {
        separate()
        bytes += (value ? "true" : "false").utf8
    }

    private mutating func enclosed<E>(
        by start: Unicode.Scalar, _ end: Unicode.Scalar, _ body: (inout JSONWriter) throws(E) -> Void
    ) throws(E) {
        separate()
        bytes.append(UInt8(ascii: start))
        isFirst = true
        try body(&self)
        bytes.append(UInt8(ascii: end))
        isFirst = false
    }

    private mutating func separate() {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
    }

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): bytes += "\\\"".utf8
            case UInt8(ascii: "\\"): bytes += "\\\\".utf8
            case UInt8(ascii: "\n"): bytes += "\\n".utf8
            case UInt8(ascii: "\r"): bytes += "\\r".utf8
            case UInt8(ascii: "\t"): bytes += "\\t".utf8
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                bytes += "\\u00".utf8
                bytes.append(digits[Int(byte >> 4)])
                bytes.append(digits[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
