import Foundation
import Identity

/// A process that takes part in a case: a server, or a client whose own use of memory is measured.
///
/// It reads its certificate from standard input, prints the port that it listens on (0 for a client), then answers each
/// line with a line, and ends when its standard input does.
final class PeerProcess: Sendable {
    let port: Int
    private let role: String
    private let process: Process
    private let input = Pipe()
    private let output = Pipe()

    /// Of util-linux: it becomes the program that it is given.
    private static let taskset = "/usr/bin/taskset"

    /// Starts this executable again, in a hidden subcommand.
    ///
    /// - Parameters:
    ///   - serverPort: where a client connects to.
    ///   - isCounted: whether its allocations and copies are counted.
    ///   - processor: which of the machine's it runs on, counted round them (default: the system's choice).
    convenience init(
        role: String, as identity: IdentitySnapshot, serverPort: Int? = nil, isCounted: Bool = false,
        processor: Int? = nil
    ) throws {
        var environment = ProcessInfo.processInfo.environment
        if isCounted { environment["LD_PRELOAD"] = try MemoryCounts.library() }
        try self.init(
            CommandLine.arguments[0], ["peer", role] + (serverPort.map { ["--server-port", "\($0)"] } ?? []),
            role: role, as: identity, environment: environment, processor: processor)
    }

    /// Starts another program that behaves like this one's peers.
    init(
        _ program: String, _ arguments: [String], role: String, as identity: IdentitySnapshot,
        environment: [String: String] = ProcessInfo.processInfo.environment, processor: Int? = nil
    ) throws {
        self.role = role
        process = Process()
        let command = [program] + arguments
        let fixed = processor.map { [Self.taskset, "-c", "\($0 % ProcessInfo.processInfo.processorCount)"] + command }
        let run = fixed ?? command
        process.executableURL = URL(fileURLWithPath: run[0])
        process.arguments = Array(run.dropFirst())
        process.environment = environment
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        do {
            let credentials = try JSONEncoder().encode(PeerCredentials(identity))
            try input.fileHandleForWriting.write(contentsOf: credentials + Data("\n".utf8))
            guard let line = Self.readLine(from: output.fileHandleForReading), let port = Int(line) else {
                throw BenchmarkFailure("the \(role) process did not say which port it listens on")
            }
            self.port = port
        } catch {
            process.terminate()
            throw error
        }
    }

    /// Starts this executable again, as a role that is told all it needs to know by a value.
    ///
    /// - Parameter wrap: makes the command that runs the command.
    static func start(
        _ role: String, _ configuration: some Encodable, as identity: IdentitySnapshot,
        by wrap: ([String]) -> [String] = { $0 }
    ) async throws -> PeerProcess {
        let text = String(decoding: try JSONEncoder().encode(configuration), as: UTF8.self)
        let command = wrap([CommandLine.arguments[0], "peer", role, "--configuration", text])
        return try await ChaosFleet.offThePool {
            try PeerProcess(command[0], Array(command.dropFirst()), role: role, as: identity)
        }
    }

    /// Has the process do something, and waits for its answer.
    func ask<Answer: Decodable>(_ command: String, as answer: Answer.Type = Answer.self) throws -> Answer {
        try input.fileHandleForWriting.write(contentsOf: Data((command + "\n").utf8))
        guard let line = Self.readLine(from: output.fileHandleForReading) else {
            throw BenchmarkFailure("the \(role) process ended before it answered \"\(command)\"")
        }
        return try JSONDecoder().decode(answer, from: Data(line.utf8))
    }

    /// Has the process do something while other tasks go on; its answer does not matter.
    func asking(_ command: String) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            Thread.detachNewThread {
                continuation.resume(with: Result { _ = try self.ask(command, as: [Double].self) })
            }
        }
    }

    /// Its number, for those who look at it from outside.
    var identifier: Int32 { process.processIdentifier }

    /// Whether it has not ended.
    var isRunning: Bool { process.isRunning }

    /// Sends it a signal.
    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Hands on each line that it writes, until it ends. Blocks the thread.
    func forEachLine(_ body: (Substring) -> Void) {
        var rest = ""
        while true {
            let bytes = output.fileHandleForReading.availableData
            guard !bytes.isEmpty else { return }
            rest += String(decoding: bytes, as: UTF8.self)
            let lines = rest.split(separator: "\n", omittingEmptySubsequences: false)
            for line in lines.dropLast() { body(line) }
            // What stands after the last line feed is still being written.
            rest = String(lines.last ?? "")
        }
    }

    /// How a process ended.
    enum End: Sendable, Hashable {
        case exited(Int32)
        case killed
    }

    /// Waits for its end. Blocks the thread.
    func waitForEnd() -> End {
        process.waitUntilExit()
        return process.terminationReason == .uncaughtSignal ? .killed : .exited(process.terminationStatus)
    }

    /// What the process has used until now.
    func report() throws -> ProcessReport { try ask("report") }

    /// Ends the process and waits for it, not for ever.
    func stop() {
        try? input.fileHandleForWriting.close()
        for _ in 0..<500 where process.isRunning { usleep(10_000) }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    /// The bytes until the next end of a line, or `nil` where there is no more.
    static func readLine(from handle: FileHandle) -> String? {
        var line = Data()
        while let bytes = try? handle.read(upToCount: 1), let byte = bytes.first {
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return nil
    }
}

/// The client of another process of ours.
struct RemoteClient: EchoClient, TransferClient {
    let process: PeerProcess

    func echo(_ calls: Int, depth: Int) async throws -> [Double] { try process.ask("echo \(calls) \(depth)") }

    func send(_ bytes: Int, count: Int, depth: Int) async throws {
        _ = try process.ask("send \(bytes) \(count) \(depth)", as: [Double].self)
    }
}

/// What a process is given to prove who it is.
struct PeerCredentials: Codable {
    var chain: [Data]
    var key: String
    var roots: [Data]
    var trustDomain: String

    init(_ identity: IdentitySnapshot) {
        chain = identity.svid.chain.map { Data($0) }
        key = identity.svid.withPrivateKeyPEM { $0 }
        roots = identity.bundle.roots.map { Data($0) }
        trustDomain = identity.svid.spiffeID.trustDomain.name
    }

    /// Reads the line that the parent process writes.
    static func fromStandardInput() throws -> PeerCredentials {
        guard let line = readLine() else { throw BenchmarkFailure("no credentials on standard input") }
        return try JSONDecoder().decode(PeerCredentials.self, from: Data(line.utf8))
    }

    /// The identity and the bundle that they stand for.
    func identity() throws -> StaticIdentitySource {
        let domain = try TrustDomain(parsing: trustDomain)
        return StaticIdentitySource(
            svid: try WorkloadIdentity(chain: chain.map { Array($0) }, privateKeyPEM: key),
            bundle: try TrustBundle([domain: roots.map { Array($0) }], generation: 1))
    }
}

/// Why a benchmark could not be run.
struct BenchmarkFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
