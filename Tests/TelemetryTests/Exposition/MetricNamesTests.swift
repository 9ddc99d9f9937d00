import Testing

@testable import Telemetry

@Suite struct MetricNamesTests {
    private func lines(_ registry: MetricsRegistry, _ names: MetricNames) -> [Substring] {
        String(decoding: PrometheusText.render(registry, names: names), as: UTF8.self).split(separator: "\n")
    }

    @Test("families that Linkerd has are written under its names and labels, in the order of those names")
    func linkerd() {
        let registry = MetricsRegistry()
        registry.counter("mesh_retries_total", help: "Retries.", labels: "method").series("s/M").increment()
        registry.gauge("mesh_endpoints", help: "Endpoints.", labels: "service", "state").series("s", "ready").set(2)
        registry.gauge("of_its_own", help: "").series().set(1)
        registry.counter("mesh_authorization_denied_total", help: "", labels: "peer").series("spiffe://d/a").increment()
        #expect(
            lines(registry, .linkerd).filter { !$0.hasPrefix("#") } == [
                #"inbound_http_authz_deny_total{client_id="spiffe://d/a"} 1"#, "of_its_own 1.0",
                #"outbound_grpc_route_retry_requests_total{route_name="s/M"} 1"#,
                #"outbound_http_balancer_endpoints{backend_name="s",endpoint_state="ready"} 2.0"#,
            ])
        #expect(lines(registry, .own).contains(#"mesh_retries_total{method="s/M"} 1"#))
    }

    @Test("a family keeps its name where the other one is taken, or where two labels would be one")
    func clashes() {
        let registry = MetricsRegistry()
        registry.gauge("mine", help: "", labels: "a", "b").series("x", "y").set(1)
        registry.gauge("theirs", help: "").series().set(2)
        for alias in [MetricAlias("mine", "theirs"), MetricAlias("mine", "free", labels: ["a": "b"])] {
            let samples = lines(registry, MetricNames.own.adding(alias)).filter { !$0.hasPrefix("#") }
            #expect(samples == [#"mine{a="x",b="y"} 1.0"#, "theirs 2.0"])
        }
        let free = MetricNames.own.adding(MetricAlias("mine", "zebra", labels: ["a": "c"]))
        #expect(lines(registry, free).last == #"zebra{c="x",b="y"} 1.0"#)
    }

    @Test("two families that would share an alias do not")
    func shared() {
        let registry = MetricsRegistry()
        registry.gauge("one", help: "").series().set(1)
        registry.gauge("two", help: "").series().set(2)
        let names = MetricNames.own.adding(MetricAlias("one", "same")).adding(MetricAlias("two", "same"))
        #expect(lines(registry, names).filter { !$0.hasPrefix("#") } == ["same 1.0", "two 2.0"])
    }

    @Test("the overflow series keeps its label under other names")
    func overflow() {
        let registry = MetricsRegistry(maximumSeriesPerFamily: 1)
        let family = registry.counter("mesh_retries_total", help: "", labels: "method")
        for method in ["a", "b"] { family.series(method).increment() }
        #expect(
            lines(registry, .linkerd).contains(
                #"outbound_grpc_route_retry_requests_total{otel_metric_overflow="true"} 1"#))
    }
}
