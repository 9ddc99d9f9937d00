import CoreMetrics
import MeshMetrics
import Telemetry
import TestSupport
import Testing

/// A host's instruments of swift-metrics on the mesh's page.
@Suite struct RegistryMetricsFactoryTests {
    private typealias Counter = CoreMetrics.Counter
    private typealias Gauge = CoreMetrics.Gauge

    private let registry = MetricsRegistry(maximumSeriesPerFamily: 3)
    private let factory: RegistryMetricsFactory

    init() { factory = RegistryMetricsFactory(registry) }

    private var page: [String] {
        String(decoding: PrometheusText.render(registry), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private func lines(_ name: String) -> [String] { page.filter { $0.hasPrefix(name) } }

    @Test("each kind of instrument is on the page under a name of Prometheus'")
    func kinds() {
        let counter = Counter(label: "orders.placed", dimensions: [("region", "eu"), ("a-b", "1")], factory: factory)
        counter.increment(by: 3)
        counter.increment()
        Counter(label: "orders.placed", dimensions: [], factory: factory).increment()
        FloatingPointCounter(label: "euros", factory: factory).increment(by: 2.5)
        let meter = Meter(label: "depth", factory: factory)
        meter.set(7)
        meter.increment(by: 2.5)
        meter.decrement(by: 1)
        Gauge(label: "level", factory: factory).record(4)
        let timer = Timer(label: "checkout", factory: factory)
        timer.recordMilliseconds(3)
        timer.recordNanoseconds(1)
        let recorder = Recorder(label: "basket size", factory: factory)
        for value in [0, 1, 4, 5, 1_000_000] { recorder.record(value) }
        recorder.record(-2.5)
        #expect(
            lines("orders_placed_total") == [
                "orders_placed_total 1", "orders_placed_total{a_b=\"1\",region=\"eu\"} 4",
            ])
        #expect(lines("# TYPE orders_placed_total") == ["# TYPE orders_placed_total counter"])
        #expect(lines("euros_total") == ["euros_total 2.5"])
        #expect(lines("depth") == ["depth 8.5"])
        #expect(lines("level") == ["level 4.0"])
        #expect(lines("checkout_seconds_count") == ["checkout_seconds_count 2"])
        #expect(lines("checkout_seconds_bucket{le=\"0.00390625\"}") == ["checkout_seconds_bucket{le=\"0.00390625\"} 2"])
        #expect(lines("basket_size_bucket{le=\"1.0\"}") == ["basket_size_bucket{le=\"1.0\"} 3"])
        #expect(lines("basket_size_bucket{le=\"4.0\"}") == ["basket_size_bucket{le=\"4.0\"} 4"])
        #expect(lines("basket_size_bucket{le=\"16.0\"}") == ["basket_size_bucket{le=\"16.0\"} 5"])
        #expect(lines("basket_size_bucket{le=\"+Inf\"}") == ["basket_size_bucket{le=\"+Inf\"} 6"])
        #expect(lines("basket_size_sum") == ["basket_size_sum 1000007.5"])
        #expect(lines("basket_size_count") == ["basket_size_count 6"])
    }

    @Test("the same page reads as OpenMetrics")
    func openMetrics() {
        Counter(label: "orders", factory: factory).increment()
        Recorder(label: "size", factory: factory).record(1)
        let page = String(decoding: PrometheusText.render(registry, as: .openMetrics), as: UTF8.self)
        #expect(page.contains("# TYPE orders counter\n") && page.contains("\norders_total 1\n"))
        #expect(page.contains("# TYPE size histogram\n") && page.hasSuffix("# EOF\n"))
    }

    @Test("what counts up neither falls nor takes what is no number, and may begin at zero again")
    func counters() {
        let counter = Counter(label: "c", factory: factory)
        let sum = FloatingPointCounter(label: "s", factory: factory)
        counter.increment(by: 5)
        counter.increment(by: -3)
        for amount in [1.5, -1, .nan, .infinity] { sum.increment(by: amount) }
        #expect(lines("c_total") == ["c_total 5"] && lines("s_total") == ["s_total 1.5"])
        counter.reset()
        sum.reset()
        counter.increment()
        #expect(lines("c_total") == ["c_total 1"] && lines("s_total") == ["s_total 0.0"])
    }

    @Test("a series goes when all who asked for it have given it back, and begins at zero when it comes again")
    func destroy() {
        let first = Counter(label: "c", dimensions: [("k", "v")], factory: factory)
        let second = Counter(label: "c", dimensions: [("k", "v")], factory: factory)
        first.increment()
        first.destroy()
        first.destroy()
        second.increment()
        #expect(lines("c_total") == ["c_total{k=\"v\"} 2"])
        second.destroy()
        #expect(lines("c_total").isEmpty)
        Counter(label: "c", dimensions: [("k", "v")], factory: factory).increment()
        #expect(lines("c_total") == ["c_total{k=\"v\"} 1"])
        for label in ["t", "r", "m", "f"] {
            switch label {
            case "t":
                let timer = Timer(label: label, factory: factory)
                timer.recordNanoseconds(1)
                timer.destroy()
            case "r":
                let recorder = Recorder(label: label, factory: factory)
                recorder.record(1)
                recorder.destroy()
            case "m":
                let meter = Meter(label: label, factory: factory)
                meter.set(1)
                meter.destroy()
            default:
                let counter = FloatingPointCounter(label: label, factory: factory)
                counter.increment(by: 1)
                counter.destroy()
            }
        }
        #expect(page.filter { ["t_", "r_", "m ", "f_"].contains(String($0.prefix(2))) }.isEmpty)
    }

    @Test("label values beyond the limit share one series, and that is counted")
    func cap() {
        for value in 0..<5 {
            Counter(label: "c", dimensions: [("k", "\(value)")], factory: factory).increment()
        }
        #expect(
            lines("c_total") == [
                "c_total{k=\"0\"} 1", "c_total{k=\"1\"} 1", "c_total{k=\"2\"} 1",
                "c_total{otel_metric_overflow=\"true\"} 2",
            ])
        #expect(lines("metrics_series_overflow_total") == ["metrics_series_overflow_total{metric=\"c_total\"} 2"])
    }

