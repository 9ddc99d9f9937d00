/// The bytes of a page of metrics as it is written. Bytes and no strings on the way: a page may have a hundred thousand
/// lines.
struct ExpositionWriter {
    private(set) var bytes: [UInt8] = []

    /// Makes room at once for what will be written, about.
    mutating func reserve(_ count: Int) { bytes.reserveCapacity(max(bytes.count + count, bytes.count * 2)) }

    mutating func text(_ text: String) { bytes += text.utf8 }

    mutating func text(_ text: [UInt8]) { bytes += text }

    mutating func byte(_ scalar: Unicode.Scalar) { bytes.append(UInt8(ascii: scalar)) }

    /// A count, in decimal digits.
    mutating func number(_ value: UInt64) {
        if value < 10 { return bytes.append(UInt8(ascii: "0") + UInt8(value)) }
        var (digits, rest) = (0, value)
        while rest > 0 {
            rest /= 10
            digits += 1
        }
        bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: digits))
        var place = bytes.count - 1
        rest = value
        while rest > 0 {
            bytes[place] += UInt8(rest % 10)
            rest /= 10
            place -= 1
        }
    }

    mutating func number(_ value: Double) { text(Self.text(of: value)) }

    /// A number as both formats want it: Swift's shortest form that reads back the same, `+Inf`, `-Inf` and `NaN`.
    static func text(of value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value.description
    }

    /// A line's name and labels.
    mutating func sample(_ name: String, _ labels: [UInt8]) {
        text(name)
        if !labels.isEmpty {
            byte("{")
            text(labels)
            byte("}")
        }
        byte(" ")
    }

    /// An exemplar after a sample's value, as OpenMetrics writes it.
    mutating func exemplar(_ exemplar: Exemplar, value: some LosslessStringConvertible) {
        text(" # {trace_id=\"\(exemplar.traceID)\",span_id=\"\(exemplar.spanID)\"} \(value)")
        guard let time = exemplar.unixNanoseconds, time >= 0 else { return }
        let fraction = String(time % 1_000_000_000)
        text(" \(time / 1_000_000_000).\(String(repeating: "0", count: 9 - fraction.utf8.count))\(fraction)")
    }
}
