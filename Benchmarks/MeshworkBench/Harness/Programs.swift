import Foundation

/// Finds programs that are not this package's.
enum Programs {
    /// The package's folder.
    static let package = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The program `name` on PATH, or where Debian puts those of administrators.
    static func find(_ name: String) -> String? { candidates(name).first { isExecutable($0) } }

    /// A Python that has `module`: one that `Scripts/install-prerequisites.sh` has made, or the machine's.
    static func python(importing module: String) -> String? {
        let own = ["python", "tensorflow"].map {
            package.deletingLastPathComponent().appendingPathComponent(".build/\($0)/bin/python3").path
        }
        return (own + candidates("python3")).first { output(of: $0, ["-c", "import \(module)"]) != nil }
    }

    /// What a program writes to its standard output; `nil` where it can't be run, or fails.
    static func output(of program: String, _ arguments: [String]) -> String? {
        guard isExecutable(program) else { return nil }
        let (process, output) = (Process(), Pipe())
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let bytes = try? output.fileHandleForReading.readToEnd()
        process.waitUntilExit()
        return process.terminationStatus == 0 ? String(decoding: bytes ?? Data(), as: UTF8.self) : nil
    }

    private static func candidates(_ name: String) -> [String] {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let folders: [Substring] = path.split(separator: ":")
        return (folders + ["/usr/local/sbin", "/usr/sbin"]).map { "\($0)/\(name)" }
    }

    private static func isExecutable(_ path: String) -> Bool { FileManager.default.isExecutableFile(atPath: path) }
}
