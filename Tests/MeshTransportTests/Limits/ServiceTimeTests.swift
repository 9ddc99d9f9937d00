import Testing

@testable import MeshTransport

@Suite struct ServiceTimeTests {
    @Test("it follows what is measured, and knows how far that is apart")
    func follows() throws {
        var time = ServiceTime()
        #expect(time.mean == nil && time.likely == 0)
        time.record(nanoseconds: 1_000)
        #expect(time.mean == 1_000 && time.likely == 1_500)
        for _ in 0..<500 { time.record(nanoseconds: 2_000) }
        #expect(abs(try #require(time.mean) - 2_000) < 1 && time.deviation < 1)
        for sample in 0..<1_000 { time.record(nanoseconds: sample.isMultiple(of: 2) ? 1_000 : 3_000) }
        #expect(abs(try #require(time.mean) - 2_000) < 50 && abs(time.deviation - 1_000) < 50)
    }

    @Test("a method's is the same, from any thread")
    func shared() throws {
        let shared = MethodServiceTime()
        #expect(shared.known.mean == nil)
        var alone = ServiceTime()
        for sample in 1...100 {
            alone.record(nanoseconds: Int64(sample * 1_000))
            shared.record(nanoseconds: Int64(sample * 1_000))
        }
        #expect(shared.known.mean == alone.mean && shared.known.deviation == alone.deviation)
    }
}
