/// The formats of an access log: one line a request.
///
/// Whatever a request holds, a line stays a line: control characters, and what would end a field, are escaped as the
/// format does it, and fields of more than ``maximumFieldBytes`` are cut.
public struct AccessLogFormat: Sendable, Hashable {
    private enum Kind {
        case common, combined, json
    }

    private let kind: Kind

    /// Apache's common log format: address, identity, time, request line, status and bytes. The peer's SPIFFE ID stands
    /// where the user's name does.
    public static let apacheCommon = AccessLogFormat(kind: .common)
    /// The common format, and the referrer and the user agent.
    public static let apacheCombined = AccessLogFormat(kind: .combined)
    /// A JSON object a line. What has no value is left out.
    public static let json = AccessLogFormat(kind: .json)

    /// The most bytes of a field as the request had it; of a longer one the beginning is kept, and `...` after it.
    public static let maximumFieldBytes = 2_048

    /// A line, with the line feed at its end.
    public func line(_ record: AccessRecord) -> [UInt8] {
        switch kind {
        case .common: ApacheLine.line(record, isCombined: false)
        case .combined: ApacheLine.line(record, isCombined: true)
        case .json: JSONLine.line(record)
        }
    }

    /// The scalars of a field that are kept.
    static func kept(_ field: String) -> Substring.UnicodeScalarView {
        var (end, bytes) = (field.unicodeScalars.startIndex, 0)
        while end < field.unicodeScalars.endIndex {
            bytes += UTF8.width(field.unicodeScalars[end])
            if bytes > maximumFieldBytes { break }
            field.unicodeScalars.formIndex(after: &end)
        }
        return field.unicodeScalars[..<end]
    }
}
