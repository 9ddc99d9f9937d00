import Foundation
import Identity
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

/// The handshakes of a peer that is not ours, OpenSSL, which end before a byte of the application is read.
@Suite(.timeLimit(.minutes(5)), .enabled(if: OpenSSL.path != nil, "openssl is not installed"))
struct RefusedHandshakeTests {
    /// A client with a good certificate that offers what we do not take.
    enum Client: String, CaseIterable, Sendable {
        case tls12, tls11, unauthenticatedCipher, weakCipher, otherSignatures, otherCurves

        var arguments: [String] {
            switch self {
            case .tls12: ["-tls1_2"]
            case .tls11: ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]
            case .unauthenticatedCipher: ["-tls1_2", "-cipher", "aNULL:eNULL@SECLEVEL=0"]
            // Its tag is half as long as the others'.
            case .weakCipher: ["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256"]
            case .otherSignatures: ["-tls1_3", "-sigalgs", "RSA-PSS+SHA256"]
            case .otherCurves: ["-tls1_3", "-groups", "secp521r1"]
            }
        }

        var alert: String {
            switch self {
            case .tls12, .tls11, .unauthenticatedCipher: "alert protocol version"
            case .weakCipher, .otherSignatures, .otherCurves: "alert handshake failure"
            }
        }
    }

    @Test(
        "a client that offers less than we take is refused with an alert, and the log says so",
        arguments: Client.allCases)
    func client(_ client: Client) async throws {
        let loopback = try await Loopback.start()
        let folder = try TemporaryFolder()
        try folder.write(try loopback.authority.svid("/openssl"))
        let printed = try await OpenSSL.client(
            Self.credentials(folder) + ["-connect", "127.0.0.1:\(loopback.port)"] + client.arguments,
            sending: RawBytes().bytes)
        #expect(printed.contains(Array(client.alert.utf8)), "\(String(decoding: printed, as: UTF8.self))")
        #expect(!printed.contains(Preface.bytes))
        let record = await loopback.log.first("handshake failed")
        #expect(record.level == .warning)
        #expect(record.metadata["address"]?.contains("127.0.0.1") == true)
        #expect(loopback.server.connections.isEmpty)
        await loopback.server.stop()
    }

    @Test("a client without a certificate is told so, and is not answered")
    func noCertificate() async throws {
        let loopback = try await Loopback.start()
        let printed = try await OpenSSL.client(
            ["-connect", "127.0.0.1:\(loopback.port)", "-tls1_3", "-alpn", "meshwork/1"], sending: RawBytes().bytes)
        #expect(printed.contains(Array("alert certificate required".utf8)))
        #expect(!printed.contains(Preface.bytes))
        #expect(await loopback.log.first("handshake failed").level == .warning)
        await loopback.server.stop()
    }

    @Test("renegotiation exists only before TLS 1.3: a client that speaks nothing newer is refused with an alert")
    func renegotiation() async throws {
        let loopback = try await Loopback.start()
        let folder = try TemporaryFolder()
        try folder.write(try loopback.authority.svid("/openssl"))
        let arguments = Self.credentials(folder) + ["-connect", "127.0.0.1:\(loopback.port)", "-alpn", "meshwork/1"]
        // What asks for it, once the connection stands.
        let printed = try await OpenSSL.client(
            arguments + ["-tls1_2", "-legacy_renegotiation"], sending: Array("R\n".utf8), isInteractive: true)
        let text = String(decoding: printed, as: UTF8.self)
        #expect(text.contains("alert protocol version") && text.contains("alert number 70"), "\(text)")
        #expect(!text.contains("RENEGOTIATING"), "\(text)")
        #expect(await loopback.log.first("handshake failed").level == .warning)
        // The same client is welcome with TLS 1.3.
        let bytes = RawBytes().bytes + Array(repeating: 0xEE, count: 100)
        #expect(try await OpenSSL.client(arguments + ["-tls1_3"], sending: bytes).contains(Preface.bytes))
        #expect(loopback.log.all("handshake failed").count == 1)
        await loopback.server.stop()
    }

    @Test("no early data is taken: the tickets allow none")
    func earlyData() async throws {
        let loopback = try await Loopback.start()
        let folder = try TemporaryFolder()
        try folder.write(try loopback.authority.svid("/openssl"))
        let arguments =
            Self.credentials(folder) + ["-connect", "127.0.0.1:\(loopback.port)", "-tls1_3", "-alpn", "meshwork/1"]
        let session = folder.file("session.pem").path
        let bytes = RawBytes().bytes + Array(repeating: 0xEE, count: 100)
        _ = try await OpenSSL.client(arguments + ["-sess_out", session], sending: bytes)
        try #require(FileManager.default.fileExists(atPath: session), "there is no session to resume")
        try Data(bytes).write(to: folder.file("early"))
        let printed = try await OpenSSL.client(
            arguments + ["-sess_in", session, "-early_data", folder.file("early").path], sending: bytes)
        #expect(printed.contains(Array("Early data was not sent".utf8)))
        #expect(!printed.contains(Array("Early data was accepted".utf8)))
        await loopback.server.stop()
    }

    /// A server that our client does not call.
    enum Server: String, CaseIterable, Sendable {
        case tls12, weakCipher, noSPIFFEID, otherAuthority, expired, otherName

        var arguments: [String] {
            switch self {
            case .tls12: ["-tls1_2"]
            case .weakCipher: ["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256"]
            case .noSPIFFEID, .otherAuthority, .expired, .otherName: ["-tls1_3"]
            }
        }

        /// What the identity's verifier says.
        var cause: IdentityError.Code? {
            switch self {
            case .tls12, .weakCipher, .otherName: nil
            case .noSPIFFEID: .notAnSVID
            case .otherAuthority: .untrustedIssuer
            case .expired: .expired
            }
        }
    }

    @Test(
        "a server that is not the expected one, or offers less, is not called, and the error says why",
        arguments: Server.allCases)
    func server(_ server: Server) async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let folder = try TemporaryFolder()
        switch server {
        case .noSPIFFEID:
            try await OpenSSL.run([
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
                "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", folder.file("key.pem").path,
                "-out", folder.file("chain.pem").path,
            ])
        case .otherAuthority: try folder.write(try TestAuthority(runtime: SystemRuntime.shared).svid("/server"))
        case .expired:
            try folder.write(try authority.svid("/server", lifetime: .seconds(60), issued: .seconds(3_600)))
        case .otherName: try folder.write(try authority.svid("/other"))
        case .tls12, .weakCipher: try folder.write(try authority.svid("/server"))
        }
        let peer = try await OpenSSL.Server(server.arguments, in: folder)
        var configuration = MeshConfiguration.patient
        configuration.retry.maximumAttempts = 1
        let mesh = try Mesh(configuration: configuration, identity: try authority.identity("/client"), policy: .denyAll)
        let client = mesh.client(
            Destination(host: "127.0.0.1", port: peer.port, identities: [.exact(try authority.id("/server"))]))
        let error = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
        #expect(error?.code == .peerNotTrusted, "\(String(describing: error))")
        #expect(error?.progress == .notSent)
        #expect((error?.cause as? IdentityError)?.code == server.cause, "\(String(describing: error))")
        if server == .otherName { #expect(error?.peer == "spiffe://test.example/other") }
        client.close()
    }

    private static func credentials(_ folder: TemporaryFolder) -> [String] {
        ["-cert", folder.file("chain.pem").path, "-key", folder.file("key.pem").path]
    }
}
