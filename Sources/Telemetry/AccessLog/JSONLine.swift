/// A line as a JSON object (RFC 8259), its members always in the same order.
enum JSONLine {
    static func line(_ record: AccessRecord) -> [UInt8] {
        var line = Array("{\"timestamp\":\"\(CivilTime(unixNanoseconds: record.unixNanoseconds).iso8601)\"".utf8)
        member("client.addr", record.peerAddress, into: &line)
        member("client.id", record.peer, into: &line)
        member("method", record.httpMethod, into: &line)
        member("path", record.path, into: &line)
        member("version", record.version, into: &line)
        line += ",\"status\":\(record.httpStatus)".utf8
        member("mesh_status", record.status, into: &line)
        line += ",\"request_bytes\":\(record.requestBytes),\"response_bytes\":\(record.responseBytes)".utf8
        line += ",\"total_ns\":\(record.nanoseconds)".utf8
        member("user_agent", record.userAgent, into: &line)
        member("referrer", record.referrer, into: &line)
        member("trace_id", record.traceID?.description, into: &line)
        member("policy", record.policy, into: &line)
        line += "}\n".utf8
        return line
    }

    private static func member(_ name: StaticString, _ value: String?, into line: inout [UInt8]) {
        guard let value else { return }
        line += ",\"\(name)\":\"".utf8
        let kept = AccessLogFormat.kept(value)
        for scalar in kept {
            switch scalar {
            case "\"": line += "\\\"".utf8
            case "\\": line += "\\\\".utf8
            case "\n": line += "\\n".utf8
            case "\r": line += "\\r".utf8
            case "\t": line += "\\t".utf8
            // What a terminal obeys, and what some readers take for the end of a line.
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
                line += "\\u".utf8
                Hexadecimal.append(UInt64(scalar.value), digits: 4, to: &line)
            default: line += UTF8.encode(scalar).map { Array($0) } ?? []
            }
        }
        if kept.endIndex < value.endIndex { line += "...".utf8 }
        line.append(UInt8(ascii: "\""))
    }
}
