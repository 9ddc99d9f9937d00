import Foundation
import Identity
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import TestSupport
import Testing

/// Who may speak to whom, over real TLS.
@Suite(.timeLimit(.minutes(5))) struct ChannelSecurityTests {
    private static func once() -> MeshConfiguration {
        var configuration = MeshConfiguration.patient
        configuration.retry.maximumAttempts = 1
        return configuration
    }

    @Test("a server with another identity than the expected one is not called")
    func unexpectedIdentity() async throws {
        let runs = Tally()
        let loopback = try await Loopback.start { mesh in
            mesh.serve(Echo.echo) { note, _ in
                runs.add()
                return note
            }
        }
        let client = try loopback.client(expected: "/other")
        let error = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
        #expect(error?.code == .peerNotTrusted)
        #expect(error?.progress == .notSent)
        #expect(error?.peer == "spiffe://test.example/server")
        #expect(error?.message.contains("spiffe://test.example/other") == true)
        #expect(runs.count == 0)
        client.close()
        await loopback.server.stop()
    }

    @Test("a server whose identity is remembered from another client is compared all the same")
    func rememberedIdentity() async throws {
        let loopback = try await Loopback.start()
        let mesh = try Mesh(
            configuration: .patient, identity: try loopback.authority.identity("/client"), policy: .denyAll)
        func client(_ expected: String) throws -> MeshClient {
            mesh.client(
                Destination(
                    host: "127.0.0.1", port: loopback.port, identities: [.exact(try loopback.authority.id(expected))]))
        }
        let (right, wrong) = (try client("/server"), try client("/other"))
        #expect(try await right.call(Echo.echo, Note("x")) == Note("x"))
        #expect(await meshError { _ = try await wrong.call(Echo.echo, Note("x")) }?.code == .peerNotTrusted)
        right.close()
        wrong.close()
        await loopback.server.stop()
    }

    @Test("a server of another authority is not trusted")
    func foreignServer() async throws {
        let loopback = try await Loopback.start()
        let foreign = try TestAuthority(runtime: SystemRuntime.shared)
        let client = try loopback.client(identity: try foreign.identity("/client"))
        let error = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
        #expect(error?.code == .peerNotTrusted)
        #expect(error?.progress == .notSent)
        client.close()
        await loopback.server.stop()
    }

    /// A client as `identity` that trusts the server: what it and the server's log say.
    private func refused(
        _ identity: (TestAuthority) throws -> RotatableIdentity
    ) async throws -> (error: MeshError, record: LogCapture.Record) {
        let runs = Tally()
        let loopback = try await Loopback.start { mesh in
            mesh.serve(Echo.echo) { note, _ in
                runs.add()
                return note
            }
        }
        let client = try loopback.client(configuration: Self.once(), identity: try identity(loopback.authority))
        let error = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
        let record = await loopback.log.first("handshake failed")
        #expect(runs.count == 0)
        // Others are served.
        let proper = try loopback.client()
        #expect(try await proper.call(Echo.echo, Note("x")) == Note("x"))
        client.close()
        proper.close()
        await loopback.server.stop()
        return (try #require(error), record)
    }

    @Test("a client with a certificate of another authority is refused, and both sides say why")
    func foreignClient() async throws {
        let foreign = try TestAuthority(runtime: SystemRuntime.shared)
        let (error, record) = try await refused { authority in
            RotatableIdentity(svid: try foreign.svid("/client"), bundle: try authority.authority.bundle())
        }
        #expect(error.progress == .notSent)
        #expect(error.code == .connectFailed)
        #expect(error.peer == "spiffe://test.example/server")
        #expect(record.level == .warning)
        #expect(record.metadata["error"]?.contains("spiffe://test.example/client") == true, "\(record)")
    }

    @Test("a client with an expired certificate is refused, and the log names it")
    func expiredClient() async throws {
        let (error, record) = try await refused { authority in
            RotatableIdentity(
                svid: try authority.svid("/late", lifetime: .seconds(60), issued: .seconds(3_600)),
                bundle: try authority.authority.bundle())
        }
        #expect(error.progress == .notSent)
        #expect(record.metadata["error"]?.contains("spiffe://test.example/late") == true, "\(record)")
        #expect(record.metadata["error"]?.contains("expired") == true, "\(record)")
    }

    @Test("a server with an expired certificate is refused")
    func expiredServer() async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let loopback = try await Loopback.start(
            authority: authority,
            identity: RotatableIdentity(
                svid: try authority.svid("/server", lifetime: .seconds(60), issued: .seconds(3_600)),
                bundle: try authority.authority.bundle()))
        let client = try loopback.client()
        let error = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
        #expect(error?.code == .peerNotTrusted)
        #expect(error?.peer == "spiffe://test.example/server")
        #expect((error?.cause as? IdentityError)?.code == .expired)
        client.close()
        await loopback.server.stop()
    }

    @Test("a client without a certificate is refused before it is read from")
    func noCertificate() async throws {
        let loopback = try await Loopback.start()
        let raw = try await RawClient.connect(port: loopback.port, identity: nil)
        var bytes = RawBytes()
        bytes.declare()
        bytes.request(1)
        await raw.send(bytes.bytes)
        #expect(await raw.untilClosed().isEmpty)
        #expect(await loopback.log.first("handshake failed").level == .warning)
        #expect(loopback.server.connections.isEmpty)
        await loopback.server.stop()
    }

    @Test("a peer that does not speak TLS is refused on either side")
    func noTLS() async throws {
        let loopback = try await Loopback.start()
        let plain = try await PlainClient.connect(port: loopback.port)
        await plain.send(Array("GET / HTTP/1.1\r\n\r\n".utf8))
        await plain.untilClosed()
        #expect(await loopback.log.first("handshake failed").metadata["address"]?.contains("127.0.0.1") == true)
        await loopback.server.stop()
    }

    @Test("a renewed client's new connections show the new certificate, and no call fails meanwhile")
    func clientRotation() async throws {
        let loopback = try await Loopback.start()
        let identity = try loopback.authority.identity("/client")
        let mesh = try Mesh(configuration: .patient, identity: identity, policy: .denyAll)
        let client = mesh.client(
            Destination(
                host: "127.0.0.1", port: loopback.port, identities: [.exact(try loopback.authority.id("/server"))]))
        for round in 0..<8 {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<4 {
                    group.addTask {
                        for number in 0..<25 {
                            let note = Note("\(round) \(task) \(number)")
                            let reply = try await client.call(Echo.once, note)
                            #expect(reply == note)
                        }
                    }
                }
                identity.set(svid: try loopback.authority.svid("/client"))
                try await group.waitForAll()
            }
        }
        client.close()
        await loopback.server.stop()
    }

    @Test("a renewed server shows its new certificate to new connections")
    func serverRotation() async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let loopback = try await Loopback.start(authority: authority, identity: try authority.identity("/before"))
        let before = try loopback.client(expected: "/before")
        #expect(try await before.call(Echo.echo, Note("x")) == Note("x"))
        loopback.identity.set(svid: try loopback.authority.svid("/after"))
        let after = try loopback.client(expected: "/after")
        #expect(try await after.call(Echo.echo, Note("x")) == Note("x"))
        // What was open stays open: its certificate has not ended.
        #expect(try await before.call(Echo.echo, Note("y")) == Note("y"))
        let late = try loopback.client(expected: "/before")
        #expect(await meshError { _ = try await late.call(Echo.echo, Note("x")) }?.code == .peerNotTrusted)
        for client in [before, after, late] { client.close() }
        await loopback.server.stop()
    }

    /// Answers every request, and notes who connected.
    private struct Acceptor: HTTPAcceptor {
        let log: LogCapture

        func accept(_ channel: any Channel, _ connection: ConnectionInfo, gate: HTTPGate) throws {
            log.logger.info("accepted", metadata: ["peer": "\(connection.peer?.description ?? "none")"])
            try channel.pipeline.syncOperations.addHandler(Handler())
        }

        private final class Handler: ChannelInboundHandler {
            typealias InboundIn = ByteBuffer
            typealias OutboundOut = ByteBuffer

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                context.writeAndFlush(
                    wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 204 No Content\r\n\r\n")), promise: nil)
                context.close(promise: nil)
            }
        }
    }

    @Test(
        "a resumed session without a certificate is refused, whatever is spoken",
        .enabled(if: OpenSSL.path != nil, "openssl is not installed"), arguments: ["meshwork/1", "http/1.1"])
    func resumption(applicationProtocol: String) async throws {
        let accepted = LogCapture()
        let loopback = try await Loopback.start { mesh in
            mesh.serveEcho()
            mesh.serveHTTP(Acceptor(log: accepted))
        }
        let folder = try TemporaryFolder()
        let svid = try loopback.authority.svid("/openssl")
        try Data(svid.chainPEM.utf8).write(to: folder.file("chain.pem"))
        try svid.withPrivateKeyPEM { try folder.writeSecret($0, to: "key.pem") }
        let address = "127.0.0.1:\(loopback.port)"
        let session = folder.file("session.pem")
        let isHTTP = applicationProtocol == "http/1.1"
        // What the server must answer before it closes the connection; a mesh does because it finds something wrong.
        let bytes =
            isHTTP
            ? Array("GET / HTTP/1.1\r\n\r\n".utf8) : RawBytes().bytes + Array(repeating: 0xEE, count: 100)
        let answer = isHTTP ? Array("HTTP/1.1 204".utf8) : Preface.bytes
        let arguments = ["-connect", address, "-tls1_3", "-alpn", applicationProtocol]
        // With the certificate: served, and given a ticket.
        let first = try await OpenSSL.client(
            arguments + [
                "-cert", folder.file("chain.pem").path, "-key", folder.file("key.pem").path, "-sess_out", session.path,
            ], sending: bytes)
        #expect(first.contains(answer))
        try #require(FileManager.default.fileExists(atPath: session.path), "there is no session to resume")
        let record =
            isHTTP
            ? await accepted.first("accepted") : await loopback.log.first("peer does not keep to the protocol")
        #expect(record.metadata["peer"] == "spiffe://test.example/openssl")
        #expect(loopback.log.all("handshake failed").isEmpty)
        // Resumed, without a certificate: not a byte is answered.
        let second = try await OpenSSL.client(
            arguments + ["-sess_in", session.path], sending: bytes)
        #expect(!second.contains(answer))
        #expect(await loopback.log.first("handshake failed").level == .warning)
        #expect(accepted.records.count == (isHTTP ? 1 : 0))
        await loopback.server.stop()
    }
}
