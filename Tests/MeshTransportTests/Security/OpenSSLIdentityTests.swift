import Foundation
import Identity
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

/// Identities that are no good, shown by OpenSSL's client to our server, and by OpenSSL's server to our client: each is
/// refused for what is wrong with it, and the stranger is told by an alert.
///
/// OpenSSL's peers are of a federated domain, which its own authority certifies.
@Suite(.timeLimit(.minutes(5)), .enabled(if: OpenSSL.path != nil, "openssl is not installed"))
struct OpenSSLIdentityTests {
    enum Flaw: String, CaseIterable, Sendable {
        case expired, notYetValid, foreignRoot, noSPIFFEID, twoSPIFFEIDs, trustDomainAsLeaf, selfSigned, authorityAsLeaf
        case leafAsAuthority, signingCertificates, withoutSigning, serverOnly, clientOnly, otherTrustDomain,
            ourTrustDomain
        case revoked

        /// The certificate.
        var leaf: OpenSSLAuthority.Leaf {
            var leaf = OpenSSLAuthority.Leaf()
            switch self {
            case .expired: leaf.validity = (.seconds(-7_200), .seconds(-3_600))
            case .notYetValid: leaf.validity = (.seconds(3_600), .seconds(7_200))
            case .noSPIFFEID: leaf.extensions["subjectAltName"] = "DNS:localhost"
            case .twoSPIFFEIDs:
                leaf.extensions["subjectAltName"] =
                    "URI:spiffe://openssl.example/peer,URI:spiffe://openssl.example/admin"
            case .trustDomainAsLeaf: leaf.extensions["subjectAltName"] = "URI:spiffe://openssl.example"
            case .selfSigned: leaf.signer = .itself
            case .leafAsAuthority: leaf.signer = .anotherLeaf
            case .authorityAsLeaf: leaf.extensions["basicConstraints"] = "critical,CA:TRUE"
            case .signingCertificates: leaf.extensions["keyUsage"] = "critical,digitalSignature,keyCertSign"
            case .withoutSigning: leaf.extensions["keyUsage"] = "critical,keyAgreement"
            case .serverOnly: leaf.extensions["extendedKeyUsage"] = "serverAuth"
            case .clientOnly: leaf.extensions["extendedKeyUsage"] = "clientAuth"
            case .otherTrustDomain: leaf.extensions["subjectAltName"] = "URI:spiffe://nobody.example/peer"
            // Its root is trusted, for another domain.
            case .ourTrustDomain: leaf.extensions["subjectAltName"] = "URI:spiffe://test.example/server"
            case .foreignRoot, .revoked: break
            }
            return leaf
        }

        /// What our side says; `nil` where BoringSSL has refused before our verifier is asked.
        var code: IdentityError.Code? {
            switch self {
            case .expired: .expired
            case .notYetValid: .notYetValid
            case .foreignRoot, .selfSigned, .ourTrustDomain: .untrustedIssuer
            case .noSPIFFEID, .twoSPIFFEIDs, .trustDomainAsLeaf, .authorityAsLeaf, .leafAsAuthority,
                .signingCertificates,
                .serverOnly, .clientOnly:
                .notAnSVID
            case .otherTrustDomain: .unknownTrustDomain
            case .revoked: .denied
            case .withoutSigning: nil
            }
        }

        /// The number of the alert (RFC 8446, 6).
        var alert: String { self == .withoutSigning ? "alert number 47" : "alert number 46" }
    }

    /// Our own identity, and OpenSSL's files of a peer.
    private struct Parties {
        let ours: TestAuthority
        let theirs: OpenSSLAuthority
        let identity: RotatableIdentity
        let folder: TemporaryFolder
        /// How OpenSSL is told of further certificates.
        let signers: [String]
        let policy: AuthorizationPolicy

