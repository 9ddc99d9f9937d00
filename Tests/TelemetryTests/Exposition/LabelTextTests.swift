import Testing

@testable import Telemetry

@Suite struct LabelTextTests {
    @Test("backslashes, line feeds and quotes are escaped, empty values leave their label out")
    func escapes() {
        let labels = LabelText.render(["a", "b", "c"], ["\\\"\n", "", "\"\u{301}"])
        #expect(
            String(decoding: labels, as: UTF8.self).unicodeScalars.elementsEqual(
                #"a="\\\"\n",c="\""#.unicodeScalars + ["\u{301}", "\""]))
    }

    @Test("quotes in help are escaped in OpenMetrics alone")
    func help() {
        let registry = MetricsRegistry()
        registry.gauge("g", help: "a \"b\" \\ \n").series().set(1)
        func head(_ format: ExpositionFormat) -> String {
            String(decoding: PrometheusText.render(registry, as: format), as: UTF8.self)
        }
        #expect(head(.prometheusText) == "# HELP g a \"b\" \\\\ \\n\n# TYPE g gauge\ng 1.0\n")
        #expect(head(.openMetrics) == "# TYPE g gauge\n# HELP g a \\\"b\\\" \\\\ \\n\ng 1.0\n# EOF\n")
    }
}
