import Testing

@testable import Telemetry

@Suite struct MetricNameTests {
    @Test("names follow the data model")
    func names() {
        for name in ["a", "_", "request_total", "job:rate5m", "A9"] { #expect(MetricName.isMetric(name)) }
        for name in ["", "9a", "a-b", "a b", "ä", "a.b", "a\"", "a\n"] { #expect(!MetricName.isMetric(name)) }
        for name in ["a", "_a", "client_id"] { #expect(MetricName.isLabel(name)) }
        for name in ["", "__a", "a:b", "9", "a-b"] { #expect(!MetricName.isLabel(name)) }
    }
}
