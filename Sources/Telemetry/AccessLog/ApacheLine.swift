/// A line as Apache's `mod_log_config` writes it: `%h %l %u %t "%r" %>s %b`, and for the combined format
/// `"%{Referer}i" "%{User-agent}i"`.
enum ApacheLine {
    static func line(_ record: AccessRecord, isCombined: Bool) -> [UInt8] {
        var line: [UInt8] = []
        bare(record.peerAddress, into: &line)
        line += " - ".utf8
        bare(record.peer, into: &line)
        line += " [\(CivilTime(unixNanoseconds: record.unixNanoseconds).apache)] \"".utf8
        escape(record.httpMethod, into: &line)
        line.append(UInt8(ascii: " "))
        escape(record.path, into: &line)
        line.append(UInt8(ascii: " "))
        escape(record.version, into: &line)
        // A response without a body has `-`, not 0.
        line += "\" \(record.httpStatus) \(record.responseBytes > 0 ? "\(record.responseBytes)" : "-")".utf8
        if isCombined {
            for field in [record.referrer, record.userAgent] {
                line += " \"".utf8
                if let field, !field.isEmpty { escape(field, into: &line) } else { line.append(UInt8(ascii: "-")) }
                line.append(UInt8(ascii: "\""))
            }
        }
        line.append(UInt8(ascii: "\n"))
        return line
    }

    /// A field that no quotes surround: a space would end it.
    private static func bare(_ field: String?, into line: inout [UInt8]) {
        guard let field, !field.isEmpty else { return line.append(UInt8(ascii: "-")) }
        escape(field, alsoSpaces: true, into: &line)
    }

    /// As Apache since 2.0.46: quotes and backslashes after a backslash, the usual letters for control characters that have
    /// one, and everything else that is not printable ASCII as `\xhh`, byte by byte.
    private static func escape(_ field: String, alsoSpaces: Bool = false, into line: inout [UInt8]) {
        let kept = AccessLogFormat.kept(field)
        for byte in Substring(kept).utf8 {
            switch byte {
            case UInt8(ascii: "\""): line += "\\\"".utf8
            case UInt8(ascii: "\\"): line += "\\\\".utf8
            case UInt8(ascii: "\n"): line += "\\n".utf8
            case UInt8(ascii: "\r"): line += "\\r".utf8
            case UInt8(ascii: "\t"): line += "\\t".utf8
            case UInt8(ascii: " ") where !alsoSpaces: line.append(byte)
            case 0x21...0x7E: line.append(byte)
            default:
                line += "\\x".utf8
                Hexadecimal.append(UInt64(byte), digits: 2, to: &line)
            }
        }
        if kept.endIndex < field.endIndex { line += "...".utf8 }
    }
}
