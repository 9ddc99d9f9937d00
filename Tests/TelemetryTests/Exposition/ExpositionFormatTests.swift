import Testing

@testable import Telemetry

@Suite struct ExpositionFormatTests {
    @Test(
        "OpenMetrics goes to who asks for it most",
        arguments: [
            "application/openmetrics-text",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            "APPLICATION/OpenMetrics-Text;VERSION=\"1.0.0\"",
            // Prometheus 2.42, and Prometheus 3.
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
                + "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
                + "text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            "text/plain, application/openmetrics-text",
            "text/plain;q=0.999 , application/openmetrics-text;q=1.000",
            "application/openmetrics-text;q=0.001",
            "*/*;q=0.5, application/openmetrics-text;q=0.5",
            "nonsense;;;q, application/openmetrics-text",
            "text/html;a=\"x,application/xml;q=0\", application/openmetrics-text",
        ])
    func openMetrics(accept: String) {
        #expect(ExpositionFormat.negotiate(accept: accept) == .openMetrics)
    }

    @Test(
        "everybody else gets the text format",
        arguments: [
            nil, "", " ", ",", "*/*", "text/plain", "text/html,application/xhtml+xml,*/*;q=0.8", "application/json",
            "text/plain;version=0.0.4", "application/*", "application/openmetrics-text;q=0",
            "application/openmetrics-text;version=0.0.1", "application/openmetrics-text;version=2.0.0",
            "application/openmetrics-text;q=0.5, text/plain", "application/openmetrics-text;q=0.5, */*;q=0.501",
            "application/openmetrics-text;q=1.5", "application/openmetrics-text;q=1.001",
            "application/openmetrics-text;q=0.1234", "application/openmetrics-text;q=-1",
            "application/openmetrics-text;q=", "application/openmetrics-text;q=x",
            "application/openmetrics-textual", "\"application/openmetrics-text",
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
        ])
    func text(accept: String?) {
        #expect(ExpositionFormat.negotiate(accept: accept) == .prometheusText)
    }

    @Test("media ranges are read with their versions and weights, quoted or not")
    func ranges() {
        let ranges = AcceptField.ranges("a/b;version=\"1\\\"2\" ;q=0.25, C/D ;x=y;q=1., e/f;q=0")
        #expect(
            ranges == [
                AcceptField.Range(type: "a/b", version: "1\"2", quality: 250), AcceptField.Range(type: "c/d"),
                AcceptField.Range(type: "e/f", quality: 0),
            ])
    }
}
