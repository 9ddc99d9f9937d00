import Foundation

/// The `openssl` program, as a peer that is not ours.
enum OpenSSL {
    /// Where it is, if it is installed.
    static let path: String? = {
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        return folders.map { "\($0)/openssl" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    /// Runs `openssl s_client`, sends `bytes` and returns what it printed until the server closed the connection.
    static func client(_ arguments: [String], sending bytes: [UInt8], in folder: TemporaryFolder) async throws -> Data {
        let (input, output) = (folder.file("input"), folder.file("output"))
        try Data(bytes).write(to: input)
        try Data().write(to: output)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path ?? "/usr/bin/openssl")
        // The end of the input is not the end of the connection: the server ends it.
        process.arguments = ["s_client"] + arguments + ["-ign_eof"]
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
