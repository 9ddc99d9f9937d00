import Testing

@testable import Telemetry

@Suite struct CounterTests {
    @Test("increments from many tasks add up")
    func increments() async {
        let counter = Counter()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { for _ in 0..<1_000 { counter.increment() } }
            }
        }
        counter.increment(by: 10)
        #expect(counter.value == 4_010)
    }

    @Test("the last exemplar is kept with the amount it stands for")
    func exemplar() throws {
        let counter = Counter()
        #expect(counter.exemplar == nil)
        let exemplar = Exemplar(
            traceID: try #require(TraceID(high: 1, low: 2)), spanID: try #require(SpanID(3)), unixNanoseconds: 4)
        counter.increment(by: 7, exemplar: exemplar)
        counter.increment()
        #expect(counter.value == 8)
        #expect(counter.exemplar?.value == 7)
        #expect(counter.exemplar?.exemplar == exemplar)
    }
}
