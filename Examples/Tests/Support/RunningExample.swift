import Dispatch
import Foundation

/// An example's own executable, running.
///
/// Its standard error is a pipe that every process it starts inherits: the pipe ends when the last of them is gone.
package struct RunningExample {
    /// What it prints, a line at a time, until it ends.
    package let lines: AsyncStream<String>
    package let processIdentifier: Int32

    private let process: Process
    private let errors: AsyncStream<String>

    /// Starts a program of this name with these arguments.
    ///
    /// - Parameter resource: a resource of it, in the folder of resources beside which the program stands, wherever
    ///   this build put them.
    package init(_ name: String, besides resource: String, _ arguments: [String]) throws {
        let products = URL(fileURLWithPath: resource).deletingLastPathComponent().deletingLastPathComponent()
        process = Process()
        let (outputPipe, errorPipe) = (Pipe(), Pipe())
        process.executableURL = products.appendingPathComponent(name)
        process.arguments = arguments
        process.standardOutput = outputPipe
        process.standardError = errorPipe
        try process.run()
        processIdentifier = process.processIdentifier
        lines = Self.lines(of: outputPipe.fileHandleForReading)
        errors = Self.lines(of: errorPipe.fileHandleForReading)
    }

    /// Waits for the first line that contains `text`.
    ///
    /// - Returns: the line, or nil when the output ended without it.
    package func line(containing text: String) async -> String? {
        await lines(through: text).found
    }

    /// Waits for the first line that contains `text`.
    ///
    /// - Returns: the line, or nil when the output ended without it; every line up to it, itself among them.
    package func lines(through text: String) async -> (found: String?, all: [String]) {
        var all: [String] = []
        for await line in lines {
            all.append(line)
            if line.contains(text) { return (line, all) }
        }
        return (nil, all)
    }

    /// Waits until the output ends.
    ///
    /// - Returns: every line that nobody has waited for.
    package func restOfOutput() async -> [String] {
        var rest: [String] = []
        for await line in lines { rest.append(line) }
        return rest
    }

    /// Waits until it and every process that it started have ended.
    ///
    /// - Returns: its exit status, or nil when a signal ended it; what was written to standard error.
    package func ended() async -> (status: Int32?, errors: String) {
        var text: [String] = []
        for await line in errors { text.append(line) }
        process.waitUntilExit()
        return (
            process.terminationReason == .exit ? process.terminationStatus : nil, text.joined(separator: "\n")
        )
    }

    package func signal(_ number: Int32) {
        kill(processIdentifier, number)
    }

    private static func lines(of handle: FileHandle) -> AsyncStream<String> {
        let (stream, continuation) = AsyncStream.makeStream(of: String.self)
        DispatchQueue(label: "example.output").async {
            var rest = Data()
            while case let data = handle.availableData, !data.isEmpty {
                rest += data
                while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    continuation.yield(String(decoding: rest[..<end], as: UTF8.self))
                    rest = rest[rest.index(after: end)...]
                }
            }
            continuation.finish()
        }
        return stream
    }
}
