import Foundation

/// A program that ran to its end.
struct Command {
    let status: Int32
    let output: String
    let errors: String

    /// Runs a program that the search path finds, without input.
    init(_ name: String, _ arguments: [String]) throws {
        let process = Process()
        let (outputPipe, errorPipe) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [name] + arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = outputPipe
        process.standardError = errorPipe
        try process.run()
        output = String(decoding: outputPipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        errors = String(decoding: errorPipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        status = process.terminationStatus
    }

    /// Runs a line as a person would in a shell.
    init(line: String) throws {
        try self.init("/bin/sh", ["-c", line])
    }

    /// Whether the search path finds a program.
    static func isInstalled(_ name: String) -> Bool {
        (try? Command(line: "command -v \(name)").status) == 0
    }
}
