import Foundation
import Testing

/// The example as a user runs it.
@Suite(.timeLimit(.minutes(3)))
struct PythonClientTests {
    /// The program's exit status and output.
    private func run(_ arguments: [String] = []) throws -> (status: Int32, lines: [Substring]) {
        let process = Process()
        let output = Pipe()
        // Beside the tests, wherever this build put them.
        process.executableURL = Bundle.main.executableURL?.deletingLastPathComponent().appending(path: "python-client")
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text.split(separator: "\n"))
    }

    @Test("Python's grpcio pushes and pulls over mutual TLS, and what it sends again is applied once")
    func endToEnd() throws {
        // The prerequisites of the tests have a Python with grpcio.
        let (status, lines) = try run()
        #expect(status == 0)
        func rows(_ what: String) -> [Substring] { lines.filter { $0.hasPrefix("  \(what)\t") } }
        #expect(rows("pushed").count == 1)
        #expect(rows("retried").count == 1)
        #expect(rows("duplicate").first?.contains("not applied again") == true)
        #expect(rows("refused").first?.contains("NON_FINITE") == true)
        #expect(rows("refused").last?.contains("NOT_ALLOWED") == true)
        // Two steps of its own in each partition, and the third in those that had no NaN.
        for (row, applied) in zip(0..<3, [2, 3, 3]) {
            let counts = "counter \(applied), version \(applied), ledger \(applied), duplicates suppressed"
            #expect(rows("audited").dropFirst(row).first?.contains("python/weight#\(row): \(counts)") == true)
        }
        // What Swift finds.
        #expect(
            lines.contains("  values: [-1.0, -1.0, -1.0, -1.0, -1.5, -1.5, -1.5, -1.5, -1.5, -1.5]"), "\(lines)")
        for (index, (applied, rejected)) in [(2, 1), (3, 0), (3, 0)].enumerated() {
            let account = "python/weight#\(index): counter \(applied), applied \(applied), rejected \(rejected)"
            #expect(lines.contains("  \(account)"))
        }
    }

    @Test("served without the program, it says how to run it, and ends with its input")
    func serving() throws {
        let (status, lines) = try run(["--serve"])
        #expect(status == 0)
        #expect(lines.contains { $0.contains("client.py --address localhost:") })
    }

    @Test("a Python without grpcio that was asked for by name is refused")
    func misuse() throws {
        #expect(try run(["--python", "/no/such/python"]).status != 0)
    }
}
