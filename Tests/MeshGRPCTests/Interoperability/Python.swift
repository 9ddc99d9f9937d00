import Foundation
import Identity
import MeshworkTesting
import Synchronization

/// A Python that has gRPC: the one that `Scripts/install-prerequisites.sh` has made, or the machine's own.
enum Python {
    /// The folder of the scripts.
    static let scripts = root.appending(path: "Tests/Interoperability")

    /// The project's folder.
    static let root = (0..<4).reduce(URL(filePath: #filePath)) { folder, _ in folder.deletingLastPathComponent() }

    /// Where it is, if it has gRPC.
    static let path: String? = {
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        let candidates = [root.appending(path: ".build/python/bin/python3").path] + folders.map { "\($0)/python3" }
        return candidates.first { hasGRPC($0) }
    }()

    private static func hasGRPC(_ path: String) -> Bool {
        guard FileManager.default.isExecutableFile(atPath: path) else { return false }
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = ["-c", "import grpc, grpc_tools, grpc_health, grpc_reflection"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}

/// A program that runs beside the test.
final class Peer: Sendable {
    private let process = Process()
    private let input = Pipe()
    /// The lines that it prints, and their end.
    private let lines: AsyncStream<String>
    private let ended: AsyncStream<Int32>

    /// Starts it. What it complains of goes where the test's own complaints go.
    init(_ executable: String, _ arguments: [String]) throws {
        let output = Pipe()
        process.executableURL = URL(filePath: executable)
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        let (lines, linesContinuation) = AsyncStream.makeStream(of: String.self)
        self.lines = lines
        let rest = Mutex(Data())
        output.fileHandleForReading.readabilityHandler = { handle in
            let data = handle.availableData
            guard !data.isEmpty else {
                handle.readabilityHandler = nil
                return linesContinuation.finish()
            }
            rest.withLock { rest in
                rest.append(data)
                while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    linesContinuation.yield(String(decoding: rest[..<end], as: UTF8.self))
                    rest = Data(rest[rest.index(after: end)...])
                }
            }
        }
        let (ended, continuation) = AsyncStream.makeStream(of: Int32.self)
        self.ended = ended
        process.terminationHandler = {
            continuation.yield($0.terminationStatus)
            continuation.finish()
        }
        try process.run()
    }

    deinit {
        if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
    }

    /// A script of `Tests/Interoperability`.
    static func script(_ name: String, _ arguments: [String]) throws -> Peer {
        try Peer(Python.path ?? "", ["-B", Python.scripts.appending(path: name).path] + arguments)
    }

    /// Waits for its end; the answer is its exit status and what it printed.
    func finish() async -> (status: Int32, lines: [String]) {
        var printed: [String] = []
        for await line in lines { printed.append(line) }
        for await status in ended { return (status, printed) }
        return (-1, printed)
    }

    /// The next line that it prints, or `nil` at its end.
    func nextLine() async -> String? {
        for await line in lines { return line }
        return nil
    }

    /// Ends it with a signal, and waits for that. A program inherits which signals are blocked, so it is one that cannot be.
    func kill() async {
        if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
        _ = await finish()
    }

    /// Tells it, by the end of its input, to end, and waits for that.
    func end() async {
        try? input.fileHandleForWriting.close()
        _ = await finish()
    }
}

/// An identity's certificate, key and roots as files, which are removed with it.
final class CredentialFiles {
    private let folder: URL

    init(_ path: String, of authority: TestAuthority) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        let svid = try authority.svid(path)
        try Data(svid.chainPEM.utf8).write(to: folder.appending(path: "chain.pem"))
        try svid.withPrivateKeyPEM { try Data($0.utf8).write(to: folder.appending(path: "key.pem")) }
        let roots = try authority.authority.bundle().pem(of: authority.trustDomain)
        try Data(roots.utf8).write(to: folder.appending(path: "roots.pem"))
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Where a file is.
    func path(_ name: String) -> String { folder.appending(path: name).path }

    /// What the scripts are told.
    var arguments: [String] {
        ["--certificate", path("chain.pem"), "--key", path("key.pem"), "--roots", path("roots.pem")]
    }
}
