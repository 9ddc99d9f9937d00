import Foundation
import Testing

/// The repository's folder.
let repository = (0..<4).reduce(URL(filePath: #filePath)) { path, _ in path.deletingLastPathComponent() }

/// A Python with NumPy, safetensors and ml_dtypes: what `Scripts/install-prerequisites.sh test` has made, or the machine's
/// own.
enum Python {
    static let path: String? = {
        let search = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/python3" }
        return ([repository.appending(path: ".build/python/bin/python3").path] + search).first { path in
            FileManager.default.isExecutableFile(atPath: path)
                && (try? run("import numpy, safetensors, ml_dtypes", [], python: path))?.status == 0
        }
    }()

    /// Runs a program; what it says is in the test's report when it fails.
    static func run(_ program: String, _ arguments: [String], python: String) throws -> (status: Int32, output: String)
    {
        let process = Process()
        process.executableURL = URL(filePath: python)
        process.arguments = ["-B", "-c", program] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    /// Runs a program that has to succeed.
    static func expect(_ program: String, _ arguments: String...) throws {
        let (status, output) = try run(program, arguments, python: try #require(path))
        #expect(status == 0, "\(output)")
    }
}
