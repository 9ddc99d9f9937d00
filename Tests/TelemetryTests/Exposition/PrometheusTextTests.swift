import Testing

@testable import Telemetry

@Suite struct PrometheusTextTests {
    @Test("families and series are written in the order of their names, each with HELP and TYPE once")
    func golden() {
        let registry = MetricsRegistry()
        registry.gauge("open_connections", help: "Connections.").series().set(3)
        let calls = registry.counter(
            "calls_total", help: "Calls by method\\peer.\nAll of them.", labels: "method", "peer")
        calls.series("b", "").increment(by: 2)
        calls.series("a", "q\"u\\o\nte").increment()
        calls.series("", "").increment(by: 4)
        _ = registry.gauge("never_used", help: "Nothing.", labels: "x")
        let expected = #"""
            # HELP calls_total Calls by method\\peer.\nAll of them.
            # TYPE calls_total counter
            calls_total 4
            calls_total{method="a",peer="q\"u\\o\nte"} 1
            calls_total{method="b"} 2
            # HELP open_connections Connections.
            # TYPE open_connections gauge
            open_connections 3.0

            """#
        #expect(String(decoding: PrometheusText.render(registry), as: UTF8.self) == expected)
    }

    @Test("a histogram has cumulative buckets at powers of two, a sum and a count")
    func histogram() {
        let registry = MetricsRegistry()
        let latency = registry.histogram("wait_seconds", help: "Waiting.", labels: "queue").series("a")
        for seconds in [1, 1, 3, 100] { latency.record(.seconds(seconds)) }
        let lines = String(decoding: PrometheusText.render(registry), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 2 + 23 + 1 + 2)
        #expect(lines[2] == #"wait_seconds_bucket{queue="a",le="1.52587890625e-05"} 0"#)
        let end = lines.suffix(10)
        #expect(
            Array(end) == [
                #"wait_seconds_bucket{queue="a",le="0.5"} 0"#, #"wait_seconds_bucket{queue="a",le="1.0"} 2"#,
                #"wait_seconds_bucket{queue="a",le="2.0"} 2"#, #"wait_seconds_bucket{queue="a",le="4.0"} 3"#,
                #"wait_seconds_bucket{queue="a",le="8.0"} 3"#, #"wait_seconds_bucket{queue="a",le="16.0"} 3"#,
                #"wait_seconds_bucket{queue="a",le="32.0"} 3"#, #"wait_seconds_bucket{queue="a",le="64.0"} 3"#,
                #"wait_seconds_bucket{queue="a",le="+Inf"} 4"#, #"wait_seconds_sum{queue="a"} 105.0"#,
            ].suffix(9) + [#"wait_seconds_count{queue="a"} 4"#])
    }

    @Test("equal metrics give equal bytes, whatever the order they were made in")
    func deterministic() {
        func render(_ order: [Int]) -> [UInt8] {
            let registry = MetricsRegistry()
            for number in order {
                registry.gauge("g\(number % 7)", help: "G.", labels: "n").series("\(number)").set(Double(number))
            }
            return PrometheusText.render(registry)
        }
        #expect(render(Array(0..<100)) == render((0..<100).reversed()))
    }
}
