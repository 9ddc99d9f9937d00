import Identity
import MeshGRPC
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

/// What a server with a good certificate does wrong in HTTP/2: the call ends with an error that names it, and other
/// clients' calls go on.
@Suite(.timeLimit(.minutes(5))) struct HostileServerTests {
    private typealias Frame = HTTP2Bytes.Frame

    enum Attack: String, CaseIterable, Sendable {
        case garbage, oversizedFrame, shortPing, dataOnIdleStream, pushPromise, windowOverflow, settingsFlood, pingFlood
        case continuationFlood, headerBomb, interleavedHeaderBlock, settingsForTheHead

        /// What follows the server's settings.
        var bytes: [UInt8] {
            var bytes = HTTP2Bytes()
            if self != .settingsForTheHead { bytes.settings([]) }
            switch self {
            case .garbage: bytes.bytes += Array(repeating: 0xEE, count: 1_000)
            case .oversizedFrame: bytes.frame(Frame.data, on: 1, [0], length: (1 << 24) - 1)
            case .shortPing: bytes.frame(Frame.ping, on: 0, [1, 2, 3])
            case .dataOnIdleStream: bytes.frame(Frame.data, on: 2, [0])
            case .pushPromise: bytes.frame(Frame.pushPromise, Frame.endHeaders, on: 1, [0, 0, 0, 2, 0x83, 0x87])
            case .windowOverflow: bytes.windowUpdate(0x7FFF_FFFF)
            case .settingsFlood: for _ in 0..<5_000 { bytes.settings([(4, 65_535)]) }
            case .pingFlood: for _ in 0..<5_000 { bytes.frame(Frame.ping, on: 0, Array(repeating: 1, count: 8)) }
            case .continuationFlood:
                bytes.headers(1, [0x88], flags: 0)
                for _ in 0..<5_000 { bytes.frame(Frame.continuation, on: 1, []) }
            case .headerBomb:
                let field = HTTP2Bytes.literal("x", String(repeating: "y", count: 3_900), form: 0x40)
                bytes.headers(1, [0x88] + field + Array(repeating: 0xBE, count: 10_000))
            case .interleavedHeaderBlock:
                bytes.headers(1, [0x88], flags: 0)
                bytes.frame(Frame.ping, on: 0, Array(repeating: 1, count: 8))
            case .settingsForTheHead: bytes.frame(Frame.ping, on: 0, Array(repeating: 1, count: 8))
            }
            return bytes.bytes
        }
    }

    @Test(
        "a server's attack ends the call with an error that names it, and no other client's", arguments: Attack.allCases
    )
    func attack(_ attack: Attack) async throws {
        let loopback = try await GRPCLoopback.start()
        let bad = try await RawHTTP2Server.start(as: try loopback.authority.svid("/bad"), saying: attack.bytes)
        var configuration = MeshConfiguration.patient
        configuration.retry.maximumAttempts = 1
        let mesh = try Mesh(
            configuration: configuration, identity: loopback.authority.identity("/client"), policy: .denyAll)
        try mesh.enableGRPC()
        let undisturbed = try loopback.client()
        #expect(try await undisturbed.call(Echo.echo, Note("before")) == Note("before"))
        let disturbed = mesh.client(
            Destination(
                host: "127.0.0.1", port: bad.port, identities: [.exact(try loopback.authority.id("/bad"))]
            ).overGRPC)
        let error = await meshError { _ = try await disturbed.call(Echo.fail, Note("x")) }
        #expect(error?.code == .protocolViolation, "\(String(describing: error))")
        #expect(error?.peer == "spiffe://test.example/bad")
        #expect(try await undisturbed.call(Echo.echo, Note("after")) == Note("after"))
        undisturbed.close()
        disturbed.close()
        await bad.stop()
        await loopback.server.stop()
    }

    @Test("a server that never answers costs the call its deadline, and one that says nothing the connection its time")
    func silence() async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        var settings = HTTP2Bytes()
        settings.settings([])
        let cases: [([UInt8], MeshError.Code)] = [(settings.bytes, .deadlineExceeded), ([], .connectFailed)]
        for (bytes, code) in cases {
            let silent = try await RawHTTP2Server.start(as: try authority.svid("/silent"), saying: bytes)
            var configuration = MeshConfiguration.patient
            configuration.retry.maximumAttempts = 1
            configuration.connectTimeout = bytes.isEmpty ? .milliseconds(500) : .seconds(120)
            let mesh = try Mesh(configuration: configuration, identity: authority.identity("/client"), policy: .denyAll)
            try mesh.enableGRPC()
            let client = mesh.client(
                Destination(host: "127.0.0.1", port: silent.port, identities: [.exact(try authority.id("/silent"))])
                    .overGRPC)
            let timeout: Duration = bytes.isEmpty ? .seconds(240) : .milliseconds(500)
            let error = await meshError { _ = try await client.call(Echo.fail, Note("x"), timeout: timeout) }
            #expect(error?.code == code, "\(String(describing: error))")
            client.close()
            await silent.stop()
        }
    }
}
