import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Telemetry
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct ListenerTests {
    @Test("a port in use is one clear error that names the address")
    func portInUse() async throws {
        let loopback = try await Loopback.start()
        let other = try Mesh(identity: try loopback.authority.identity("/other"), policy: .denyAll)
        let error = await meshError { try await other.listen(host: "127.0.0.1", port: loopback.port) }
        #expect(error?.code == .listenFailed)
        #expect(error?.peer == "127.0.0.1:\(loopback.port)")
        #expect(error?.message.contains("in use") == true)
        await other.stop()
        // The first is not disturbed.
        let client = try loopback.client()
        #expect(try await client.call(Echo.echo, Note("x")) == Note("x"))
        client.close()
        await loopback.server.stop()
    }

    @Test("a host that nobody has is an error too", arguments: ["256.1.1.1", "no-such-host.invalid"])
    func unknownHost(host: String) async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let mesh = try Mesh(identity: try authority.identity("/server"), policy: .denyAll)
        let error = await meshError { try await mesh.listen(host: host, port: 0) }
        #expect(error?.code == .listenFailed)
        await mesh.stop()
    }

    @Test("a stopped mesh listens no more, and its port is free again")
    func stopped() async throws {
        let loopback = try await Loopback.start()
        await loopback.server.stop()
        let late = await meshError { try await loopback.server.listen(host: "127.0.0.1", port: 0) }
        #expect(late?.code == .listenFailed)
        #expect(late?.message.contains("the mesh was stopped") == true)
        let second = try Mesh(identity: try loopback.authority.identity("/server"), policy: loopback.policy)
        second.serveEcho()
        try await second.listen(host: "127.0.0.1", port: loopback.port)
        let client = try loopback.client()
        #expect(try await client.call(Echo.echo, Note("x")) == Note("x"))
        client.close()
        await second.stop()
    }

    @Test("handshakes that fail are counted, whether TLS or the first bytes are at fault, and others are not")
    func countsFailedHandshakes() async throws {
        let loopback = try await Loopback.start()
        let client = try loopback.client()
        #expect(try await client.call(Echo.echo, Note("x")) == Note("x"))
        let name = "mesh_handshake_failures_total"
        #expect(loopback.server.metrics.lines(of: name) == ["\(name) 0"])
        let nobody = try await RawClient.connect(port: loopback.port, identity: nil)
        _ = await nobody.untilClosed()
        _ = await loopback.log.first("handshake failed")
        #expect(loopback.server.metrics.lines(of: name) == ["\(name) 1"])
        let stranger = try await RawClient.connect(
            port: loopback.port, identity: try loopback.authority.svid("/stranger"), applicationProtocols: [])
        await stranger.send(Array("what?".utf8))
        _ = await stranger.untilClosed()
        _ = await loopback.log.first("connection refused")
        #expect(loopback.server.metrics.lines(of: name) == ["\(name) 2"])
        client.close()
        await loopback.server.stop()
    }

    @Test("connections beyond the listener's limit are closed at once, counted, and said once; others go on")
    func full() async throws {
        var configuration = MeshConfiguration.patient
        configuration.connectionsPerListener = 1
        let loopback = try await Loopback.start(configuration: configuration)
        let client = try loopback.client()
        #expect(try await client.call(Echo.echo, Note("before")) == Note("before"))
        for _ in 0..<3 {
            let raw = try await RawClient.connect(port: loopback.port, identity: try loopback.authority.svid("/raw"))
            #expect(await raw.untilClosed().isEmpty)
        }
        #expect(loopback.log.records.count { $0.message.hasPrefix("connections refused") } == 1)
        let refused = loopback.server.metrics.counter("mesh_connections_refused_total", help: "")
        #expect(refused.series([]).value == 3)
        #expect(try await client.call(Echo.echo, Note("after")) == Note("after"))
        client.close()
        await loopback.server.stop()
    }

    @Test("a connection that ends makes room for another")
    func room() async throws {
        try await Simulated.run { simulation in
            var configuration = MeshConfiguration()
            configuration.connectionsPerListener = 1
            let server = try await simulation.server(configuration) { $0.serveEcho() }
            let (first, second) = (try simulation.client(), try simulation.client())
            #expect(try await first.call(Echo.once, Note("x")) == Note("x"))
            #expect(await meshError { _ = try await second.call(Echo.once, Note("x")) }?.code == .connectFailed)
            first.close()
            try await simulation.runtime.sleep(for: .seconds(1))
            #expect(try await second.call(Echo.once, Note("x")) == Note("x"))
            second.close()
            await server.stop()
        }
    }
}
