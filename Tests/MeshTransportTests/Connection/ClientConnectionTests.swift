import Identity
import MeshWire
import MeshworkTesting
import NIOCore
import NIOEmbedded
import Telemetry
import TestSupport
import Testing

@testable import MeshTransport

/// What a server with a good certificate does wrong on the wire.
@Suite(.timeLimit(.minutes(5))) struct ClientConnectionTests {
    enum BadServer: CaseIterable, Sendable {
        case garbageForGreeting, garbage, oversizedFrame, cutFrame

        var script: RawServer.Script {
            let garbage = Array(repeating: UInt8(0xEE), count: 1_000)
            return switch self {
            case .garbageForGreeting: RawServer.Script(greeting: garbage)
            case .garbage: RawServer.Script(answer: garbage)
            case .oversizedFrame: RawServer.Script(answer: Self.response(claiming: 100 << 20))
            case .cutFrame: RawServer.Script(answer: Self.response(claiming: 100), closes: true)
            }
        }

        var code: MeshError.Code { self == .cutFrame ? .connectionLost : .protocolViolation }

        var cause: WireError.Code {
            switch self {
            case .garbageForGreeting, .garbage: .malformed
            case .oversizedFrame: .tooLarge
            case .cutFrame: .truncated
            }
        }

        /// A response to the first call whose header claims more than the few bytes that follow.
        private static func response(claiming length: Int) -> [UInt8] {
            var buffer = ByteBuffer()
            FrameHeader(kind: .response, stream: .first, payloadLength: length).write(to: &buffer)
            buffer.writeRepeatingByte(0, count: 10)
            return Array(buffer.readableBytesView)
        }
    }

    @Test(
        "a server that breaks the protocol ends the call with an error that names it, and harms no other client",
        arguments: BadServer.allCases)
    func badServer(_ kind: BadServer) async throws {
        let (started, release) = (Gate(), Gate())
        let loopback = try await Loopback.start { mesh in
            mesh.serve(Echo.once) { note, _ in
                started.open()
                await release.wait()
                return note
            }
        }
        let authority = loopback.authority
        let bad = try await RawServer.start(as: try authority.svid("/bad"), kind.script)
        var configuration = MeshConfiguration.patient
        configuration.retry.maximumAttempts = 1
        let mesh = try Mesh(
            configuration: configuration, identity: try authority.identity("/client"), policy: .denyAll)
        func client(_ path: String, _ port: Int) throws -> MeshClient {
            mesh.client(Destination(host: "127.0.0.1", port: port, identities: [.exact(try authority.id(path))]))
        }
        let (undisturbed, disturbed) = (try client("/server", loopback.port), try client("/bad", bad.port))
        async let reply = undisturbed.call(Echo.once, Note("other"))
        await started.wait()

        let error = try #require(await meshError { _ = try await disturbed.call(Echo.once, Note("x")) })
        #expect(error.code == kind.code, "\(error)")
        #expect(error.peer == "spiffe://test.example/bad")
        #expect(error.progress == (kind == .garbageForGreeting ? .notSent : .mayHaveRun))
        #expect((error.cause as? WireError)?.code == kind.cause, "\(error)")

        release.open()
        #expect(try await reply == Note("other"))
        undisturbed.close()
        disturbed.close()
        await bad.stop()
        await loopback.server.stop()
    }

    @Test("a server that chose another protocol is named")
    func otherProtocol() throws {
        let channel = EmbeddedChannel()
        let established = channel.eventLoop.makePromise(of: Void.self)
        let (authority, metrics) = (try TestAuthority(runtime: SystemRuntime.shared), MetricsRegistry())
        let peer = VerifiedPeer(
            spiffeID: try authority.id("/server"), notBefore: UnixTime(seconds: 0), notAfter: UnixTime(seconds: 1),
            leafFingerprint: SHA256Fingerprint(of: []))
        try channel.pipeline.syncOperations.addHandler(
            ClientConnection(
                ClientCore(
                    instance: InstanceID(high: 1, low: 1), configuration: MeshConfiguration(),
                    try ConfigurationInForce(DynamicConfiguration()),
                    runtime: SystemRuntime.shared, identity: nil, trust: .bundle,
                    applicationProtocol: ApplicationProtocol.mesh,
                    verifier: try PeerVerifier(clockSkew: .seconds(20)), table: ConnectionTable(),
                    metrics: ClientMetrics(metrics, LoopShards(metrics, SystemRuntime.shared)),
                    logger: LogCapture().logger),
                ServerAddress(.tcp(host: "127.0.0.1", port: 1), of: .plaintext(.tcp(host: "127.0.0.1", port: 1))),
                executor: LoopExecutor(channel.eventLoop),
                established: established,
                onClose: { _ in }))
        channel.pipeline.fireUserInboundEventTriggered(
            SecureChannelEvent.established(
                SecureChannel(peer: peer, chain: [], own: nil, applicationProtocol: "h2", tlsVersion: "TLSv1.3")))
        let error = #expect(throws: MeshError.self) { try established.futureResult.wait() }
        #expect(error?.code == .protocolViolation)
        #expect(error?.message == "the server speaks h2")
        #expect(error?.peer == "spiffe://test.example/server")
        let isActive = channel.isActive
        #expect(!isActive)
    }
}
