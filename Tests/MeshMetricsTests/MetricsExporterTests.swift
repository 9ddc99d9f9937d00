import CoreMetrics
import MeshMetrics
import MeshTransport
import MeshWire
import MeshworkTesting
import Telemetry
import Testing

/// A mesh's metrics in a back end of swift-metrics.
@Suite(.timeLimit(.minutes(5))) struct MetricsExporterTests {
    private let registry = MetricsRegistry(maximumSeriesPerFamily: 2)
    private let backEnd = KeptMetrics()

    @Test("histograms of values other than times are told by count and sum of what is new")
    func exportsValues() {
        let values = registry.values("staleness", help: "", labels: "table")
        let exporter = MetricsExporter(registry, to: backEnd)
        for value in [0.0, 4, 5] { values.series("a").record(value) }
        for _ in 0..<2 {
            exporter.export()
            #expect(backEnd.all["counter staleness_count{table=a}"] == 3)
            #expect(backEnd.all["sum staleness_sum{table=a}"] == 9)
        }
        values.series("a").record(1)
        exporter.export()
        #expect(backEnd.all["counter staleness_count{table=a}"] == 4)
        #expect(backEnd.all["sum staleness_sum{table=a}"] == 10)
    }

    @Test("counters are told as differences, gauges as they are, histograms by count, sum and quantiles of what is new")
    func exports() throws {
        let calls = registry.counter("calls_total", help: "", labels: "method", "peer")
        let open = registry.gauge("open", help: "")
        let times = registry.histogram("time_seconds", help: "", labels: "method")
        let exporter = MetricsExporter(registry, to: backEnd)
        calls.series("a", "").increment(by: 3)
        open.series().set(2)
        for milliseconds in 1...100 { times.series("a").record(.milliseconds(milliseconds)) }
        exporter.export()
        #expect(backEnd.all["counter calls_total{method=a}"] == 3)
        #expect(backEnd.all["meter open{}"] == 2)
        #expect(backEnd.all["counter time_seconds_count{method=a}"] == 100)
        #expect(abs((backEnd.all["sum time_seconds_sum{method=a}"] ?? 0) - 5.05) < 1e-6)
        let median = try #require(backEnd.all["meter time_seconds{method=a,quantile=0.5}"])
        #expect((0.048...0.053).contains(median), "\(median)")
        let made = backEnd.count
        exporter.export()
        #expect(backEnd.all["counter calls_total{method=a}"] == 3 && backEnd.count == made)
        calls.series("a", "").increment(by: 2)
        open.series().add(-1)
        times.series("a").record(.seconds(2))
        exporter.export()
        #expect(backEnd.all["counter calls_total{method=a}"] == 5)
        #expect(backEnd.all["meter open{}"] == 1)
        #expect(backEnd.all["counter time_seconds_count{method=a}"] == 101)
        // Of the one call since the last time, whatever the hundred before it were.
        let latest = try #require(backEnd.all["meter time_seconds{method=a,quantile=0.5}"])
        #expect((1.9...2.1).contains(latest), "\(latest)")
        #expect(backEnd.count == made)
    }

    @Test("there are no more instruments than the registry has series, and one for those that had no room")
    func bounded() {
        let family = registry.counter("calls_total", help: "", labels: "method")
        for method in 0..<50 { family.series("\(method)").increment() }
        MetricsExporter(registry, to: backEnd).export()
        let calls = backEnd.all.filter { $0.key.hasPrefix("counter calls_total") }
        #expect(calls.count == 3 && calls["counter calls_total{otel_metric_overflow=true}"] == 48)
    }

    @Test("it runs by the runtime's clock, exports a last time at its end, and gives the instruments back")
    func runs() async throws {
        let (registry, backEnd) = (registry, backEnd)
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let calls = registry.counter("calls_total", help: "").series()
            let exporter = MetricsExporter(registry, to: backEnd, every: .seconds(10), runtime: runtime)
            let last = KeptMetrics()
            let other = MetricsExporter(registry, to: last, every: .seconds(1_000), runtime: runtime)
            let task = runtime.spawn(on: runtime.taskExecutor) { _ = try? await exporter.run() }
            calls.increment()
            try await runtime.sleep(for: .seconds(9))
            #expect(backEnd.all.isEmpty)
            try await runtime.sleep(for: .seconds(2))
            #expect(backEnd.all["counter calls_total{}"] == 1)
            calls.increment(by: 4)
            try await runtime.sleep(for: .seconds(10))
            #expect(backEnd.all["counter calls_total{}"] == 5)
            task.cancel()
            await task.value
            #expect(backEnd.all.isEmpty && backEnd.count > 0)
            // What was counted since the last time is told before it ends: the factory saw the instruments come and go.
            let brief = runtime.spawn(on: runtime.taskExecutor) { _ = try? await other.run() }
            try await runtime.sleep(for: .seconds(1))
            #expect(last.count == 0)
            brief.cancel()
            await brief.value
            #expect(last.count > 0 && last.all.isEmpty)
        }
    }

    @Test("a registry that is both ends has each of its series once, and none of them grows by itself")
    func roundTrip() {
        let host = RegistryMetricsFactory(registry)
        let exporter = MetricsExporter(registry, to: host)
        let calls = registry.counter("calls_total", help: "").series()
        let times = registry.histogram("time_seconds", help: "").series()
        CoreMetrics.Counter(label: "orders", factory: host).increment(by: 2)
        calls.increment()
        times.record(nanoseconds: 1)
        for _ in 0..<3 { exporter.export() }
        let page = String(decoding: PrometheusText.render(registry), as: UTF8.self)
        #expect(page.contains("\ncalls_total 1\n") && page.contains("\norders_total 2\n"))
        #expect(page.contains("\ntime_seconds_count 1\n"))
        let elsewhere = KeptMetrics()
        MetricsExporter(registry, to: elsewhere).export()
        #expect(elsewhere.all["counter calls_total{}"] == 1)
        #expect(!elsewhere.all.keys.contains { $0.contains("orders") })
    }
}
