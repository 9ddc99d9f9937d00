import Testing

@testable import Telemetry

@Suite struct RequestMetricsTests {
    @Test("requests and answers are counted under Linkerd's names, with the peer on its side")
    func names() {
        let registry = MetricsRegistry()
        let metrics = RequestMetrics(registry)
        let inbound = metrics.series(.inbound, method: "s/M", peer: "spiffe://d/web")
        let outbound = metrics.series(.outbound, method: "s/M", peer: "spiffe://d/db")
        inbound.began()
        inbound.began()
        inbound.ended(.success, after: .milliseconds(3))
        inbound.ended(.failure, after: .seconds(1))
        outbound.began()
        outbound.ended(.success, after: .milliseconds(1))
        let text = String(decoding: PrometheusText.render(registry), as: UTF8.self)
        let expected = [
            #"request_total{direction="inbound",method="s/M",client_id="spiffe://d/web"} 2"#,
            #"request_total{direction="outbound",method="s/M",server_id="spiffe://d/db"} 1"#,
            #"response_total{direction="inbound",method="s/M",client_id="spiffe://d/web",classification="success"} 1"#,
            #"response_total{direction="inbound",method="s/M",client_id="spiffe://d/web",classification="failure"} 1"#,
            #"response_total{direction="outbound",method="s/M",server_id="spiffe://d/db",classification="failure"} 0"#,
            #"response_latency_seconds_count{direction="inbound",method="s/M",client_id="spiffe://d/web"} 2"#,
        ]
        for line in expected { #expect(text.contains(line + "\n"), "\(line)") }
        #expect(inbound.latency.snapshot().count == 2)
    }

    @Test("the same method and peer share their instruments")
    func shared() {
        let registry = MetricsRegistry()
        let (first, second) = (RequestMetrics(registry), RequestMetrics(registry))
        #expect(
            first.series(.inbound, method: "m", peer: "p").latency
                === second.series(.inbound, method: "m", peer: "p").latency)
    }

    @Test("a shard and an exemplar reach every instrument that a request touches")
    func shards() throws {
        let registry = MetricsRegistry()
        let series = RequestMetrics(registry).series(.inbound, method: "m", peer: "p")
        let shard = registry.makeShard()
        let exemplar = Exemplar(traceID: try #require(TraceID(high: 1, low: 2)), spanID: try #require(SpanID(3)))
        series.began(on: shard)
        series.ended(.failure, nanoseconds: 5, on: shard, exemplar: exemplar)
        series.ended(.success, after: .seconds(1), on: shard)
        #expect(series.requests.value == 1)
        #expect(series.latency.snapshot().count == 2)
        #expect(series.failures.exemplar?.exemplar == exemplar)
        #expect(series.successes.exemplar == nil)
        #expect(series.latency.exemplars().map(\.exemplar) == [exemplar])
    }
}