    @Test("a name of the mesh's, or of another kind, is not to be had, and taking one first does not help")
    func conflicts() {
        registry.counter("request_total", help: "", labels: "method").series("m").increment()
        Counter(label: "request", factory: factory).increment(by: 100)
        Counter(label: "x", factory: factory).increment()
        Meter(label: "x_total", factory: factory).set(5)
        #expect(lines("request_total") == ["request_total{method=\"m\"} 1"])
        #expect(lines("x_total") == ["x_total 1"])
        #expect(
            lines("metrics_name_conflicts_total") == [
                "metrics_name_conflicts_total{metric=\"request\"} 1",
                "metrics_name_conflicts_total{metric=\"x_total\"} 1",
            ])
        let early = Counter(label: "attempt", factory: factory)
        early.increment(by: 100)
        registry.counter("attempt_total", help: "").series().increment()
        early.increment()
        #expect(lines("attempt_total") == ["attempt_total 1"])
        // A name that is one of a family's samples, too.
        Meter(label: "wait_seconds_count", factory: factory).set(1)
        registry.histogram("wait_seconds", help: "").series().record(nanoseconds: 1)
        #expect(lines("wait_seconds_count") == ["wait_seconds_count 1"])
    }

    @Test("names and labels are made fit for the page, whatever they are")
    func names() {
        Counter(label: "1st ünit", dimensions: [("le", "a\"b\n"), ("__x", "y"), ("", "z")], factory: factory)
            .increment()
        #expect(lines("_1st").count == 1)
        #expect(lines("_1st")[0].contains("label_le=\"a\\\"b\\n\""))
        #expect(lines("_1st")[0].contains("label__x=\"y\""))
        #expect(lines("_1st")[0].hasPrefix("_1st___nit_total{"))
    }
}
