import Testing

@testable import Telemetry

@Suite struct SpanRecordTests {
    private func span() throws -> SpanRecord {
        let context = try #require(TraceContext(traceparent: TraceContextTests.example))
        return SpanRecord(
            "s/M", kind: .client, context: context, parent: SpanID(1), startUnixNanoseconds: 100,
            endUnixNanoseconds: 250)
    }

    @Test("a span does not end before it begins")
    func times() throws {
        var span = try span()
        #expect(span.endUnixNanoseconds == 250)
        span.end(atUnixNanoseconds: 50)
        #expect(span.endUnixNanoseconds == 100)
    }

    @Test("attributes are kept in order, changed in place, and counted when there is no room")
    func attributes() throws {
        var span = try span()
        for number in 0..<40 { span.set("k\(number)", .int(Int64(number))) }
        span.set("k0", .bool(true))
        #expect(span.attributes.count == SpanRecord.maximumAttributes)
        #expect(span.droppedAttributes == 8)
        #expect(span.attributes.first == SpanRecord.Attribute("k0", .bool(true)))
        #expect(span.attributes.last?.key == "k31")
    }

    @Test("long strings are cut, between characters")
    func strings() throws {
        var span = try span()
        span.set("a", .string(String(repeating: "é", count: 600) + "x"))
        span.set("b", .string("x" + String(repeating: "é", count: 600)))
        span.set("c", .string("short"))
        span.set(.error(String(repeating: "e", count: 2_000)))
        #expect(span.attributes[0].value == .string(String(repeating: "é", count: 512)))
        #expect(span.attributes[1].value == .string("x" + String(repeating: "é", count: 511)))
        #expect(span.attributes[2].value == .string("short"))
        #expect(span.status == .error(String(repeating: "e", count: 1_024)))
        span.set(.ok)
        #expect(span.status == .ok)
    }
}