        /// - Parameter flaw: what is wrong with OpenSSL's peer; `nil` for one that is good.
        init(_ path: String, _ flaw: Flaw?, _ leaf: OpenSSLAuthority.Leaf? = nil) async throws {
            ours = try TestAuthority(runtime: SystemRuntime.shared)
            theirs = try await OpenSSLAuthority("openssl.example")
            folder = try TemporaryFolder()
            let bundle = try TrustBundle(
                [ours.trustDomain: [ours.authority.rootCertificate], theirs.trustDomain: [theirs.root]], generation: 1)
            identity = RotatableIdentity(svid: try ours.svid(path), bundle: bundle)
            // Of the same names, with another key.
            let signer = flaw == .foreignRoot ? try await OpenSSLAuthority("openssl.example") : theirs
            signers = try await signer.issue(leaf ?? flaw?.leaf ?? OpenSSLAuthority.Leaf(), into: folder)
            policy = try AuthorizationPolicy(rules: [
                AuthorizationPolicy.Rule("the peer", methods: ["*"], identities: ["spiffe://openssl.example/peer"])
            ])
            guard flaw == .revoked else { return }
            let path = folder.file("leaf.der").path
            try await OpenSSL.run(["x509", "-in", folder.file("chain.pem").path, "-outform", "DER", "-out", path])
            let der = try Array(Data(contentsOf: folder.file("leaf.der")))
            identity.set(denyList: try DenyList(version: 1, entries: [.key(CertificateMarks(der: der).key)]))
        }

        func server() async throws -> (mesh: Mesh, port: Int, log: LogCapture) {
            let log = LogCapture()
            let mesh = try Mesh(configuration: .patient, identity: identity, policy: policy, logger: log.logger)
            mesh.serveEcho()
            return (mesh, try await mesh.listen(host: "127.0.0.1", port: 0).port, log)
        }

        /// What `openssl s_client` prints that shows the peer's certificate.
        func printed(port: Int, _ arguments: [String] = []) async throws -> Data {
            var bytes = RawBytes()
            bytes.declare()
            bytes.request(1)
            return try await OpenSSL.client(
                [
                    "-connect", "127.0.0.1:\(port)", "-tls1_3", "-alpn", "meshwork/1", "-cert",
                    folder.file("chain.pem").path, "-key", folder.file("key.pem").path,
                ] + signers + arguments, sending: bytes.bytes + Array(repeating: 0xEE, count: 100))
        }

        /// How a call of ours to OpenSSL's server ends.
        func failure(
            of port: Int, expecting id: String = "spiffe://openssl.example/peer", host: String = "127.0.0.1"
        ) async throws -> MeshError? {
            var configuration = MeshConfiguration.patient
            configuration.retry.maximumAttempts = 1
            let mesh = try Mesh(configuration: configuration, identity: identity, policy: .denyAll)
            let client = mesh.client(
                Destination(host: host, port: port, identities: [try IdentityPattern(parsing: id)]))
            defer { client.close() }
            return await meshError { _ = try await client.call(Echo.echo, Note("x")) }
        }
    }

    // MARK: Clients

    @Test("OpenSSL's client is refused by our server for what is wrong with its certificate", arguments: Flaw.allCases)
    func client(_ flaw: Flaw) async throws {
        let parties = try await Parties("/server", flaw)
        let (mesh, port, log) = try await parties.server()
        let printed = try await parties.printed(port: port)
        let text = String(decoding: printed, as: UTF8.self)
        #expect(text.contains(flaw.alert), "\(text)")
        #expect(!printed.contains(Preface.bytes))
        let record = await log.first("handshake failed")
        let error = try #require(record.metadata["error"])
        #expect(record.level == .warning)
        if let code = flaw.code {
            #expect(error.contains("[cause: \(code): "), "\(error)")
        } else {
            #expect(error.contains("KEY_USAGE_BIT_INCORRECT"), "\(error)")
        }
        #expect(mesh.connections.isEmpty)
        #expect(mesh.metrics.lines(of: "mesh_handshake_failures_total") == ["mesh_handshake_failures_total 1"])
        await mesh.stop()
    }

