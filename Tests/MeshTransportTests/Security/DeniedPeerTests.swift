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

    /// How long a denied peer's connection may last: far less than its calls' time to finish, or the calls themselves.
    private static let atOnce = Duration.seconds(1)

    @Test(
        "a denied client's open calls end with its connection, at once, and their handlers are cancelled",
        arguments: [false, true])
    func openCallsOfClient(isRootGone: Bool) async throws {
        try await Simulated.run { simulation in
            let identity = try simulation.authority.identity("/server")
            let server = try Mesh(identity: identity, policy: simulation.policy, runtime: simulation.runtime)
            let (started, cancelled) = (Gate(), Tally())
            server.serve(Echo.once) { note, _ in
                started.open()
                do {
                    try await simulation.runtime.sleep(for: .seconds(1_000))
                } catch {
                    cancelled.add()
                    throw error
                }
                return note
            }
            try await server.listen(host: "server", port: 1_000)
            let client = try simulation.client(of: simulation.mesh("/goes"))
            async let failure = meshError { _ = try await client.call(Echo.once, Note("x"), timeout: .seconds(500)) }
            await started.wait()
            let denied = simulation.runtime.now
            // Where its root goes as well, a list that denies it still is no reason to let it finish.
            let others =
                isRootGone ? try TestAuthority(runtime: simulation.runtime).authority.bundle(generation: 9) : nil
            identity.set(bundle: others, denyList: try list(2, simulation, "/goes"))
            let error = await failure
            #expect(error?.code == .connectionLost && error?.progress == .mayHaveRun, "\(String(describing: error))")
            #expect(denied.duration(to: simulation.runtime.now) < Self.atOnce)
            try await simulation.runtime.sleep(for: Self.atOnce)
            #expect(server.connections.isEmpty && cancelled.count == 1)
            client.close()
            await server.stop()
        }
    }

    @Test(
        "no answer is taken of a denied server: open calls end at once, on a connection that was given up as well",
        arguments: [false, true])
    func openCallsOfServer(isRootGone: Bool) async throws {
        try await Simulated.run { simulation in
            let started = Tally()
            let server = try await simulation.server { mesh in
                mesh.serve(Echo.once) { note, _ in
                    started.add()
                    try await simulation.runtime.sleep(for: .seconds(5))
                    return note
                }
            }
            let identity = try simulation.authority.identity("/client")
            let mesh = try Mesh(identity: identity, policy: simulation.policy, runtime: simulation.runtime)
            let client = try simulation.client(of: mesh)
            async let first = meshError { _ = try await client.call(Echo.once, Note("a"), timeout: .seconds(500)) }
            while started.count < 1 { try await simulation.runtime.sleep(for: .milliseconds(10)) }
            // The first connection is given up for one that shows the new certificate, once its call has ended.
            identity.set(svid: try simulation.authority.svid("/client"))
            async let second = meshError { _ = try await client.call(Echo.once, Note("b"), timeout: .seconds(500)) }
            while started.count < 2 { try await simulation.runtime.sleep(for: .milliseconds(10)) }
            #expect(mesh.connections.count == 2)
            let denied = simulation.runtime.now
            let others =
                isRootGone ? try TestAuthority(runtime: simulation.runtime).authority.bundle(generation: 9) : nil
            identity.set(bundle: others, denyList: try list(1, simulation, "/server"))
            for error in [await first, await second] {
                #expect(error?.code == .connectionLost && error?.progress == .mayHaveRun)
                let cause = (error?.cause as? MeshError)?.cause as? IdentityError
                #expect(
                    cause?.code == (isRootGone ? .untrustedIssuer : .denied), "\(String(describing: error))")
            }
            #expect(denied.duration(to: simulation.runtime.now) < Self.atOnce)
            try await simulation.runtime.sleep(for: Self.atOnce)
            #expect(mesh.connections.isEmpty && server.connections.isEmpty)
            client.close()
            await server.stop()
        }
    }

    @Test("a root that is given up is no denial: what a peer has begun is finished within its time")
    func givenUpRoot() async throws {
        try await Simulated.run { simulation in
            let (started, other) = (Gate(), try TestAuthority(runtime: simulation.runtime))
            let domain = simulation.authority.trustDomain
            let roots = [simulation.authority, other].map(\.authority.rootCertificate)
            let identity = RotatableIdentity(
                svid: try other.svid("/server"), bundle: try TrustBundle([domain: roots], generation: 1))
            let server = try Mesh(identity: identity, policy: simulation.policy, runtime: simulation.runtime)
            server.serveLate(Echo.once, after: .seconds(5), started: started)
            try await server.listen(host: "server", port: 1_000)
            let own = RotatableIdentity(
                svid: try simulation.authority.svid("/goes"), bundle: try TrustBundle([domain: roots], generation: 1))
            let client = try simulation.client(of: simulation.mesh("/goes", identity: own))
            async let answer = client.call(Echo.once, Note("x"), timeout: .seconds(500))
            await started.wait()
            identity.set(bundle: try TrustBundle([domain: [roots[1]]], generation: 2))
            let note = try await answer
            #expect(note == Note("x"))
            try await simulation.runtime.sleep(for: .seconds(1))
            #expect(server.connections.isEmpty)
            client.close()
            await server.stop()
        }
    }
}
