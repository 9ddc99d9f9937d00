import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

/// A deny list that changes while connections are open, on the side that judges.
@Suite(.timeLimit(.minutes(5))) struct DeniedPeerTests {
    private func list(_ version: UInt64, _ simulation: Simulated, _ path: String) throws -> DenyList {
        let later = UnixTime(seconds: simulation.runtime.timeSince1970.components.seconds + 3_600)
        return try DenyList(
            version: version, entries: [.identity(simulation.authority.id(path), issuedBefore: later)])
    }

    @Test("a server lets a denied peer go that it has let in, keeps others, and takes the denied one in no more")
    func server() async throws {
        try await Simulated.run { simulation in
            let identity = try simulation.authority.identity("/server")
            let server = try Mesh(identity: identity, policy: simulation.policy, runtime: simulation.runtime)
            server.serveEcho()
            try await server.listen(host: "server", port: 1_000)
            let goes = try simulation.client(of: simulation.mesh("/goes"))
            let stays = try simulation.client(of: simulation.mesh("/stays"))
            for client in [goes, stays] { _ = try await client.call(Echo.echo, Note("x")) }
            identity.set(denyList: try list(2, simulation, "/goes"))
            try await simulation.runtime.sleep(for: .seconds(1))
            #expect(server.connections.compactMap { $0.info.peer?.path } == ["/stays"])
            #expect(await meshError { _ = try await goes.call(Echo.echo, Note("x")) }?.progress == .notSent)
            // An older list takes nothing back; a newer one does.
            identity.set(denyList: try DenyList(version: 1, entries: []))
            #expect(await meshError { _ = try await goes.call(Echo.echo, Note("x")) } != nil)
            identity.set(denyList: try DenyList(version: 3, entries: []))
            try await simulation.runtime.sleep(for: .seconds(5))
            let reply = try await goes.call(Echo.echo, Note("back"))
            #expect(reply == Note("back"))
            for client in [goes, stays] { client.close() }
            await server.stop()
        }
    }

    @Test(
        "a list that denies somebody else has no connection made anew, nor has a bundle that still vouches for the server"
    )
    func others() async throws {
        try await Simulated.run { simulation in
            // A second connection would be refused, and counted.
            var configuration = MeshConfiguration()
            configuration.connectionsPerListener = 1
            let server = try await simulation.server(configuration) { $0.serveEcho() }
            let identity = try simulation.authority.identity("/client")
            let mesh = try Mesh(identity: identity, policy: simulation.policy, runtime: simulation.runtime)
            let client = try simulation.client(of: mesh)
            _ = try await client.call(Echo.echo, Note("x"))
            identity.set(denyList: try list(1, simulation, "/somebody"))
            for _ in 0..<2 { _ = try await client.call(Echo.echo, Note("x")) }
            identity.set(bundle: try simulation.authority.authority.bundle(generation: 7))
            for _ in 0..<2 { _ = try await client.call(Echo.echo, Note("x")) }
            try await simulation.runtime.sleep(for: .seconds(1))
            #expect(server.metrics.lines(of: "mesh_connections_refused_total") == ["mesh_connections_refused_total 0"])
            // A certificate of our own is shown on a new one.
            identity.set(svid: try simulation.authority.svid("/client"))
            _ = try await client.call(Echo.echo, Note("x"))
            try await simulation.runtime.sleep(for: .seconds(1))
            #expect(server.metrics.lines(of: "mesh_connections_refused_total") != ["mesh_connections_refused_total 0"])
            client.close()
            await server.stop()
        }
    }

    @Test("a client calls a denied server no more, not over the connection that it has either")
    func client() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { $0.serveEcho() }
            let identity = try simulation.authority.identity("/client")
            let mesh = try Mesh(identity: identity, policy: simulation.policy, runtime: simulation.runtime)
            let client = try simulation.client(of: mesh)
            _ = try await client.call(Echo.echo, Note("x"))
            identity.set(denyList: try list(1, simulation, "/server"))
            let error = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
            #expect(error?.code == .peerNotTrusted && error?.progress == .notSent)
            try await simulation.runtime.sleep(for: .seconds(1))
            #expect(mesh.connections.isEmpty && server.connections.isEmpty)
            client.close()
            await server.stop()
        }
    }
}
