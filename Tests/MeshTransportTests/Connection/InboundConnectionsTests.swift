import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

/// Connections of clients with certificates of two authorities, when the server's trust changes.
@Suite struct InboundConnectionsTests {
    /// A server that trusts two authorities of one domain, and knows one of them as its own.
    private struct Setting {
        let simulation: Simulated
        let other: TestAuthority
        let identity: RotatableIdentity
        let server: Mesh

        init(_ simulation: Simulated, _ register: (Mesh) -> Void) async throws {
            self.simulation = simulation
            other = try TestAuthority(runtime: simulation.runtime)
            identity = try simulation.authority.identity("/server")
            server = try Mesh(identity: identity, policy: simulation.policy, runtime: simulation.runtime)
            register(server)
            try trustBoth(2)
            try await server.listen(host: "server", port: 1_000)
        }

        func trustBoth(_ generation: UInt64) throws { try trust([simulation.authority, other], generation) }

        func trustOne(_ generation: UInt64) throws { try trust([simulation.authority], generation) }

        private func trust(_ authorities: [TestAuthority], _ generation: UInt64) throws {
            let roots = authorities.map(\.authority.rootCertificate)
            identity.set(bundle: try TrustBundle([other.trustDomain: roots], generation: generation))
        }

        /// A client with a certificate of `authority`.
        func client(_ path: String, of authority: TestAuthority) throws -> MeshClient {
            let identity = RotatableIdentity(
                svid: try authority.svid(path), bundle: try simulation.authority.authority.bundle())
            let id = try simulation.authority.id("/server")
            return try Mesh(identity: identity, policy: .denyAll, runtime: simulation.runtime).client(
                Destination(host: "server", port: 1_000, identities: [.exact(id)]))
        }

        var peers: [String] { server.connections.compactMap { $0.info.peer?.path } }
    }

    @Test("a peer whose root is trusted no more gets the answers it waits for and is let go; others stay")
    func rootRemoved() async throws {
        try await Simulated.run { simulation in
            let (started, release) = (Gate(), Gate())
            let setting = try await Setting(simulation) { mesh in
                mesh.serve(Echo.echo) { note, _ in note }
                mesh.serve(Echo.once) { note, _ in
                    started.open()
                    await release.wait()
                    return note
                }
            }
            let stays = try setting.client("/stays", of: simulation.authority)
            let goes = try setting.client("/goes", of: setting.other)
            for client in [stays, goes] { _ = try await client.call(Echo.echo, Note("x")) }
            // A renewed certificate of the server's own ends nothing, nor does a bundle that vouches for everybody.
            setting.identity.set(svid: try simulation.authority.svid("/server"))
            try setting.trustBoth(3)
            try await simulation.runtime.sleep(for: .seconds(1))
            #expect(setting.peers == ["/stays", "/goes"])

            async let reply = goes.call(Echo.once, Note("open"))
            await started.wait()
            try setting.trustOne(4)
            try await simulation.runtime.sleep(for: .seconds(1))
            #expect(await meshError { _ = try await goes.call(Echo.echo, Note("x")) }?.progress == .notSent)
            release.open()
            #expect(try await reply == Note("open"))
            try await simulation.runtime.sleep(for: .seconds(1))
            #expect(setting.peers == ["/stays"])
            #expect(try await stays.call(Echo.echo, Note("x")) == Note("x"))
            for client in [stays, goes] { client.close() }
            await setting.server.stop()
        }
    }

    @Test("a call that takes longer than the drain time is lost with its peer's trust")
    func drainTimeout() async throws {
        try await Simulated.run { simulation in
            let started = Gate()
            let setting = try await Setting(simulation) { $0.serveLate(Echo.once, started: started) }
            let client = try setting.client("/goes", of: setting.other)
            async let failure = meshError { _ = try await client.call(Echo.once, Note("x")) }
            await started.wait()
            let start = simulation.runtime.now
            try setting.trustOne(3)
            let error = await failure
            #expect(error?.code == .connectionLost)
            #expect(error?.progress == .mayHaveRun)
            let took = start.duration(to: simulation.runtime.now)
            #expect(took >= .seconds(10) && took < .seconds(11))
            client.close()
            await setting.server.stop()
        }
    }

    @Test("a handshake that began before the trust changed ends in no connection")
    func changedInHandshake() async throws {
        try await Simulated.run { simulation in
            let setting = try await Setting(simulation) { $0.serveEcho() }
            var generation: UInt64 = 3
            for microseconds in stride(from: 0, to: 8_000, by: 250) {
                let client = try setting.client("/goes", of: setting.other)
                async let outcome = meshError { _ = try await client.connection() }
                try await simulation.runtime.sleep(for: .microseconds(Int64(microseconds)))
                try setting.trustOne(generation)
                _ = await outcome
                try await simulation.runtime.sleep(for: .seconds(1))
                #expect(setting.peers.isEmpty, "trusted no more after \(microseconds) µs")
                client.close()
                try setting.trustBoth(generation + 1)
                generation += 2
            }
            await setting.server.stop()
        }
    }
}
