import Foundation
import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
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
        let client = try Peer.script(
            "meshwork_client.py",
            ["--port", "\(loopback.port)", "--server-id", "spiffe://test.example/server"]
                + folder.write("/python", of: loopback.authority), python: Python.path)
        let ending = try await client.finish()
        #expect(ending.status == 0)
        let outcomes = try JSONDecoder().decode(Outcomes.self, from: Data(ending.printed))
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
