import Testing

@testable import Telemetry

@Suite struct SpanRingTests {
    private func span(_ number: Int64) throws -> SpanRecord {
        let context = try #require(TraceContext(traceparent: TraceContextTests.example))
        return SpanRecord(
            "\(number)", kind: .internal, context: context, startUnixNanoseconds: number, endUnixNanoseconds: number)
    }

    @Test("a full ring forgets its oldest, and says how many")
    func bounded() throws {
        let ring = SpanRing(capacity: 3)
        for number in 0..<5 { ring.record(try span(Int64(number))) }
        #expect(ring.spans.map(\.name) == ["2", "3", "4"])
        #expect(ring.forgotten == 2)
    }

    @Test("what is taken is gone, and it fills again in order")
    func take() throws {
        let ring = SpanRing(capacity: 3)
        for number in 0..<4 { ring.record(try span(Int64(number))) }
        #expect(ring.take().map(\.name) == ["1", "2", "3"])
        #expect(ring.spans.isEmpty)
        ring.record(try span(9))
        #expect(ring.take().map(\.name) == ["9"])
        #expect(ring.forgotten == 1)
    }

    @Test("a ring without room is a mistake that traps")
    func capacity() async {
        await #expect(processExitsWith: .failure) { _ = SpanRing(capacity: 0) }
    }

    @Test("spans from many tasks are all kept or counted")
    func concurrent() async throws {
        let ring = SpanRing(capacity: 100)
        let span = try span(1)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { for _ in 0..<100 { ring.record(span) } } }
        }
        #expect(ring.spans.count == 100)
        #expect(ring.forgotten == 300)
    }
}
