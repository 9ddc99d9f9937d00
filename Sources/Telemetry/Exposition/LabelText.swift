/// Labels as the formats write them between a sample's braces, and what is escaped in them. Text and OpenMetrics agree on
/// all of it but quotes in help.
enum LabelText {
    /// The only label of a family's overflow series: OpenTelemetry's `otel.metric.overflow`.
    static let overflowName = "otel_metric_overflow"
    /// That label and its value.
    static let overflow = render([overflowName], ["true"])

    /// The labels that have values, in the order of `names`.
    static func render(_ names: [String], _ values: [String]) -> [UInt8] {
        var text: [UInt8] = []
        for (name, value) in zip(names, values) where !value.isEmpty { append(name, value, to: &text) }
        return text
    }

    /// Adds a label.
    static func append(_ name: String, _ value: String, to text: inout [UInt8]) {
        if !text.isEmpty { text.append(UInt8(ascii: ",")) }
        text += name.utf8
        text += "=\"".utf8
        escape(value, quotes: true, into: &text)
        text.append(UInt8(ascii: "\""))
    }

    /// Escapes backslashes and line feeds, and if asked quotes. Byte by byte: a combining character after a quote must not
    /// hide it.
    static func escape(_ value: String, quotes: Bool, into text: inout [UInt8]) {
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): text += "\\\\".utf8
            case UInt8(ascii: "\n"): text += "\\n".utf8
            case UInt8(ascii: "\"") where quotes: text += "\\\"".utf8
            default: text.append(byte)
            }
        }
    }
}
