import Foundation
import Testing

@testable import Telemetry

@Suite struct AccessLogFormatTests {
    static let record = AccessRecord(
        unixNanoseconds: 971_186_136_000_000_001, peerAddress: "10.0.0.1:40100", peer: "spiffe://shop.example/web",
        httpMethod: "POST", path: "/shop.Scoring/Score", version: "HTTP/2.0", httpStatus: 200, status: "ok",
        requestBytes: 12, responseBytes: 345, nanoseconds: 1_066_000, userAgent: "curl/8", referrer: nil,
        traceID: TraceID(high: 1, low: 2), policy: "web-may-score")

    private func text(_ format: AccessLogFormat, _ record: AccessRecord) -> String {
        String(decoding: format.line(record), as: UTF8.self)
    }

    @Test("Apache's formats are as Apache writes them")
    func apache() {
        let common =
            #"10.0.0.1:40100 - spiffe://shop.example/web [10/Oct/2000:13:55:36 +0000] "POST /shop.Scoring/Score HTTP/2.0" 200 345"#
        #expect(text(.apacheCommon, Self.record) == common + "\n")
        #expect(text(.apacheCombined, Self.record) == common + " \"-\" \"curl/8\"\n")
    }

    @Test("JSON has the same members in the same order, and leaves out what has no value")
    func json() {
        #expect(
            text(.json, Self.record)
                == #"{"timestamp":"2000-10-10T13:55:36.000000001Z","client.addr":"10.0.0.1:40100","#
                + #""client.id":"spiffe://shop.example/web","method":"POST","path":"/shop.Scoring/Score","#
                + #""version":"HTTP/2.0","status":200,"mesh_status":"ok","request_bytes":12,"response_bytes":345,"#
                + #""total_ns":1066000,"user_agent":"curl/8","trace_id":"00000000000000010000000000000002","#
                + #""policy":"web-may-score"}"# + "\n")
        let bare = AccessRecord(
            unixNanoseconds: 0, httpMethod: "GET", path: "/", version: "HTTP/1.1", httpStatus: 404, nanoseconds: 5)
        #expect(
            text(.json, bare)
                == #"{"timestamp":"1970-01-01T00:00:00.000000000Z","method":"GET","path":"/","version":"HTTP/1.1","#
                + #""status":404,"request_bytes":0,"response_bytes":0,"total_ns":5}"# + "\n")
        #expect(text(.apacheCommon, bare) == "- - - [01/Jan/1970:00:00:00 +0000] \"GET / HTTP/1.1\" 404 -\n")
    }

    @Test("a field cannot end a line, leave its quotes or speak to a terminal")
    func hostile() {
        var record = Self.record
        record.peer = "a b\"]"
        record.path = "/\" 200 1\n10.0.0.2 - \\\u{1B}[2J\u{9B}é\r\t\0"
        record.userAgent = ""
        #expect(
            text(.apacheCombined, record)
                == #"10.0.0.1:40100 - a\x20b\"] [10/Oct/2000:13:55:36 +0000] "#
                + #""POST /\" 200 1\n10.0.0.2 - \\\x1b[2J\xc2\x9b\xc3\xa9\r\t\x00 HTTP/2.0" 200 345 "-" "-""# + "\n")
        let json = text(.json, record)
        #expect(json.contains(#""path":"/\" 200 1\n10.0.0.2 - \\\u001b[2J\u009bé\r\t\u0000""#))
    }

    @Test("whatever is logged is one line that reads back, in every format")
    func property() throws {
        let seed: UInt64 = 0xACCE55
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        struct Line: Decodable {
            let path: String
            let userAgent: String?
        }
        for _ in 0..<500 {
            func hostile() -> String {
                let count = Int.random(in: 0...12, using: &generator)
                let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
                return String(decoding: bytes, as: UTF8.self)
            }
            var record = Self.record
            record.path = hostile()
            record.userAgent = hostile()
            record.peer = hostile()
            for format in [AccessLogFormat.apacheCommon, .apacheCombined, .json] {
                let line = format.line(record)
                #expect(line.last == UInt8(ascii: "\n"))
                #expect(!line.dropLast().contains { $0 < 0x20 || $0 == 0x7F })
                if format == .json {
                    let read = try decoder.decode(Line.self, from: Data(line))
                    #expect(read.path == record.path && read.userAgent == record.userAgent)
                } else {
                    #expect(line.allSatisfy { $0 < 0x7F })
                }
            }
        }
    }

    @Test("a long field is cut between characters and says so")
    func long() {
        var record = Self.record
        record.path = "x" + String(repeating: "é", count: 2_000)
        #expect(text(.json, record).contains("\"path\":\"x" + String(repeating: "é", count: 1_023) + "...\""))
        #expect(
            text(.apacheCommon, record).contains("POST x" + String(repeating: "\\xc3\\xa9", count: 1_023) + "... HTTP"))
        record.path = String(repeating: "x", count: AccessLogFormat.maximumFieldBytes)
        #expect(!text(.json, record).contains("..."))
    }
}
