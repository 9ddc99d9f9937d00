import Identity
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct ProtocolSelectionTests {
    /// Answers the first bytes of an HTTP connection with a line of its own.
    private struct Greeter: HTTPAcceptor {
        final class Handler: ChannelInboundHandler {
            typealias InboundIn = ByteBuffer
            typealias OutboundOut = ByteBuffer
            private let peer: String
            init(_ peer: String) { self.peer = peer }
            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                let request = String(buffer: unwrapInboundIn(data))
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "\(peer) sent \(request)")), promise: nil)
            }
        }

        func accept(_ channel: any Channel, _ connection: ConnectionInfo, gate: HTTPGate) throws {
            #expect(gate.isAllowed("/hello"))
            try channel.pipeline.syncOperations.addHandler(Handler(connection.peer?.path ?? "nobody"))
        }
    }

    private func start(http: Bool) async throws -> Loopback {
        try await Loopback.start { mesh in
            mesh.serveEcho()
            if http { mesh.serveHTTP(Greeter()) }
        }
    }

    private func connect(_ loopback: Loopback, _ protocols: [String]) async throws -> RawClient {
        try await RawClient.connect(
            port: loopback.port, identity: try loopback.authority.svid("/raw"), applicationProtocols: protocols)
    }

    @Test("the server speaks what the handshake agreed on")
    func negotiated() async throws {
        let loopback = try await start(http: true)
        let mesh = try await connect(loopback, ["meshwork/1"])
        #expect(await mesh.negotiated() == "meshwork/1")
        #expect(await mesh.received(8).prefix(8) == Preface.bytes[...])
        await mesh.close()
        let http = try await connect(loopback, ["http/1.1"])
        #expect(await http.negotiated() == "http/1.1")
        await http.send(Array("GET".utf8))
        let answer = "/raw sent GET"
        #expect(String(decoding: await http.received(answer.utf8.count), as: UTF8.self) == answer)
        await http.close()
        await loopback.server.stop()
    }

    @Test("where the handshake agreed on nothing, the first bytes say it")
    func firstBytes() async throws {
        let loopback = try await start(http: true)
        let mesh = try await connect(loopback, [])
        #expect(await mesh.negotiated() == nil)
        await mesh.send(RawBytes().bytes)
        #expect(await mesh.received(8).prefix(8) == Preface.bytes[...])
        await mesh.close()
        let http = try await connect(loopback, [])
        await http.send(Array("HEAD".utf8))
        let answer = "/raw sent HEAD"
        #expect(String(decoding: await http.received(answer.utf8.count), as: UTF8.self) == answer)
        await http.close()
        let other = try await connect(loopback, [])
        await other.send([0x16, 0x03, 0x01])
        #expect(await other.untilClosed().isEmpty)
        #expect(await loopback.log.first("connection refused").metadata["peer"] == "spiffe://test.example/raw")
        await loopback.server.stop()
    }

    @Test("a client of another protocol is closed before a byte of it is read, whatever it goes on to say")
    func mismatch() async throws {
        let loopback = try await start(http: false)
        for (protocols, bytes) in [
            (["h2"], Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)),
            (["http/1.1"], Array("GET / HTTP/1.1\r\n\r\n".utf8)), (["postgresql", "h3"], RawBytes().bytes),
            (["h2"], []),
        ] {
            let raw = try await connect(loopback, protocols)
            #expect(await raw.negotiated() == nil)
            await raw.send(bytes)
            #expect(await raw.untilClosed().isEmpty)
        }
        let reasons = loopback.log.all("connection refused").map { $0.metadata["reason"] ?? "" }
        #expect(reasons.contains("offers postgresql, h3, which is not served here"), "\(reasons)")
        let record = await loopback.log.first("connection refused")
        #expect(record.level == .warning)
        #expect(record.metadata["peer"] == "spiffe://test.example/raw")
        await loopback.server.stop()
    }

    @Test("a peer that connects and says nothing is closed in time")
    func silent() async throws {
        var configuration = MeshConfiguration.patient
        configuration.handshakeTimeout = .milliseconds(200)
        let loopback = try await Loopback.start(configuration: configuration)
        // No protocol in the handshake and no byte after it.
        let raw = try await connect(loopback, [])
        #expect(await raw.untilClosed().isEmpty)
        await loopback.server.stop()
    }
}
