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
}
