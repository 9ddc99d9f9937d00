import Foundation
import Synchronization

/// A program that runs beside a test, for a limited time.
///
/// Its output is read by a thread. Foundation's `readabilityHandler` is not told of every end on Linux: where a pipe's
/// writer goes away while its last bytes are handled, libdispatch takes the pipe off its list, and no event follows.
package final class Peer: Sendable {
    /// What went wrong, with what the program printed.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String

        init(_ description: String) { self.description = description }
    }

    /// How a program ended.
    package struct Ending: Sendable {
        /// Its exit status, or 128 and the number of the signal that ended it.
        package let status: Int32
        /// All that it printed.
        package let printed: [UInt8]

        /// The lines that it printed, without empty ones.
        package var lines: [String] {
            String(decoding: printed, as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }

    /// Where what a program complains of goes.
    package enum Complaints: Sendable {
        /// To the test's own complaints.
        case inherited
        /// To what it prints.
        case printed
    }

    private let name: String
    private let child: ChildProcess
    private let output: PeerOutput
    private let input = Pipe()

    /// Starts it; it is killed when it has not ended within `limit`, by default less than a test has.
    package init(
        _ executable: String, _ arguments: [String], complaints: Complaints = .inherited,
        limit: Duration = .seconds(240)
    ) throws {
        let pipe = Pipe()
        let writer = pipe.fileHandleForWriting
        child = try ChildProcess(
            executable, arguments, input: input.fileHandleForReading, output: writer,
            complaints: complaints == .printed ? writer : .standardError)
        name = executable
        output = PeerOutput()
        // The program's own are the only ones now.
        try input.fileHandleForReading.close()
        try writer.close()
        output.follow(
            child, printing: pipe.fileHandleForReading, until: .now() + .nanoseconds(Int(limit / .nanoseconds(1))))
    }

    deinit { child.kill() }

    /// Where the first of these programs is that is installed.
    package static func find(_ programs: String...) -> String? {
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        return programs.lazy.flatMap { program in folders.map { "\($0)/\(program)" } }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// Waits for its end.
    package func finish() async throws -> Ending {
        try await wait { output in try self.ending(output) }
    }

    /// The next line that it prints, or `nil` at its end.
    package func nextLine() async throws -> String? {
        try await wait { output in
            if let line = output.takeLine() { return line }
            return try self.ending(output).map { _ in nil }
        }
    }

    /// Ends it, and waits for that.
    package func kill() async {
        child.kill()
        _ = try? await finish()
    }

    /// Sends it the last of its input, no more than a pipe holds.
    package func endInput(with bytes: [UInt8] = []) throws {
        try input.fileHandleForWriting.write(contentsOf: bytes)
        try input.fileHandleForWriting.close()
    }

    /// Tells it, by the end of its input, to end, and waits for that.
    package func end() async throws {
        try endInput()
        _ = try await finish()
    }

    /// How it ended, or `nil` while it runs; throws if it was out of time.
    private func ending(_ output: PeerOutput.State) throws -> Ending? {
        guard let status = output.status, output.isClosed else { return nil }
        let ending = Ending(status: status, printed: output.printed)
        guard !output.isOverdue else {
            throw Failure(
                "\(name) has not ended in time; it printed:\n\(ending.lines.suffix(40).joined(separator: "\n"))")
        }
        return ending
    }

    /// Waits until `find` finds something in what is known of it. When the test is cancelled, its end is at hand.
    private func wait<Found>(for find: (inout PeerOutput.State) throws -> Found?) async throws -> Found {
        try await withTaskCancellationHandler {
            while true {
                let (found, version) = try output.look(find)
                if let found { return found }
                await output.change(since: version)
            }
        } onCancel: {
            child.kill()
        }
    }
}