    @Test("OpenSSL's client with a good certificate is answered, whatever server it has asked for by SNI")
    func otherServerName() async throws {
        let parties = try await Parties("/server", nil)
        let (mesh, port, log) = try await parties.server()
        for name in ["localhost", "somebody-else.example"] {
            let printed = try await parties.printed(port: port, ["-servername", name])
            #expect(printed.contains(Preface.bytes), "\(String(decoding: printed, as: UTF8.self))")
        }
        #expect(log.all("handshake failed").isEmpty)
        #expect(mesh.metrics.lines(of: "mesh_authorization_denied_total").isEmpty)
        await mesh.stop()
    }

    @Test("OpenSSL's client with another SPIFFE ID is heard, and the policy refuses its calls")
    func otherClient() async throws {
        var leaf = OpenSSLAuthority.Leaf()
        leaf.extensions["subjectAltName"] = "URI:spiffe://openssl.example/stranger"
        let parties = try await Parties("/server", nil, leaf)
        let (mesh, port, log) = try await parties.server()
        #expect(try await parties.printed(port: port).contains(Preface.bytes))
        #expect(log.all("handshake failed").isEmpty)
        #expect(
            mesh.metrics.lines(of: "mesh_authorization_denied_total") == [
                #"mesh_authorization_denied_total{peer="spiffe://openssl.example/stranger"} 1"#
            ])
        await mesh.stop()
    }

    // MARK: Servers

    @Test("our client does not call OpenSSL's server for what is wrong with its certificate", arguments: Flaw.allCases)
    func server(_ flaw: Flaw) async throws {
        let parties = try await Parties("/client", flaw)
        let server = try await OpenSSL.Server(["-tls1_3", "-naccept", "1"] + parties.signers, in: parties.folder)
        let expected = flaw == .ourTrustDomain ? "spiffe://test.example/server" : "spiffe://openssl.example/peer"
        let error = try await parties.failure(of: server.port, expecting: expected)
        #expect(error?.progress == .notSent, "\(String(describing: error))")
        #expect(error?.code == .peerNotTrusted, "\(String(describing: error))")
        #expect((error?.cause as? IdentityError)?.code == flaw.code, "\(String(describing: error))")
        let text = String(decoding: try await server.finish(), as: UTF8.self)
        #expect(text.contains(flaw.alert), "\(text)")
    }

    @Test("our client does not call OpenSSL's server with another SPIFFE ID, and says whom it has found")
    func otherServer() async throws {
        var leaf = OpenSSLAuthority.Leaf()
        leaf.extensions["subjectAltName"] = "URI:spiffe://openssl.example/stranger,DNS:localhost,IP:127.0.0.1"
        let parties = try await Parties("/client", nil, leaf)
        let server = try await OpenSSL.Server(["-tls1_3", "-naccept", "1"], in: parties.folder)
        let error = try await parties.failure(of: server.port)
        #expect(error?.code == .peerNotTrusted && error?.progress == .notSent, "\(String(describing: error))")
        #expect(error?.peer == "spiffe://openssl.example/stranger")
        #expect(error?.message.contains("spiffe://openssl.example/peer") == true)
        #expect(String(decoding: try await server.finish(), as: UTF8.self).contains("alert number 46"))
    }

    @Test(
        "OpenSSL's server that has another name than our client asks for ends the handshake, and the call is not sent")
    func serverName() async throws {
        let parties = try await Parties("/client", nil)
        let files = ["-cert2", parties.folder.file("chain.pem").path, "-key2", parties.folder.file("key.pem").path]
        let server = try await OpenSSL.Server(
            ["-tls1_3", "-naccept", "1", "-servername", "somebody-else.example", "-servername_fatal"] + files,
            in: parties.folder)
        let error = try await parties.failure(of: server.port, host: "localhost")
        #expect(error?.progress == .notSent, "\(String(describing: error))")
        #expect(error.map { "\($0)" }?.contains("UNRECOGNIZED_NAME") == true, "\(String(describing: error))")
        #expect(String(decoding: try await server.finish(), as: UTF8.self).contains("Hostname in TLS extension"))
    }
}
