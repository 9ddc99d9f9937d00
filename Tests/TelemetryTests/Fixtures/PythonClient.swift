import Foundation

@testable import Telemetry

/// Prometheus' own Python client, whose parsers are the judges of what we write.
enum PythonClient {
    struct Exemplar: Decodable {
        let labels: [String: String]
        let value: Double
        let timestamp: Double?
    }

    struct Sample: Decodable {
        let name: String
        let labels: [String: String]
        let value: Double
        let exemplar: Exemplar?
    }

    struct Family: Decodable {
        let name: String
        let type: String
        let help: String
        let unit: String
        let samples: [Sample]
    }

    struct Refusal: Error {
        let complaint: String
    }

    /// The value of `PYTHONPATH`, empty when none is needed; nil when there is no client: already installed, or fetched
    /// into a temporary folder once.
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

    /// Whether a program is in PATH.
    static func hasProgram(_ name: String) -> Bool {
        (try? run(["-c", "import shutil, sys; sys.exit(not shutil.which('\(name)'))"], pythonPath: "").status) == 0
    }

    /// Every family of a page, as the format's own parser reads it.
    static func parse(_ page: [UInt8], as format: ExpositionFormat) throws -> [Family] {
        let module = format == .openMetrics ? "prometheus_client.openmetrics.parser" : "prometheus_client.parser"
        let script = """
            import json, sys
            from \(module) import text_string_to_metric_families
            text = sys.stdin.buffer.read().decode()
            def exemplar(e):
                return e and dict(labels=e.labels, value=e.value, timestamp=e.timestamp and float(e.timestamp))
            def number(x):
                return x if x == x and abs(x) != float("inf") else str(x)
            try:
                json.dump([dict(name=f.name, type=f.type, help=f.documentation, unit=f.unit,
                                samples=[dict(name=s.name, labels=s.labels, value=number(s.value),
                                              exemplar=exemplar(s.exemplar)) for s in f.samples])
                           for f in text_string_to_metric_families(text)], sys.stdout)
            except ValueError as error:
                print(error)
                sys.exit(1)
            """
        let (status, output) = try run(["-c", script], input: page)
        guard status == 0 else { throw Refusal(complaint: String(decoding: output, as: UTF8.self)) }
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return try decoder.decode([Family].self, from: output)
    }

    /// Runs Python and waits for its end; nothing it reads or writes can fill a pipe that nobody empties.
    static func run(
        _ arguments: [String], input: [UInt8] = [], pythonPath: String? = path
    ) throws -> (status: Int32, output: Data) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3"] + arguments
        var environment = ProcessInfo.processInfo.environment
        if let pythonPath, !pythonPath.isEmpty { environment["PYTHONPATH"] = pythonPath }
        process.environment = environment
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("meshwork-\(UUID().uuidString)")
        try Data(input).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        process.standardInput = try FileHandle(forReadingFrom: file)
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, bytes)
    }
}
