import Testing

@testable import Telemetry

@Suite struct MetricsRegistryTests {
    @Test("asking twice gives the same family")
    func same() {
        let registry = MetricsRegistry()
        #expect(
            registry.histogram("a_seconds", help: "A.", labels: "x")
                === registry.histogram("a_seconds", help: "A.", labels: "x"))
        #expect(registry.gauge("b", help: "B.") === registry.gauge("b", help: "B."))
        #expect(registry.counter("c_total", help: "C.") === registry.counter("c_total", help: "C."))
    }

    @Test("names, kinds and labels that cannot be rendered together are mistakes that trap")
    func mistakes() async {
        await #expect(processExitsWith: .failure) { _ = MetricsRegistry().gauge("a-b", help: "") }
        await #expect(processExitsWith: .failure) { _ = MetricsRegistry().gauge("a", help: "", labels: "b-c") }
        await #expect(processExitsWith: .failure) { _ = MetricsRegistry().gauge("a", help: "", labels: "b", "b") }
        await #expect(processExitsWith: .failure) { _ = MetricsRegistry().counter("a", help: "") }
        await #expect(processExitsWith: .failure) { _ = MetricsRegistry().histogram("a", help: "") }
        await #expect(processExitsWith: .failure) {
            _ = MetricsRegistry().histogram("a_seconds", help: "", labels: "le")
        }
        await #expect(processExitsWith: .failure) {
            let registry = MetricsRegistry()
            _ = registry.gauge("a_total", help: "")
            _ = registry.counter("a_total", help: "")
        }
        await #expect(processExitsWith: .failure) {
            let registry = MetricsRegistry()
            _ = registry.gauge("a", help: "", labels: "x")
            _ = registry.gauge("a", help: "", labels: "y")
        }
        await #expect(processExitsWith: .failure) {
            let registry = MetricsRegistry()
            _ = registry.histogram("a_seconds", help: "")
            _ = registry.gauge("a_seconds_count", help: "")
        }
        await #expect(processExitsWith: .failure) {
            // OpenMetrics calls the counter `a`.
            let registry = MetricsRegistry()
            _ = registry.counter("a_total", help: "")
            _ = registry.gauge("a", help: "")
        }
        await #expect(processExitsWith: .failure) {
            _ = MetricsRegistry().gauge("a", help: "", labels: "otel_metric_overflow")
        }
        await #expect(processExitsWith: .failure) { _ = MetricsRegistry(maximumSeriesPerFamily: 0) }
        await #expect(processExitsWith: .failure) { _ = MetricsRegistry(maximumShards: -1) }
    }

    @Test("families asked for by many tasks at once are the same")
    func concurrent() async {
        let registry = MetricsRegistry()
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for step in 0..<100 {
                        registry.counter("calls_total", help: "Calls.", labels: "n").series("\((task + step) % 10)")
                            .increment()
                    }
                }
            }
        }
        let family = registry.counter("calls_total", help: "Calls.", labels: "n")
        #expect(family.allSeries().map(\.instrument.value).reduce(0, +) == 800)
        #expect(family.allSeries().count == 10)
    }
}
