import Testing

@testable import Telemetry

@Suite struct MetricFamilyTests {
    @Test("the same values give the same instrument, other values another")
    func identity() {
        let family = MetricsRegistry().counter("calls_total", help: "Calls.", labels: "method", "peer")
        #expect(family.series("a", "b") === family.series(["a", "b"]))
        #expect(family.series("a", "b") !== family.series("b", "a"))
    }

    @Test("above its limit a family's new series share one, which is counted each time")
    func overflow() {
        let registry = MetricsRegistry(maximumSeriesPerFamily: 3)
        let family = registry.counter("calls_total", help: "Calls.", labels: "method")
        let kept = (0..<3).map { family.series("\($0)") }
        let shared = family.series("3")
        #expect(family.series("4") === shared)
        #expect(kept.allSatisfy { $0 !== shared })
        #expect(family.series("1") === kept[1])
        shared.increment(by: 5)
        #expect(family.allSeries().count == 4)
        let text = String(decoding: PrometheusText.render(registry), as: UTF8.self)
        #expect(text.contains("calls_total{otel_metric_overflow=\"true\"} 5\n"))
        #expect(text.contains("metrics_series_overflow_total{metric=\"calls_total\"} 2\n"))
    }

    @Test("series are in the order of their values' bytes, however they were made")
    func order() {
        let family = MetricsRegistry().gauge("g", help: "G.", labels: "a", "b")
        for values in [["b", ""], ["a", "z"], ["é", ""], ["a", "b"], ["Z", ""]] { _ = family.series(values) }
        #expect(family.allSeries().map(\.values) == [["Z", ""], ["a", "b"], ["a", "z"], ["b", ""], ["é", ""]])
    }

    @Test("a wrong number of values is a mistake that traps with the metric's name")
    func wrongCount() async {
        await #expect(processExitsWith: .failure) {
            _ = MetricsRegistry().counter("calls_total", help: "", labels: "method").series("a", "b")
        }
    }
}
