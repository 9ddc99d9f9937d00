import Testing

@testable import Telemetry

@Suite struct GaugeTests {
    @Test("a gauge is set, raised and lowered")
    func values() {
        let gauge = Gauge()
        #expect(gauge.value == 0)
        gauge.set(2.5)
        gauge.add(1)
        gauge.add(-3)
        #expect(gauge.value == 0.5)
    }

    @Test("additions from many tasks add up")
    func concurrent() async {
        let gauge = Gauge()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { for _ in 0..<1_000 { gauge.add(0.5) } }
            }
        }
        #expect(gauge.value == 2_000)
    }
}
