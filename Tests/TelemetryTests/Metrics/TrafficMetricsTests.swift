import Testing

@testable import Telemetry

@Suite struct TrafficMetricsTests {
    @Test("first bytes and bytes are counted beside the requests, under the same labels")
    func names() {
        let registry = MetricsRegistry()
        let series = TrafficMetrics(registry).series(.outbound, method: "s/M", peer: "spiffe://d/db")
        series.firstByte.record(nanoseconds: 1_000_000)
        series.requestBytes.increment(by: 10)
        series.responseBytes.increment(by: 2_000)
        let text = String(decoding: PrometheusText.render(registry), as: UTF8.self)
        let labels = #"{direction="outbound",method="s/M",server_id="spiffe://d/db"}"#
        #expect(text.contains("request_bytes_total\(labels) 10\n"))
        #expect(text.contains("response_bytes_total\(labels) 2000\n"))
        #expect(text.contains("response_first_byte_seconds_count\(labels) 1\n"))
    }
}
