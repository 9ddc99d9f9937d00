import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import TestSupport
import Testing

/// What is spoken without TLS, where the host has asked for it by name.
@Suite(.timeLimit(.minutes(5))) struct PlaintextTests {
    private let authority: TestAuthority
    private let log = LogCapture()

    init() throws {
        authority = try TestAuthority(runtime: SystemRuntime.shared)
    }

    /// Lets callers without an identity echo and look at `/healthz`.
    private static func open() throws -> AuthorizationPolicy {
        try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule(
                "anybody", methods: [Echo.echo.path, "/healthz"], callersWithoutIdentity: true)
        ])
    }

    /// A server in plain text on loopback.
    private func start(
        _ policy: AuthorizationPolicy, _ configuration: MeshConfiguration = .patient, http: Bool = false
    ) async throws -> (mesh: Mesh, endpoint: Endpoint, port: Int) {
        let mesh = try Mesh(
            configuration: configuration, identity: try authority.identity("/server"), policy: policy,
            logger: log.logger)
        mesh.serve(Echo.echo) { note, call in Note("\(note.text) from \(call.peer?.description ?? "nobody")") }
        mesh.serve(Echo.once) { note, _ in note }
        if http { mesh.serveHTTP(Acceptor()) }
        let endpoint = try await mesh.listen(on: .tcp(host: "127.0.0.1", port: 0), security: .plaintext)
        guard case .tcp(_, let port) = endpoint else { preconditionFailure("TCP was asked for") }
        return (mesh, endpoint, port)
    }

    private func client(
        _ destination: Destination, identity: RotatableIdentity? = nil
    ) throws -> (client: MeshClient, mesh: Mesh) {
        var configuration = MeshConfiguration.patient
        configuration.retry.maximumAttempts = 1
        let mesh = try Mesh(
            configuration: configuration, identity: try identity ?? authority.identity("/client"), policy: .denyAll)
        return (mesh.client(destination), mesh)
    }

    private struct Acceptor: HTTPAcceptor {
        func accept(_ channel: any Channel, _ connection: ConnectionInfo, gate: HTTPGate) throws {
            try channel.pipeline.syncOperations.addHandler(Handler(gate))
        }

        private final class Handler: ChannelInboundHandler {
            typealias InboundIn = ByteBuffer
            typealias OutboundOut = ByteBuffer
            private let gate: HTTPGate

            init(_ gate: HTTPGate) { self.gate = gate }

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                let answer = "\(gate.isAllowed("/healthz")) \(gate.isAllowed("/admin"))"
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
                context.close(promise: nil)
            }
        }
    }

    @Test("nobody is known in plain text, and a rule for callers without an identity lets them call")
    func allowed() async throws {
        let (server, endpoint, _) = try await start(try Self.open())
        let (client, mesh) = try client(.plaintext(endpoint))
        #expect(try await client.call(Echo.echo, Note("hello")).text == "hello from nobody")
        let inbound = try #require(server.connections.first).info
        #expect(inbound.tlsVersion == "plaintext")
        #expect(inbound.peer == nil)
        let outbound = try #require(mesh.connections.first).info
        #expect(outbound.tlsVersion == "plaintext")
        #expect(outbound.peer == nil)
        #expect(mesh.metrics.lines(of: "response_latency_seconds_count").first?.contains(#"server_id="none""#) == true)
        client.close()
        await server.stop()
    }

    @Test("without such a rule every call is refused, whatever others may do, and the refusal is counted")
    func refused() async throws {
        let (server, endpoint, _) = try await start(try .everything(in: authority.trustDomain))
        let (client, _) = try client(.plaintext(endpoint))
        let error = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
        #expect(error?.status == .permissionDenied)
        #expect(await log.first("call refused by policy").metadata["peer"] == "none")
        let name = "mesh_authorization_denied_total"
        #expect(server.metrics.lines(of: name) == [#"\#(name){peer="none"} 1"#])
        client.close()
        await server.stop()
    }

    @Test("a rule for callers without an identity says nothing about other methods, nor about callers with one")
    func narrow() async throws {
        let (server, endpoint, _) = try await start(try Self.open())
        let secure = try await server.listen(host: "127.0.0.1", port: 0)
        let (anonymous, _) = try client(.plaintext(endpoint))
        let (known, _) = try client(server.own(secure))
        #expect(await meshError { _ = try await anonymous.call(Echo.once, Note("x")) }?.status == .permissionDenied)
        #expect(await meshError { _ = try await known.call(Echo.echo, Note("x")) }?.status == .permissionDenied)
        anonymous.close()
        known.close()
        await server.stop()
    }

    @Test("the first bytes say what is spoken, and the policy is asked about HTTP paths too")
    func http() async throws {
        let (server, _, port) = try await start(try Self.open(), http: true)
        let plain = try await PlainClient.connect(port: port)
        await plain.send(Array("GET /healthz HTTP/1.1\r\n\r\n".utf8))
        #expect(String(decoding: await plain.untilClosed(), as: UTF8.self) == "true false")
        await server.stop()
    }

    @Test("first bytes of no protocol are refused, TLS's among them", arguments: [UInt8(0x16), 0x00])
    func garbage(first: UInt8) async throws {
        let (server, _, port) = try await start(try Self.open())
        let plain = try await PlainClient.connect(port: port)
        await plain.send([first, 0x03, 0x01])
        #expect(await plain.untilClosed().isEmpty)
        #expect(await log.first("connection refused").metadata["peer"] == "none")
        #expect(server.metrics.lines(of: "mesh_handshake_failures_total").first?.hasSuffix(" 1") == true)
        await server.stop()
    }

    @Test("a peer that connects and says nothing is closed in time, and counted")
    func silent() async throws {
        var configuration = MeshConfiguration.patient
        configuration.handshakeTimeout = .milliseconds(200)
        let (server, _, port) = try await start(try Self.open(), configuration)
        let plain = try await PlainClient.connect(port: port)
        #expect(await plain.untilClosed().isEmpty)
        #expect(await log.first("connection refused").metadata["reason"] == "no first bytes in time")
        #expect(server.metrics.lines(of: "mesh_handshake_failures_total").first?.hasSuffix(" 1") == true)
        await server.stop()
    }

    @Test("a client that expects TLS does not call a server in plain text, nor the other way round")
    func mixed() async throws {
        let (server, endpoint, _) = try await start(try Self.open())
        let secure = try await server.listen(host: "127.0.0.1", port: 0)
        for destination in [server.own(endpoint), .plaintext(secure.endpoint)] {
            let (client, _) = try client(destination)
            let error = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
            #expect(error?.progress == .notSent, "\(String(describing: error))")
            client.close()
        }
        await server.stop()
    }

    @Test("a renewed certificate leaves a connection alone that has shown none")
    func rotation() async throws {
        let (server, endpoint, _) = try await start(try Self.open())
        let identity = try authority.identity("/client")
        let (client, mesh) = try client(.plaintext(endpoint), identity: identity)
        #expect(try await client.call(Echo.echo, Note("a")).text == "a from nobody")
        let before = server.connections
        let foreign = try TestAuthority("other.example", runtime: SystemRuntime.shared)
        identity.set(svid: try foreign.svid("/client"), bundle: try foreign.authority.bundle())
        #expect(try await client.call(Echo.echo, Note("b")).text == "b from nobody")
        #expect(server.connections == before)
        #expect(mesh.connections.count == 1)
        client.close()
        await server.stop()
    }

    @Test("a connection in plain text outlasts a call's time, unlike those to the join listener")
    func lasting() async throws {
        try await Simulated.run { simulation in
            let server = try Mesh(
                identity: try simulation.authority.identity("/server"), policy: try Self.open(),
                runtime: simulation.runtime)
            server.serveEcho()
            try await server.listen(on: .tcp(host: "server", port: 1), security: .plaintext)
            let client = try simulation.mesh("/client").client(.plaintext(.tcp(host: "server", port: 1)))
            #expect(try await client.call(Echo.echo, Note("x")) == Note("x"))
            try await simulation.runtime.sleep(for: .seconds(120))
            #expect(server.connections.count == 1)
            client.close()
            await server.stop()
        }
    }
}
