import Foundation
import Testing

@testable import Telemetry

/// Has a real Prometheus scrape our pages and answer queries about them.
@Suite(
    .enabled(if: PythonClient.hasProgram("prometheus"), "there is no prometheus in PATH (Debian's package has one)"),
    .timeLimit(.minutes(3)))
struct PrometheusServerTests {
    private struct Answer: Decodable {
        struct Target: Decodable {
            let health: String
            let error: String
        }

        struct Sample: Decodable {
            let labels: [String: String]
            let value: String
        }

        struct Exemplar: Decodable {
            let labels: [String: String]
            let value: String
        }

        let accept: String
        let targets: [String: Target]
        let answers: [[Sample]]
        let exemplars: [Exemplar]
    }

    @Test("a real Prometheus takes both formats in and answers queries about them")
    func scraped() throws {
        let odd = "q\"u\\o\nt\u{301}e 👩‍👩‍👧"
        let registry = MetricsRegistry(maximumSeriesPerFamily: 50)
        let calls = registry.counter("calls_total", help: "Calls by \"method\".", labels: "method")
        calls.series(odd).increment(by: 7)
        for number in 0..<60 { calls.series("m\(number)").increment() }
        registry.gauge("depth", help: "Depth.").series().set(-2.5)
        let series = RequestMetrics(registry).series(.inbound, method: "s/M", peer: "spiffe://d/web")
        let exemplar = Exemplar(
            traceID: try #require(TraceID(high: 1, low: 2)), spanID: try #require(SpanID(3)), unixNanoseconds: nil)
        for step in 1...1_000 {
            series.began()
            series.ended(.success, nanoseconds: Int64(step) * 100_000, exemplar: step == 300 ? exemplar : nil)
        }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("meshwork-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (text, openMetrics) = (folder.appendingPathComponent("text"), folder.appendingPathComponent("openmetrics"))
        try Data(PrometheusText.render(registry)).write(to: text)
        try Data(PrometheusText.render(registry, as: .openMetrics)).write(to: openMetrics)

        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../../Scripts/scrape-with-prometheus.py").standardized
        let queries = [
            "calls_total{method!~'m.*',otel_metric_overflow=''}", "calls_total{otel_metric_overflow='true'}", "depth",
            "count by (job) (calls_total)", "histogram_quantile(0.5, response_latency_seconds_bucket)",
            "response_latency_seconds_sum",
        ]
        let (status, output) = try PythonClient.run(
            [
                script.path, "--text", text.path, "--open-metrics", openMetrics.path, "--exemplars",
                "response_latency_seconds_bucket",
            ] + queries.flatMap { ["--query", $0] }, pythonPath: "")
        try #require(status == 0, "\(String(decoding: output, as: UTF8.self))")
        let answer = try JSONDecoder().decode(Answer.self, from: output)
        #expect(ExpositionFormat.negotiate(accept: answer.accept) == .openMetrics, "\(answer.accept)")
        #expect(Set(answer.targets.keys) == ["text", "openmetrics"])
        for (job, target) in answer.targets { #expect(target.health == "up", "\(job): \(target.error)") }
        // Each query has an answer for each of the two jobs.
        for answer in answer.answers { #expect(Set(answer.map { $0.labels["job"] }) == ["text", "openmetrics"]) }
        let values = answer.answers.map { Set($0.map(\.value)) }
        #expect(values[0] == ["7"])
        #expect(answer.answers[0].map { $0.labels["method"] } == [odd, odd])
        #expect(values[1] == ["11"])
        #expect(values[2] == ["-2.5"])
        #expect(values[3] == ["51"])
        for sample in answer.answers[4] {
            let median = try #require(Double(sample.value))
            #expect((0.03125...0.0625).contains(median))
        }
        #expect(Set(answer.answers[5].compactMap { Double($0.value) }) == [50.05])
        #expect(answer.exemplars.map(\.value) == ["0.03"])
        #expect(answer.exemplars.first?.labels["trace_id"] == "00000000000000010000000000000002")
    }

    @Test(
        "promtool finds nothing wrong with what the text format says",
        .enabled(if: PythonClient.hasProgram("promtool"), "there is no promtool in PATH"))
    func promtool() throws {
        let registry = MetricsRegistry()
        let series = RequestMetrics(registry).series(.inbound, method: "s/M", peer: "spiffe://d/web")
        series.began()
        series.ended(.success, after: .milliseconds(1))
        let script = "import subprocess, sys; sys.exit(subprocess.run(['promtool', 'check', 'metrics']).returncode)"
        let (status, output) = try PythonClient.run(
            ["-c", script], input: PrometheusText.render(registry), pythonPath: "")
        #expect(status == 0, "\(String(decoding: output, as: UTF8.self))")
    }
}
