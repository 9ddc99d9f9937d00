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

    @Test("each shard sets its own part, and the value is their sum")
    func shards() {
        let registry = MetricsRegistry()
        let gauge = registry.gauge("depth", help: "Depth.").series()
        let (one, other) = (registry.makeShard(), registry.makeShard())
        gauge.set(3, on: one)
        gauge.set(4, on: other)
        gauge.set(0.5)
        #expect(gauge.value == 7.5)
        gauge.set(1, on: one)
        gauge.add(-1, on: other)
        #expect(gauge.value == 4.5)
        gauge.set(0)
        #expect(gauge.value == 4)
    }
}
