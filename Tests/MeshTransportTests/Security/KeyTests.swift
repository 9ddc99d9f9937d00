import Crypto
import Foundation
import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import TestSupport
import Testing

/// The kinds of keys that peers prove their identity with, and where they are.
@Suite(.timeLimit(.minutes(5))) struct KeyTests {
    /// An identity at `path` whose key only signs.
    private static func external(
        _ path: String, _ algorithm: KeyAlgorithm, of authority: TestAuthority, signing: Tally = Tally(),
        spoil: @escaping @Sendable ([UInt8]) throws -> [UInt8] = { $0 }
    ) throws -> RotatableIdentity {
        let svid = try authority.svid(path, key: algorithm)
        let der = svid.withPrivateKeyDER { $0 }
        let key = ExternalKey(algorithm) { bytes in
            signing.add()
            // Somewhere else.
            await Task.yield()
            let signature =
                algorithm == .p256
                ? Array(
                    try P256.Signing.PrivateKey(derRepresentation: der).signature(for: bytes).derRepresentation)
                : Array(try Curve25519.Signing.PrivateKey(rawRepresentation: der.suffix(32)).signature(for: bytes))
            return try spoil(signature)
        }
        return RotatableIdentity(
            svid: try WorkloadIdentity(chain: svid.chain, key: key), bundle: try authority.authority.bundle())
    }

    @Test(
        "peers with keys of either kind call each other, and agree on AES-128-GCM",
        arguments: [KeyAlgorithm.p256, .ed25519], [KeyAlgorithm.p256, .ed25519])
    func kinds(server: KeyAlgorithm, client: KeyAlgorithm) async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let loopback = try await Loopback.start(
            authority: authority, identity: try authority.identity("/server", key: server))
        let relay = try await RecordingRelay.start(to: loopback.port)
        let mesh = try Mesh(
            configuration: .patient, identity: try authority.identity("/client", key: client), policy: .denyAll)
        let caller = mesh.client(
            Destination(host: "127.0.0.1", port: relay.port, identities: [.exact(try authority.id("/server"))]))
        #expect(try await caller.call(Echo.echo, Note("x")) == Note("x"))
        #expect(loopback.server.connections.first?.info.peer == (try authority.id("/client")))
        // TLS_AES_128_GCM_SHA256
        #expect(relay.cipherSuite == 0x1301)
        caller.close()
        await relay.stop()
        await loopback.server.stop()
    }

    @Test(
        "keys that are held elsewhere sign once for each handshake, on either side",
        arguments: [KeyAlgorithm.p256, .ed25519])
    func external(algorithm: KeyAlgorithm) async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let (servers, clients) = (Tally(), Tally())
        let loopback = try await Loopback.start(
            authority: authority, identity: try Self.external("/server", algorithm, of: authority, signing: servers))
        let client = try loopback.client(
            identity: try Self.external("/client", algorithm, of: authority, signing: clients))
        for _ in 0..<3 { #expect(try await client.call(Echo.echo, Note("x")) == Note("x")) }
        #expect(loopback.server.connections.first?.info.peer == (try authority.id("/client")))
        #expect((servers.count, clients.count) == (1, 1))
        client.close()
        await loopback.server.stop()
    }

    private struct ModuleGone: Error {}

    @Test(
        "a key that does not sign, or is another's, is an error that says so; others go on", arguments: [true, false])
    func failing(isGone: Bool) async throws {
        let loopback = try await Loopback.start()
        var configuration = MeshConfiguration.patient
        configuration.retry.maximumAttempts = 1
        let client = try loopback.client(
            configuration: configuration,
            identity: try Self.external("/client", .p256, of: loopback.authority) { signature in
                if isGone { throw ModuleGone() }
                return signature.dropLast() + [signature[signature.count - 1] ^ 1]
            })
        let error = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
        #expect(error?.code == .connectFailed, "\(String(describing: error))")
        #expect(error?.progress == .notSent)
        let cause = error?.cause as? IdentityError
        #expect(cause?.code == (isGone ? .signingFailed : .keyMismatch), "\(String(describing: error))")
        let proper = try loopback.client("/proper")
        #expect(try await proper.call(Echo.echo, Note("x")) == Note("x"))
        client.close()
        proper.close()
        await loopback.server.stop()
    }

    @Test("a server whose key does not sign says so in its log")
    func failingServer() async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let loopback = try await Loopback.start(
            authority: authority,
            identity: try Self.external("/server", .ed25519, of: authority) { _ in throw ModuleGone() })
        var configuration = MeshConfiguration.patient
        configuration.retry.maximumAttempts = 1
        let client = try loopback.client(configuration: configuration)
        #expect(await meshError { _ = try await client.call(Echo.echo, Note("x")) }?.progress == .notSent)
        let record = await loopback.log.first("handshake failed")
        #expect(record.metadata["error"]?.contains("this side cannot prove its identity") == true, "\(record.metadata)")
        client.close()
        await loopback.server.stop()
    }

    @Test(
        "OpenSSL verifies the signature of an Ed25519 key of ours, and proves one of its own",
        .enabled(if: OpenSSL.path != nil, "openssl is not installed"))
    func openSSL() async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let loopback = try await Loopback.start(
            authority: authority, identity: try authority.identity("/server", key: .ed25519))
        let folder = try TemporaryFolder()
        try folder.write(try authority.svid("/openssl", key: .ed25519))
        let printed = try await OpenSSL.client(
            [
                "-connect", "127.0.0.1:\(loopback.port)", "-tls1_3", "-alpn", "meshwork/1", "-cert",
                folder.file("chain.pem").path, "-key", folder.file("key.pem").path,
            ], sending: RawBytes().bytes + Array(repeating: 0xEE, count: 100))
        #expect(printed.contains(Preface.bytes))
        #expect(
            await loopback.log.first("peer does not keep to the protocol").metadata["peer"]
                == "spiffe://test.example/openssl")
        await loopback.server.stop()
    }
}

extension RecordingRelay {
    /// The cipher suite that the server chose: its hello is in clear (RFC 8446, 4.1.3).
    var cipherSuite: UInt16? {
        var hello = ByteBuffer(bytes: bytes)
        // The record's header and the message's, the version and the random.
        hello.moveReaderIndex(forwardBy: min(hello.readableBytes, 5 + 4 + 2 + 32))
        guard let session: UInt8 = hello.readInteger(), hello.readSlice(length: Int(session)) != nil else { return nil }
        return hello.readInteger()
    }
}
