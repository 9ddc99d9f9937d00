import Testing

@testable import Telemetry

/// Reads our pages with the parsers of Prometheus' own Python client, one for each format.
@Suite(.enabled(if: PythonClient.path != nil, "prometheus_client is not installed and could not be fetched"))
struct PrometheusParserTests {
    static let formats: [ExpositionFormat] = [.prometheusText, .openMetrics]

    @Test("the client reads back every family, label and value", arguments: formats)
    func parses(format: ExpositionFormat) throws {
        let registry = MetricsRegistry(maximumSeriesPerFamily: 3)
        let odd = [
            "plain", "q\"uote", "back\\slash", "line\nfeed", "carriage\rreturn", "é\u{301}\"", "a,b={}", "\\n", " ",
        ]
        let help = "Odd \\ help\nwith \"quotes\"."
        let calls = registry.counter("odd_calls_total", help: help, labels: "value", "index")
        let wide = MetricsRegistry()
        let all = wide.counter("odd_calls_total", help: help, labels: "value", "index")
        for (index, value) in odd.enumerated() {
            calls.series(value, "\(index)").increment()
            all.series(value, "\(index)").increment(by: UInt64(index))
        }
        wide.gauge("temperature", help: "Degrees.", labels: "where").series("here").set(-0.125)
        wide.gauge("unbounded", help: "").series().set(.infinity)
        wide.gauge("buffer_bytes", help: "Bytes.").series().set(1e21)
        let series = RequestMetrics(wide).series(
            .inbound, method: "shop.Scoring/Score", peer: "spiffe://shop.example/web")
        for step in 1...1_000 {
            series.began()
            series.ended(step.isMultiple(of: 10) ? .failure : .success, after: .microseconds(step * 100))
        }

        let families = try PythonClient.parse(PrometheusText.render(wide, as: format), as: format)
        let byName = Dictionary(uniqueKeysWithValues: families.map { ($0.name, $0) })
        // The client strips _total from a counter's family.
        let oddFamily = try #require(byName["odd_calls"])
        #expect(oddFamily.type == "counter")
        #expect(oddFamily.help == help)
        #expect(oddFamily.samples.count == odd.count)
        for (index, value) in odd.enumerated() {
            let sample = oddFamily.samples.first { $0.labels["index"] == "\(index)" }
            #expect(sample?.labels["value"] == value)
            #expect(sample?.value == Double(index))
        }
        #expect(byName["temperature"]?.samples.first?.value == -0.125)
        #expect(byName["unbounded"]?.samples.first?.value == .infinity)
        #expect(byName["buffer_bytes"]?.samples.first?.value == 1e21)
        let latency = try #require(byName["response_latency_seconds"])
        #expect(latency.type == "histogram")
        if format == .openMetrics {
            #expect(latency.unit == "seconds")
            #expect(byName["buffer_bytes"]?.unit == "bytes")
        }
        let labels = ["direction": "inbound", "method": "shop.Scoring/Score", "client_id": "spiffe://shop.example/web"]
        let buckets = latency.samples.filter { $0.name.hasSuffix("_bucket") }
        #expect(buckets.count == 24)
        for bucket in buckets {
            let bound = try #require(bucket.labels["le"].flatMap { $0 == "+Inf" ? .infinity : Double($0) })
            #expect(bucket.value == Double((1...1_000).filter { Double($0) * 1e-4 <= bound }.count))
            #expect(bucket.labels.filter { $0.key != "le" } == labels)
        }
        #expect(latency.samples.first { $0.name.hasSuffix("_count") }?.value == 1_000)
        #expect(latency.samples.first { $0.name.hasSuffix("_sum") }?.value == 50.05)
        #expect(byName["response"]?.samples.map(\.value).sorted() == [100, 900])

        let overflowing = try PythonClient.parse(PrometheusText.render(registry, as: format), as: format)
        let overflow = overflowing.first { $0.name == "odd_calls" }?.samples.last
        #expect(overflow?.labels == ["otel_metric_overflow": "true"])
        #expect(overflow?.value == Double(odd.count - 3))
    }

