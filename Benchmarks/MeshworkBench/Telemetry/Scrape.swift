import Telemetry

/// Milliseconds to write a page.
enum Scrape {
    static func run(rounds count: Int, into report: inout Report) {
        let mixed = MetricsRegistry()
        addCounters(1_480, to: mixed)
        // Each is 26 series to Prometheus.
        addHistograms(20, to: mixed)
        let histograms = MetricsRegistry()
        addHistograms(2_000, to: histograms)
        for (name, registry, target) in [
            ("2,000 series", mixed, 5), ("2,000 histograms, 52,000 series", histograms, nil),
        ] as [(String, MetricsRegistry, Double?)] {
            for (kind, format) in [("text", ExpositionFormat.prometheusText), ("OpenMetrics", .openMetrics)] {
                var rounds = Rounds(count: count)
                for _ in 0..<count {
                    let start = ProcessReport.processorSeconds()
                    let page = PrometheusText.render(registry, as: format)
                    let rendered = ProcessReport.processorSeconds()
                    copied(page)
                    rounds.add((rendered - start) * 1e3, to: "ours")
                    rounds.add((ProcessReport.processorSeconds() - rendered) * 1e3, to: "copy")
                }
                if let target {
                    report.add(
                        TelemetryCosts.figure("\(name), \(kind)", "ms", rounds.median("ours"), target: target))
                }
                report.add(
                    TelemetryCosts.figure(
                        "\(name), \(kind), beside copying the page", "ms", rounds.median("ours"),
                        peer: (rounds.median("copy"), "copy")))
            }
        }
    }

    private static func addCounters(_ count: Int, to registry: MetricsRegistry) {
        let counters = registry.counter("calls_total", help: "", labels: "method", "peer")
        for number in 0..<count { counters.series(labels(number)).increment(by: 12_345) }
    }

    private static func addHistograms(_ count: Int, to registry: MetricsRegistry) {
        let histograms = registry.histogram("wait_seconds", help: "", labels: "method", "peer")
        for number in 0..<count {
            let histogram = histograms.series(labels(number))
            for step in 1...40 { histogram.record(nanoseconds: Int64(step * step) * 100_000) }
        }
    }

    /// Labels as they are in a mesh.
    private static func labels(_ number: Int) -> [String] {
        ["shop.Scoring/Method\(number % 40)", "spiffe://shop.example/ns/web/sa/front\(number / 40)"]
    }

    private static func copied(_ page: [UInt8]) {
        var copy = page
        copy.append(0)
        precondition(copy.count > page.count)
    }
}
