import Foundation
import Testing

@testable import Telemetry

/// Reads our text with the parser of Prometheus' own Python client.
@Suite struct PrometheusParserTests {
    struct Sample: Decodable {
        let name: String
        let labels: [String: String]
        let value: Double
    }

    struct Family: Decodable {
        let name: String
        let type: String
        let help: String
        let samples: [Sample]
    }

    @Test(
        "Prometheus' Python client reads back every family, label and value",
        .enabled(if: PythonClient.path != nil, "prometheus_client is not installed and could not be fetched"))
    func parses() throws {
        let registry = MetricsRegistry(maximumSeriesPerFamily: 3)
        let odd = [
            "plain", "q\"uote", "back\\slash", "line\nfeed", "carriage\rreturn", "é\u{301}\"", "a,b={}", "\\n", " ",
        ]
        let calls = registry.counter("odd_calls_total", help: "Odd \\ help\nwith \"quotes\".", labels: "value", "index")
        let wide = MetricsRegistry()
        let all = wide.counter("odd_calls_total", help: "Odd \\ help\nwith \"quotes\".", labels: "value", "index")
        for (index, value) in odd.enumerated() {
            calls.series(value, "\(index)").increment()
            all.series(value, "\(index)").increment(by: UInt64(index))
        }
        wide.gauge("temperature", help: "Degrees.", labels: "where").series("here").set(-0.125)
        wide.gauge("unbounded", help: "").series().set(.infinity)
        let series = RequestMetrics(wide).series(
            .inbound, method: "shop.Scoring/Score", peer: "spiffe://shop.example/web")
        for step in 1...1_000 {
            series.began()
            series.ended(step.isMultiple(of: 10) ? .failure : .success, after: .microseconds(step * 100))
        }

        let families = try parse(PrometheusText.render(wide))
        let byName = Dictionary(uniqueKeysWithValues: families.map { ($0.name, $0) })
        // The client strips _total from a counter's family.
        let oddFamily = try #require(byName["odd_calls"])
        #expect(oddFamily.type == "counter")
        #expect(oddFamily.help == "Odd \\ help\nwith \"quotes\".")
        #expect(oddFamily.samples.count == odd.count)
        for (index, value) in odd.enumerated() {
            let sample = oddFamily.samples.first { $0.labels["index"] == "\(index)" }
            #expect(sample?.labels["value"] == value)
            #expect(sample?.value == Double(index))
        }
        #expect(byName["temperature"]?.samples.first?.value == -0.125)
        #expect(byName["unbounded"]?.samples.first?.value == .infinity)
        let latency = try #require(byName["response_latency_seconds"])
        #expect(latency.type == "histogram")
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

        let overflowing = try parse(PrometheusText.render(registry))
        let overflow = overflowing.first { $0.name == "odd_calls" }?.samples.last
        #expect(overflow?.labels == ["otel_metric_overflow": "true"])
        #expect(overflow?.value == Double(odd.count - 3))
    }

    private func parse(_ text: [UInt8]) throws -> [Family] {
        let script = """
            import json, sys
            from prometheus_client.parser import text_string_to_metric_families
            text = sys.stdin.buffer.read().decode()
            json.dump([dict(name=f.name, type=f.type, help=f.documentation,
                            samples=[dict(name=s.name, labels=s.labels, value=s.value) for s in f.samples])
                       for f in text_string_to_metric_families(text)], sys.stdout)
            """
        let (status, output) = try PythonClient.run(["-c", script], input: text)
        #expect(status == 0)
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        // Python writes infinities as bare words, which JSON does not have.
        let json = String(decoding: output, as: UTF8.self).replacingOccurrences(
            of: ": Infinity", with: ": \"Infinity\"")
        return try decoder.decode([Family].self, from: Data(json.utf8))
    }
}

/// Where Python finds `prometheus_client`: already installed, or fetched into a temporary folder once.
enum PythonClient {
    /// The value of `PYTHONPATH`, empty when none is needed; nil when there is no client.
    static let path: String? = {
        if (try? run(["-c", "import prometheus_client"], pythonPath: "").status) == 0 { return "" }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "meshwork-prometheus-client", isDirectory: true
        ).path
        if (try? run(["-c", "import prometheus_client"], pythonPath: folder).status) == 0 { return folder }
        let install = [
            "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "10",
            "--target",
            folder, "prometheus_client",
        ]
        return (try? run(install, pythonPath: "").status) == 0 ? folder : nil
    }()

    static func run(
        _ arguments: [String], input: [UInt8] = [], pythonPath: String? = path
    ) throws -> (status: Int32, output: Data) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3"] + arguments
        var environment = ProcessInfo.processInfo.environment
        if let pythonPath, !pythonPath.isEmpty { environment["PYTHONPATH"] = pythonPath }
        process.environment = environment
        let (standardInput, standardOutput) = (Pipe(), Pipe())
        process.standardInput = standardInput
        process.standardOutput = standardOutput
        process.standardError = FileHandle.nullDevice
        try process.run()
        // The input is smaller than a pipe's buffer, so that writing it all before reading cannot block.
        try standardInput.fileHandleForWriting.write(contentsOf: Data(input))
        try standardInput.fileHandleForWriting.close()
        let output = try standardOutput.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, output)
    }
}
