import Foundation
import Identity
import Logging
import MeshTransport
import MeshworkTesting
import TestSupport
import Testing

@testable import MeshGRPC

/// The `openssl` program, if it is installed.
private let openSSL = Peer.find("openssl")

/// A client that resumes a session to speak HTTP/2.
@Suite(.timeLimit(.minutes(5)), .enabled(if: openSSL != nil, "openssl is not installed"))
struct ResumptionTests {
    /// What the header of a settings frame ends with: its type, no flags, and no stream.
    private static let settings: [UInt8] = [4, 0, 0, 0, 0, 0]

    /// Sends what the server closes the connection for once it has greeted, and returns what it answers.
    private func answer(to arguments: [String], at port: Int) async throws -> Data {
        let client = try Peer(
            openSSL ?? "",
            ["s_client", "-connect", "127.0.0.1:\(port)", "-tls1_3", "-alpn", "h2", "-ign_eof"] + arguments,
            complaints: .printed)
        try client.endInput(with: HTTP2Bytes.opening.bytes + Array(repeating: 0xEE, count: 100))
        return Data(try await client.finish().printed)
    }

    @Test("a resumed session without a certificate is refused before HTTP/2 begins")
    func withoutCertificate() async throws {
        let loopback = try await GRPCLoopback.start()
        guard case .tcp(_, let port) = loopback.endpoint else { return }
        let folder = try TemporaryFolder()
        try folder.write(try loopback.authority.svid("/openssl"))
        let session = folder.file("session.pem").path
        // With the certificate: greeted, and given a ticket.
        let first = try await answer(
            to: [
                "-cert", folder.file("chain.pem").path, "-key", folder.file("key.pem").path, "-sess_out", session,
            ], at: port)
        #expect(first.range(of: Data(Self.settings)) != nil)
        try #require(FileManager.default.fileExists(atPath: session), "there is no session to resume")
        let record = await loopback.log.first("peer does not keep to the protocol")
        #expect(record.metadata["peer"] == "spiffe://test.example/openssl")
        #expect(loopback.log.all("handshake failed").isEmpty)
        // Resumed, without a certificate.
        let second = try await answer(to: ["-sess_in", session], at: port)
        #expect(second.range(of: Data(Self.settings)) == nil)
        #expect(await loopback.log.first("handshake failed").level == .warning)
        #expect(loopback.log.all("peer does not keep to the protocol").count == 1)
        await loopback.server.stop()
    }
}
