import Foundation
import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

/// Our client at servers whose TLS is OpenSSL's.
@Suite(.timeLimit(.minutes(5))) struct OpenSSLServerTests {
    @Test(
        "s_server and our client accept each other's certificate, and the first bytes after that are the preface",
        .enabled(if: OpenSSL.path != nil, "openssl is not installed"))
    func handshake() async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let folder = try TemporaryFolder()
        _ = try folder.write("/openssl", of: authority)
        let server = try Peer(
            OpenSSL.path ?? "openssl",
            [
                "s_server", "-accept", "127.0.0.1:0", "-naccept", "1", "-tls1_3", "-alpn", "meshwork/1", "-cert",
                folder.file("chain.pem").path, "-key", folder.file("key.pem").path, "-CAfile",
                folder.file("roots.pem").path, "-Verify", "4", "-verify_return_error",
            ], complaints: .printed)
        var port: Int?
        while port == nil, let line = try await server.nextLine() {
            port = line.wholeMatch(of: /ACCEPT 127\.0\.0\.1:(\d+)/).flatMap { Int($0.1) }
        }
        var configuration = MeshConfiguration.patient
        configuration.retry.maximumAttempts = 1
        let svid = try authority.svid("/client")
        let mesh = try Mesh(
            configuration: configuration,
            identity: RotatableIdentity(svid: svid, bundle: try authority.authority.bundle()), policy: .denyAll)
        let client = mesh.client(
            Destination(
                host: "127.0.0.1", port: try #require(port), identities: [.exact(try authority.id("/openssl"))]))
        async let failure = meshError { _ = try await client.call(Echo.echo, Note("x")) }
        // The preface ends a line in its middle.
        while let line = try await server.nextLine(), !line.hasSuffix("MWK\r") {}
        try server.endInput()
        let printed = Data(try await server.finish().printed)
        let text = String(decoding: printed, as: UTF8.self)
        #expect(printed.contains(Preface.bytes), "\(text)")
        #expect(text.contains("ALPN protocols selected: meshwork/1") && text.contains("CIPHER is TLS_"), "\(text)")
        let leaf = try #require(svid.chainPEM.firstRange(of: "-----END CERTIFICATE-----"))
        #expect(text.contains(svid.chainPEM[..<leaf.upperBound]), "\(text)")
        // It greets nobody.
        let code = await failure?.code
        #expect(code != nil && code != .peerNotTrusted)
        client.close()
    }

    /// What the script prints of a connection.
    private struct Connection: Decodable {
        var library: String
        var tls: String
        var alpn: String
        var identities: [String]
    }

    @Test(
        "calls go through a server of OpenSSL's, with large messages and many",
        .enabled(if: Python.path != nil, "python3 is not installed"))
    func calls() async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let anybody = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule("anybody", methods: ["*"], callersWithoutIdentity: true)
        ])
        let server = try Mesh(
            configuration: .patient, identity: try authority.identity("/server"), policy: anybody)
        server.serveEcho()
        let endpoint = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0), security: .plaintext)
        guard case .tcp(_, let port) = endpoint else { preconditionFailure("TCP was asked for") }
        let folder = try TemporaryFolder()
        let front = try Peer.script(
            "openssl_front.py", ["--to", "\(port)"] + folder.write("/openssl", of: authority), python: Python.path)
        let mesh = try Mesh(configuration: .patient, identity: try authority.identity("/client"), policy: .denyAll)
        let client = mesh.client(
            Destination(
                host: "127.0.0.1", port: try #require(try await front.nextLine().flatMap { Int($0) }),
                identities: [.exact(try authority.id("/openssl"))]))
        let note = Note("large", payload: (0..<2 << 20).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) })
        #expect(try await client.call(Echo.echo, note) == note)
        let text = try await client.call(Echo.repeated, Note("abcdef", payload: Array(note.payload.prefix(100_000)))) {
            responses in
            var text = ""
            for try await response in responses { text += response.text }
            return text
        }
        #expect(text == "abcdef")
        let line = try #require(try await front.nextLine())
        let connection = try JSONDecoder().decode(Connection.self, from: Data(line.utf8))
        #expect(connection.library.hasPrefix("OpenSSL "))
        #expect(connection.tls == "TLSv1.3" && connection.alpn == "meshwork/1")
        #expect(connection.identities == ["spiffe://test.example/client"])
        client.close()
        try await front.end()
        await server.stop()
    }
}
