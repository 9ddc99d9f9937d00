import Foundation
import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Testing

/// `meshwork_client.py`, which knows the wire from its documentation alone, at today's server.
@Suite(.timeLimit(.minutes(5))) struct PythonClientTests {
    /// What the script prints.
    private struct Outcomes: Decodable {
        struct Call: Decodable {
            var status: UInt32
            var message: String
            var hasNotRun: Bool
            var text: String?
            var bytes: Int?
            var isSame: Bool?
            var metadata: [String: String]?
            var trailers: Int?
            var same: Int?
            var isEnded: Bool?
        }
        var tls: String
        var alpn: String
        var unary: Call
        var serverStreaming: Call
        var bidirectional: Call
        var missing: Call
        var creditFrames: Int
    }

    @Test(
        "a client written from the documentation alone makes calls of one and of many messages",
        .enabled(if: Python.path != nil, "python3 is not installed"))
    func calls() async throws {
        let loopback = try await Loopback.start { mesh in
            mesh.serveStreams()
            mesh.serveAnswer(Echo.echo) { note, _ in
                Answer(note, metadata: ["before": "1"], trailers: ["after": "2", "and": "3"])
            }
        }
        let folder = try TemporaryFolder()
        let svid = try loopback.authority.svid("/python")
        try Data(svid.chainPEM.utf8).write(to: folder.file("chain.pem"))
        try svid.withPrivateKeyPEM { try folder.writeSecret($0, to: "key.pem") }
        let roots = try loopback.authority.authority.bundle().pem(of: loopback.authority.trustDomain)
        try Data(roots.utf8).write(to: folder.file("roots.pem"))
        let printed = try await Python.run(
            Interoperability.file("meshwork_client.py"),
            [
                "--port", "\(loopback.port)", "--certificate", folder.file("chain.pem").path, "--key",
                folder.file("key.pem").path, "--roots", folder.file("roots.pem").path, "--server-id",
                "spiffe://test.example/server",
            ], in: folder)
        let outcomes = try JSONDecoder().decode(Outcomes.self, from: printed)
        #expect(outcomes.tls == "TLSv1.3" && outcomes.alpn == "meshwork/1")
        #expect(outcomes.unary.status == 0 && outcomes.unary.text == "two MiB")
        #expect(outcomes.unary.bytes == 2 << 20 && outcomes.unary.isSame == true)
        #expect(outcomes.unary.metadata == ["before": "1"] && outcomes.unary.trailers == 2)
        #expect(outcomes.serverStreaming.status == 0 && outcomes.serverStreaming.text == "abcdef")
        #expect(outcomes.serverStreaming.isSame == true)
        #expect(outcomes.bidirectional.status == 0 && outcomes.bidirectional.isEnded == true)
        #expect(outcomes.bidirectional.same == 20)
        #expect(outcomes.missing.status == CallStatus.unimplemented.rawValue && outcomes.missing.hasNotRun)
        #expect(outcomes.missing.message.contains("test.Echo/Missing"))
        // The requests are larger than what a stream may send unasked.
        #expect(outcomes.creditFrames > 0)
        #expect(loopback.log.all("peer does not keep to the protocol").isEmpty)
        await loopback.server.stop()
    }
}

/// The machine's own `python3`.
private enum Python {
    /// Where it is, if it is installed.
    static let path: String? = {
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        return folders.map { "\($0)/python3" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    /// Runs a script and returns what it printed; a script that fails fails the test with what it complained of.
    static func run(_ script: URL, _ arguments: [String], in folder: TemporaryFolder) async throws -> Data {
        let (output, complaints) = (folder.file("output"), folder.file("complaints"))
        for file in [output, complaints] { try Data().write(to: file) }
        let process = Process()
        process.executableURL = URL(filePath: path ?? "/usr/bin/python3")
        process.arguments = ["-B", script.path] + arguments
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: complaints)
        let ended = Gate()
        process.terminationHandler = { _ in ended.open() }
        try process.run()
        await ended.wait()
        if process.isRunning {
            process.terminate()
            process.waitUntilExit()
        }
        let complaint = String(decoding: try Data(contentsOf: complaints), as: UTF8.self)
        try #require(process.terminationStatus == 0, "\(complaint)")
        return try Data(contentsOf: output)
    }
}
