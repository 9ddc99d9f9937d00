import Foundation
import Identity
import Synchronization

/// The `openssl` program, as a peer that is not ours.
enum OpenSSL {
    /// Where it is, if it is installed.
    static let path: String? = {
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        return folders.map { "\($0)/openssl" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    /// Runs `openssl s_client`, sends `bytes` and returns what it printed until the server closed the connection.
    ///
    /// - Parameter isInteractive: whether the bytes are commands, whose end is the connection's.
    static func client(
        _ arguments: [String], sending bytes: [UInt8], isInteractive: Bool = false, in folder: TemporaryFolder
    ) async throws -> Data {
        let (input, output) = (folder.file("input"), folder.file("output"))
        try Data(bytes).write(to: input)
        try Data().write(to: output)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path ?? "/usr/bin/openssl")
        // The end of the input is not the end of the connection: the server ends it.
        process.arguments = ["s_client"] + arguments + (isInteractive ? [] : ["-ign_eof"])
        process.standardInput = try FileHandle(forReadingFrom: input)
        let printed = try FileHandle(forWritingTo: output)
        process.standardOutput = printed
        process.standardError = printed
        let ended = Gate()
        process.terminationHandler = { _ in ended.open() }
        try process.run()
        await ended.wait()
        return try Data(contentsOf: output)
    }
}

extension OpenSSL {
    /// Runs a command of `openssl` to its end.
    static func run(_ arguments: [String]) async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path ?? "/usr/bin/openssl")
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        let ended = Gate()
        process.terminationHandler = { _ in ended.open() }
        try process.run()
        await ended.wait()
        guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
    }

    /// `openssl s_server` on a free port of loopback; it ends with the object.
    final class Server {
        /// Where it listens.
        let port: Int
        private let process = Process()
        private let input = Pipe()

        /// Starts it with the certificate and key of `folder`, and asks every client for a certificate.
        init(_ arguments: [String], in folder: TemporaryFolder) async throws {
            let output = Pipe()
            process.executableURL = URL(fileURLWithPath: path ?? "/usr/bin/openssl")
            process.arguments =
                [
                    "s_server", "-accept", "127.0.0.1:0", "-cert", folder.file("chain.pem").path, "-key",
                    folder.file("key.pem").path, "-alpn", "meshwork/1,h2", "-verify", "4",
                ] + arguments
            // It would end with its input.
            process.standardInput = input
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            let (found, continuation) = AsyncStream.makeStream(of: Int.self)
            let printed = Mutex("")
            output.fileHandleForReading.readabilityHandler = { handle in
                let data = handle.availableData
                guard !data.isEmpty else {
                    handle.readabilityHandler = nil
                    return continuation.finish()
                }
                let text = printed.withLock { text in
                    text += String(decoding: data, as: UTF8.self)
                    return text
                }
                if let match = text.firstMatch(of: /ACCEPT 127\.0\.0\.1:(\d+)\n/), let port = Int(match.1) {
                    continuation.yield(port)
                }
            }
            try process.run()
            var iterator = found.makeAsyncIterator()
            guard let port = await iterator.next() else { throw CocoaError(.executableLoad) }
            self.port = port
        }

        deinit { if process.isRunning { process.terminate() } }
    }
}

extension TemporaryFolder {
    /// Writes an identity's `chain.pem` and `key.pem`.
    func write(_ identity: WorkloadIdentity) throws {
        try Data(identity.chainPEM.utf8).write(to: file("chain.pem"))
        try identity.withPrivateKeyPEM { try writeSecret($0, to: "key.pem") }
    }
}

extension Data {
    func contains(_ bytes: [UInt8]) -> Bool { range(of: Data(bytes)) != nil }
}

/// A folder that is removed when nobody holds it any more.
final class TemporaryFolder {
    private let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(
            at: url, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    func file(_ name: String) -> URL { url.appendingPathComponent(name) }

    /// Writes text that nobody else on the machine may read.
    func writeSecret(_ text: String, to name: String) throws {
        let isWritten = FileManager.default.createFile(
            atPath: file(name).path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
        guard isWritten else { throw CocoaError(.fileWriteUnknown) }
    }

    deinit { try? FileManager.default.removeItem(at: url) }
}