    @Test("hostile label values come back as they were, whatever they hold", arguments: formats)
    func hostile(format: ExpositionFormat) throws {
        let seed: UInt64 = 0x0D0B
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let registry = MetricsRegistry()
        let counters = registry.counter("hostile_total", help: "", labels: "a", "b")
        let histograms = registry.histogram("hostile_seconds", help: "", labels: "a")
        var expected: [[String]: Double] = [:]
        for number in 1...300 {
            let values = [hostileText(&generator), hostileText(&generator)]
            counters.series(values).increment(by: UInt64(number))
            histograms.series(values[0]).record(.milliseconds(number))
            expected[values, default: 0] += Double(number)
        }
        let families = try PythonClient.parse(PrometheusText.render(registry, as: format), as: format)
        let samples = try #require(families.first { $0.name == "hostile" }).samples
        #expect(samples.count == expected.count)
        for sample in samples {
            // An absent label is an empty one.
            let values = [sample.labels["a"] ?? "", sample.labels["b"] ?? ""]
            #expect(sample.value == expected[values], "\(values)")
        }
        let buckets = try #require(families.first { $0.name == "hostile_seconds" }).samples
        #expect(Set(buckets.map { $0.labels["a"] ?? "" }) == Set(expected.keys.map { $0[0] }))
    }

    private func hostileText(_ generator: inout SeededGenerator) -> String {
        let pieces = [
            "\\", "\"", "\n", "\r", "\t", "\0", "{", "}", ",", "=", " ", "#", "# EOF", "\\n", "\\\"", "a", "é",
            "\u{301}",
            "\u{2028}", "\u{85}", "\u{FEFF}", "👩‍👩‍👧", "le", "+Inf",
        ]
        let count = Int.random(in: 0...6, using: &generator)
        return (0..<count).map { _ in pieces[Int.random(in: 0..<pieces.count, using: &generator)] }.joined()
    }

    @Test("exemplars lead from buckets and counters to their traces, in OpenMetrics alone")
    func exemplars() throws {
        let registry = MetricsRegistry()
        let histogram = registry.histogram("wait_seconds", help: "Waiting.", labels: "queue").series("a")
        let counter = registry.counter("calls_total", help: "Calls.").series()
        func exemplar(_ number: UInt64) throws -> Exemplar {
            Exemplar(
                traceID: try #require(TraceID(high: 0xA, low: number)), spanID: try #require(SpanID(number)),
                unixNanoseconds: 1_700_000_000_250_000_000)
        }
        // Under the first bound, in two octaves; in the middle; above the last bound.
        let durations: [Int64] = [1_000, 9_000, 300_000_000, 100_000_000_000]
        for (number, duration) in durations.enumerated() {
            histogram.record(nanoseconds: duration, exemplar: try exemplar(UInt64(number + 1)))
        }
        counter.increment(by: 3, exemplar: try exemplar(9))
        let text = try PythonClient.parse(PrometheusText.render(registry), as: .prometheusText)
        #expect(text.allSatisfy { $0.samples.allSatisfy { $0.exemplar == nil } })
        let families = try PythonClient.parse(PrometheusText.render(registry, as: .openMetrics), as: .openMetrics)
        let samples = families.flatMap(\.samples).filter { $0.exemplar != nil }
        #expect(
            samples.map(\.name) == ["calls_total", "wait_seconds_bucket", "wait_seconds_bucket", "wait_seconds_bucket"])
        #expect(samples.compactMap { $0.exemplar?.value } == [3, 9e-6, 0.3, 100])
        #expect(samples.map { $0.labels["le"] } == [nil, "1.52587890625e-05", "0.5", "+Inf"])
        #expect(samples.allSatisfy { $0.exemplar?.timestamp == 1_700_000_000.25 })
        #expect(
            samples[2].exemplar?.labels == [
                "trace_id": "000000000000000a0000000000000003", "span_id": "0000000000000003",
            ])
    }

    @Test("Linkerd's names and bounds are accepted in both formats, and their counts are exact", arguments: formats)
    func linkerd(format: ExpositionFormat) throws {
        let registry = MetricsRegistry()
        let series = RequestMetrics(registry).series(.outbound, method: "s/M", peer: "spiffe://d/db")
        for step in 1...600 { series.ended(.success, after: .microseconds(step * 100)) }
        let page = PrometheusText.render(registry, as: format, names: .linkerd)
        let families = try PythonClient.parse(page, as: format)
        let latency = try #require(families.first { $0.name == "response_latency_ms" })
        let buckets = latency.samples.filter { $0.name == "response_latency_ms_bucket" }
        #expect(buckets.count == 26)
        for (bound, bucket) in zip(LinkerdBuckets.milliseconds.map { Double($0) } + [.infinity], buckets) {
            #expect(bucket.labels["le"].flatMap { $0 == "+Inf" ? .infinity : Double($0) } == bound)
            #expect(bucket.value == Double((1...600).count { Double($0) <= bound * 10 }))
        }
        #expect(latency.samples.first { $0.name == "response_latency_ms_sum" }?.value == 18_030)
        #expect(buckets[0].labels["le"] == (format == .openMetrics ? "1.0" : "1"))
    }
}
