import Testing

@testable import Telemetry

@Suite struct ExpositionWriterTests {
    @Test("numbers that are not finite have the formats' names")
    func numbers() {
        #expect(ExpositionWriter.text(of: .infinity) == "+Inf")
        #expect(ExpositionWriter.text(of: -.infinity) == "-Inf")
        #expect(ExpositionWriter.text(of: .nan) == "NaN")
        #expect(ExpositionWriter.text(of: 1e300) == "1e+300")
    }

    @Test(
        "counts are written in decimal digits",
        arguments: [0, 1, 9, 10, 99, 100, 1_234_567_890, UInt64.max - 1, UInt64.max])
    func counts(value: UInt64) {
        var writer = ExpositionWriter()
        writer.text("a ")
        writer.number(value)
        writer.byte("\n")
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "a \(value)\n")
    }

    @Test("an exemplar's time is in seconds with nine decimals, and is left out before 1970")
    func exemplars() throws {
        func text(_ time: Int64?) throws -> String {
            var writer = ExpositionWriter()
            writer.exemplar(
                Exemplar(
                    traceID: try #require(TraceID(high: 1, low: 2)), spanID: try #require(SpanID(3)),
                    unixNanoseconds: time), value: 0.5)
            return String(decoding: writer.bytes, as: UTF8.self)
        }
        let ids = #" # {trace_id="00000000000000010000000000000002",span_id="0000000000000003"} 0.5"#
        #expect(try text(nil) == ids)
        #expect(try text(1_700_000_000_000_000_001) == ids + " 1700000000.000000001")
        #expect(try text(-1) == ids)
    }
}
