import Testing

@testable import Telemetry

@Suite struct TraceIDTests {
    /// All zero, which no identifier may be.
    private struct Zeros: RandomNumberGenerator {
        func next() -> UInt64 { 0 }
    }

    @Test("all zero is no identifier, and no generator makes one")
    func zero() {
        #expect(TraceID(high: 0, low: 0) == nil)
        #expect(SpanID(0) == nil)
        var zeros = Zeros()
        #expect(TraceID(using: &zeros).description == "00000000000000000000000000000001")
        #expect(SpanID(using: &zeros).description == "0000000000000001")
    }

    @Test("identifiers are written in lowercase hexadecimal digits of fixed width")
    func text() throws {
        #expect(try #require(TraceID(high: 0xAB, low: .max)).description == "00000000000000abffffffffffffffff")
        #expect(try #require(SpanID(0xC)).description == "000000000000000c")
    }
}
