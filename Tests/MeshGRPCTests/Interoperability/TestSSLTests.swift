import Foundation
import MeshGRPC
import MeshTransport
import MeshworkTesting
import TestSupport
import Testing

/// testssl.sh, which tries what a TLS server may do wrong. It takes half a minute: for the nightly run.
private let testSSL = Peer.find("testssl", "testssl.sh")

@Suite(
    .timeLimit(.minutes(5)),
    .enabled(
        if: Nightly.isOn, "it takes half a minute: MESHWORK_NIGHTLY=1"),
    .enabled(if: testSSL != nil, "no testssl.sh: Scripts/install-prerequisites.sh test"))
struct TestSSLTests {
    private struct Finding: Decodable {
        let id: String
        let severity: String
        let finding: String
    }

    /// An `openssl` that shows a certificate. Without one the server's alert follows the handshake, and testssl.sh
    /// takes the server for one that cannot be connected to where the alert comes before its own end of the connection.
    private func openSSL(_ folder: TemporaryFolder, _ authority: TestAuthority) throws -> String {
        try folder.write(try authority.svid("/testssl"))
        let script = """
            #!/bin/sh
            if [ "$1" = s_client ]; then
                set -- "$@" -cert '\(folder.file("chain.pem").path)' -key '\(folder.file("key.pem").path)'
            fi
            exec openssl "$@"
            """
        let file = folder.file("openssl")
        try Data(script.utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: file.path)
        return file.path
    }

    @Test("testssl.sh finds nothing above low in protocols, ciphers, forward secrecy and vulnerabilities")
    func findings() async throws {
        let loopback = try await GRPCLoopback.start()
        guard case .tcp(_, let port) = loopback.endpoint else { return }
        let folder = try TemporaryFolder()
        let report = folder.file("report.json")
        // Not its section on the certificate (-S): that calls every leaf HIGH that has no address for revocation, and
        // ours live for a day instead.
        let scan = try Peer(
            testSSL ?? "",
            [
                "--quiet", "--color", "0", "--warnings", "batch", "--openssl-timeout", "20", "--connect-timeout", "20",
                "--jsonfile", report.path, "--openssl", try openSSL(folder, loopback.authority), "-p", "-s", "-f", "-U",
                "127.0.0.1:\(port)",
            ], complaints: .printed)
        let lines = try await scan.finish().lines
        let findings = try JSONDecoder().decode([Finding].self, from: try Data(contentsOf: report))
        #expect(findings.contains { $0.id == "TLS1_3" && $0.finding.contains("offered") }, "\(lines.suffix(40))")
        #expect(findings.contains { $0.id == "TLS1_2" && $0.finding.contains("not offered") })
        #expect(findings.contains { $0.id == "heartbleed" } && findings.contains { $0.id == "LUCKY13" })
        // Besides what it has found, it says what it could not try: GOST's ciphers, for which its OpenSSL has no engine.
        let harmless: Set<String> = ["OK", "INFO", "LOW", "DEBUG"]
        for finding in findings where !harmless.contains(finding.severity) && finding.id != "engine_problem" {
            Issue.record("\(finding.id): \(finding.severity), \(finding.finding)")
        }
        // It has let go of everything, and the server goes on.
        let client = try loopback.client()
        #expect(try await client.call(Echo.echo, Note("x")) == Note("x"))
        client.close()
        await loopback.server.stop()
    }
}
