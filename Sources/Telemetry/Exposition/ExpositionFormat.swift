/// The formats that metrics are written in.
public struct ExpositionFormat: Sendable, Hashable {
    /// The value of an HTTP answer's `Content-Type`.
    public let contentType: String

    /// Prometheus' text format 0.0.4, which everything reads.
    public static let prometheusText = ExpositionFormat(contentType: "text/plain; version=0.0.4; charset=utf-8")
    /// OpenMetrics 1.0.0, which has exemplars and units, and an end by which a page that was cut short is recognised.
    public static let openMetrics = ExpositionFormat(
        contentType: "application/openmetrics-text; version=1.0.0; charset=utf-8")

    /// The format that an HTTP request's `Accept` asks for most (RFC 9110, 12.5.1).
    ///
    /// OpenMetrics only for who names its version 1.0.0 or none; among equals it is preferred, as Prometheus does. Whatever
    /// else is asked for, or nothing, gets the text format, which is what a browser or `curl` expects. Parts that cannot be
    /// read are left out.
    ///
    /// - Parameter accept: the field's value; several fields are joined by commas.
    public static func negotiate(accept: String?) -> ExpositionFormat {
        var (openMetrics, text) = (0, 0)
        for range in AcceptField.ranges(accept ?? "").prefix(64) {
            switch range.type {
            case "application/openmetrics-text":
                if range.version == nil || range.version == "1.0.0" { openMetrics = max(openMetrics, range.quality) }
            case "text/plain":
                if range.version == nil || range.version == "0.0.4" { text = max(text, range.quality) }
            case "text/*", "*/*": text = max(text, range.quality)
            default: break
            }
        }
        return openMetrics > 0 && openMetrics >= text ? .openMetrics : .prometheusText
    }
}

/// The media ranges of an `Accept` field.
enum AcceptField {
    struct Range: Equatable {
        /// Lowercase, such as `text/plain`.
        var type: String
        /// The parameter `version`, unquoted.
        var version: String?
        /// `q` in thousandths: 1,000 unless it is given, 0 means never.
        var quality = 1_000
    }

    static func ranges(_ text: String) -> [Range] {
        split(text, at: UInt8(ascii: ",")).compactMap(range)
    }

    private static func range(_ text: Substring.UTF8View.SubSequence) -> Range? {
        let parts = split(String(decoding: text, as: UTF8.self), at: UInt8(ascii: ";")).map(trimmed)
        guard let type = parts.first, !type.isEmpty else { return nil }
        var range = Range(type: String(decoding: type, as: UTF8.self).lowercased())
        for part in parts.dropFirst() {
            guard let equals = part.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let name = String(decoding: trimmed(part[..<equals]), as: UTF8.self).lowercased()
            let value = unquoted(trimmed(part[part.index(after: equals)...]))
            if name == "version" { range.version = String(decoding: value, as: UTF8.self) }
            if name == "q" {
                guard let quality = quality(value) else { return nil }
                range.quality = quality
            }
        }
        return range
    }

    /// `0`, `1`, or with up to three decimals (RFC 9110, 12.4.2), in thousandths.
    private static func quality(_ text: [UInt8]) -> Int? {
        guard let first = text.first, first == UInt8(ascii: "0") || first == UInt8(ascii: "1"), text.count <= 5 else {
            return nil
        }
        if text.count > 1, text[1] != UInt8(ascii: ".") { return nil }
        var decimals = 0
        for place in 2..<5 {
            let digit = place < text.count ? text[place] : UInt8(ascii: "0")
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            decimals = decimals * 10 + Int(digit - UInt8(ascii: "0"))
        }
        let quality = Int(first - UInt8(ascii: "0")) * 1_000 + decimals
        return quality <= 1_000 ? quality : nil
    }

    /// Splits where a separator stands outside quotes.
    private static func split(_ text: String, at separator: UInt8) -> [Substring.UTF8View.SubSequence] {
        var (isQuoted, isEscaped) = (false, false)
        return text[...].utf8.split(omittingEmptySubsequences: true) { byte in
            if isEscaped {
                isEscaped = false
                return false
            }
            switch byte {
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: "\\"): isEscaped = isQuoted
            default: break
            }
            return byte == separator && !isQuoted
        }
    }

    private static func trimmed(_ text: some BidirectionalCollection<UInt8>) -> [UInt8] {
        let isSpace: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        return Array(Array(text.drop(while: isSpace)).reversed().drop(while: isSpace).reversed())
    }

    private static func unquoted(_ text: [UInt8]) -> [UInt8] {
        let quote = UInt8(ascii: "\"")
        guard text.count >= 2, text.first == quote, text.last == quote else { return text }
        var (value, isEscaped) = ([UInt8](), false)
        for byte in text.dropFirst().dropLast() {
            if byte == UInt8(ascii: "\\"), !isEscaped {
                isEscaped = true
            } else {
                value.append(byte)
                isEscaped = false
            }
        }
        return value
    }
}
