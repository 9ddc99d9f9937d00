import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct ConnectionKeeperTests {
    @Test("calls share one connection, also those that waited for it")
    func reuse() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { $0.serveEcho() }
            let client = try simulation.client()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        let reply = try await client.call(Echo.echo, Note("\(number)"))
                        #expect(reply.text == "\(number)")
                    }
                }
                try await group.waitForAll()
            }
            #expect(server.connections.count == 1)
            client.close()
            await server.stop()
        }
    }

    @Test("a lost connection is made anew by the next call")
    func reconnect() async throws {
        try await Simulated.run { simulation in
            let first = try await simulation.server { $0.serveEcho() }
            let client = try simulation.client()
            _ = try await client.call(Echo.once, Note("x"))
            simulation.runtime.kill(host: "server", port: 1_000)
            let second = try await simulation.server { $0.serveEcho() }
            try await simulation.runtime.sleep(for: .seconds(1))
            #expect(try await client.call(Echo.once, Note("x")) == Note("x"))
            client.close()
            await first.stop()
            await second.stop()
        }
    }

    @Test("calls that a lost connection leaves unanswered may have run")
    func lost() async throws {
        try await Simulated.run { simulation in
            let started = Gate()
            let server = try await simulation.server { $0.serveLate(Echo.once, started: started) }
            let client = try simulation.client()
            async let failure = meshError { _ = try await client.call(Echo.once, Note("x")) }
            await started.wait()
            simulation.runtime.kill(host: "server", port: 1_000)
            let error = await failure
            #expect(error?.code == .connectionLost)
            #expect(error?.progress == .mayHaveRun)
            #expect(error?.peer == "spiffe://test.example/server")
            client.close()
            await server.stop()
        }
    }

    @Test("a destination that names no identity is not called")
    func noExpectedIdentity() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { $0.serveEcho() }
            let client = try simulation.mesh("/client").client(
                Destination(host: "server", port: 1_000, identities: []))
            let error = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
            #expect(error?.code == .noExpectedIdentity)
            #expect(error?.progress == .notSent)
            #expect(await meshError { _ = try await client.connection() }?.code == .noExpectedIdentity)
            client.close()
            await server.stop()
        }
    }

    @Test("only so many calls wait for a connection")
    func tooManyWaiting() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { $0.serveEcho() }
            var configuration = MeshConfiguration()
            configuration.callsAwaitingConnection = 5
            configuration.retry.maximumAttempts = 1
            let client = try simulation.client(configuration)
            let errors = await withTaskGroup(of: MeshError?.self, returning: [MeshError].self) { group in
                for _ in 0..<8 {
                    group.addTask { await meshError { _ = try await client.call(Echo.once, Note("x")) } }
                }
                return await group.reduce(into: []) { if let error = $1 { $0.append(error) } }
            }
            #expect(errors.map(\.code) == [.connectFailed, .connectFailed, .connectFailed])
            #expect(errors.allSatisfy { $0.progress == .notSent })
            client.close()
            await server.stop()
        }
    }

    @Test("a closed client fails its calls, open and new, without further attempts")
    func closed() async throws {
        try await Simulated.run { simulation in
            let started = Gate()
            let server = try await simulation.server { $0.serveLate(Echo.echo, started: started) }
            let client = try simulation.client()
            async let failure = meshError { _ = try await client.call(Echo.echo, Note("x")) }
            await started.wait()
            client.close()
            let error = await failure
            #expect(error?.code == .draining)
            #expect(error?.progress == .mayHaveRun)
            let start = simulation.runtime.now
            let late = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
            #expect(late?.code == .draining)
            #expect(late?.progress == .notSent)
            #expect(start.duration(to: simulation.runtime.now) < .milliseconds(2))
            await server.stop()
        }
    }

    @Test("a call whose request or reply was lost ends with its client", arguments: [true, false])
    func closedAfterLoss(_ isRequest: Bool) async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { $0.serveEcho() }
            var configuration = MeshConfiguration()
            configuration.faults = ScriptedFaults(requests: isRequest ? [.lose] : [], replies: isRequest ? [] : [.lose])
            let client = try simulation.client(configuration)
            let start = simulation.runtime.now
            async let failure = meshError { _ = try await client.call(Echo.once, Note("x")) }
            try await simulation.runtime.sleep(for: .seconds(1))
            client.close()
            let error = await failure
            #expect(error?.code == .draining)
            #expect(error?.progress == .mayHaveRun)
            #expect(start.duration(to: simulation.runtime.now) < .seconds(2))
            await server.stop()
        }
    }

    @Test("a server that is trusted no more gets no further call, and its connection ends, calls or not")
    func trustRemoved() async throws {
        try await Simulated.run { simulation in
            let runs = Tally()
            let server = try await simulation.server { mesh in
                mesh.serve(Echo.once) { note, _ in
                    runs.add()
                    return note
                }
            }
            let authority = simulation.authority
            let identity = try authority.identity("/client")
            let log = LogCapture()
            let mesh = try Mesh(
                identity: identity, policy: simulation.policy, runtime: simulation.runtime, logger: log.logger)
            let (calling, idle) = (try simulation.client(of: mesh), try simulation.client(of: mesh))
            for client in [calling, idle] { _ = try await client.call(Echo.once, Note("x")) }
            let stranger = try TestAuthority(runtime: simulation.runtime)
            identity.set(
                bundle: try TrustBundle(
                    [authority.trustDomain: [stranger.authority.rootCertificate]], generation: 9))
            for _ in 0..<2 {
                let error = await meshError { _ = try await calling.call(Echo.once, Note("x")) }
                #expect(error?.code == .peerNotTrusted)
                #expect(error?.progress == .notSent)
            }
            try await simulation.runtime.sleep(for: .seconds(1))
            #expect(runs.count == 2)
            #expect(server.connections.isEmpty)
            #expect(mesh.connections.isEmpty)
            #expect(
                log.all("server is no longer trusted").map { $0.metadata["peer"] }
                    == Array(repeating: "spiffe://test.example/server", count: 2))
            for client in [calling, idle] { client.close() }
            await server.stop()
        }
    }

    @Test("a server that has gone gets no calls over what is left of its connection when it is trusted no more")
    func trustRemovedUnreachable() async throws {
        try await Simulated.run { simulation in
            let runs = Tally()
            var configuration = MeshConfiguration()
            configuration.connectionsPerListener = 1
            let server = try await simulation.server(configuration) { mesh in
                mesh.serve(Echo.once) { note, _ in
                    runs.add()
                    return note
                }
            }
            let authority = simulation.authority
            let identity = try authority.identity("/client")
            let client = try simulation.client(of: simulation.mesh("/client", identity: identity))
            _ = try await client.call(Echo.once, Note("x"))
            let stranger = try TestAuthority(runtime: simulation.runtime)
            identity.set(
                bundle: try TrustBundle(
                    [authority.trustDomain: [stranger.authority.rootCertificate]], generation: 9))
            // The listener is full: no new handshake says that the server is not trusted.
            let error = await meshError { _ = try await client.call(Echo.once, Note("x")) }
            #expect(error?.code == .connectFailed || error?.code == .peerNotTrusted)
            #expect(error?.progress == .notSent)
            #expect(runs.count == 1)
            client.close()
            await server.stop()
        }
    }

    @Test("a server that is trusted after a change too keeps its calls")
    func trustAdded() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { $0.serveEcho() }
            let authority = simulation.authority
            let identity = try authority.identity("/client")
            let client = try simulation.client(of: simulation.mesh("/client", identity: identity))
            _ = try await client.call(Echo.once, Note("x"))
            let other = try TestAuthority(runtime: simulation.runtime)
            identity.set(
                bundle: try TrustBundle(
                    [authority.trustDomain: [other.authority.rootCertificate, authority.authority.rootCertificate]],
                    generation: 9))
            for _ in 0..<10 { #expect(try await client.call(Echo.once, Note("x")) == Note("x")) }
            client.close()
            await server.stop()
        }
    }

    @Test("a client that is closed while it connects leaves no connection behind")
    func closedWhileConnecting() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { $0.serveEcho() }
            for microseconds in stride(from: 0, to: 8_000, by: 500) {
                let client = try simulation.client()
                async let failure = meshError { _ = try await client.connection() }
                try await simulation.runtime.sleep(for: .microseconds(Int64(microseconds)))
                client.close()
                let error = await failure
                #expect(error == nil || error?.code == .draining)
                try await simulation.runtime.sleep(for: .seconds(1))
                #expect(server.connections.isEmpty)
            }
            await server.stop()
        }
    }

    @Test("a client that nobody holds any more closes its connection")
    func dropped() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { $0.serveEcho() }
            do {
                let client = try simulation.client()
                _ = try await client.call(Echo.echo, Note("x"))
                #expect(server.connections.count == 1)
            }
            try await simulation.runtime.sleep(for: .seconds(1))
            #expect(server.connections.isEmpty)
            await server.stop()
        }
    }

    @Test(
        "a server that goes away finishes its calls, and new ones go to its successor",
        arguments: [Echo.echo, Echo.once])
    func drained(method: UnaryMethod<Note, Note>) async throws {
        try await Simulated.run { simulation in
            let (started, release) = (Gate(), Gate())
            let first = try await simulation.server { mesh in
                mesh.serve(method) { _, _ in
                    started.open()
                    await release.wait()
                    return Note("first")
                }
            }
            let client = try simulation.client()
            async let open = client.call(method, Note("x"))
            await started.wait()
            async let stopped: Void = first.stop()
            try await simulation.runtime.sleep(for: .milliseconds(100))
            let second = try await simulation.server { mesh in mesh.serve(method) { _, _ in Note("second") } }
            #expect(try await client.call(method, Note("x")) == Note("second"))
            release.open()
            #expect(try await open == Note("first"))
            await stopped
            client.close()
            await second.stop()
        }
    }

    @Test("calls that cross a server's goodbye are made again, whatever their safety")
    func crossing() async throws {
        for seed in 0..<20 as Range<UInt64> {
            try await Simulated.run(seed: seed) { simulation in
                let runs = Tally()
                let register: (Mesh) -> Void = { mesh in
                    mesh.serve(Echo.once) { note, _ in
                        runs.add()
                        return note
                    }
                }
                var server = try await simulation.server(MeshConfiguration(), register)
                let client = try simulation.client()
                let calls = 200
                async let all: Void = {
                    for number in 0..<calls { _ = try await client.call(Echo.once, Note("\(number)")) }
                }()
                for _ in 0..<3 {
                    try await simulation.runtime.sleep(for: .milliseconds(50))
                    await server.stop()
                    server = try await simulation.server(MeshConfiguration(), register)
                }
                try await all
                #expect(runs.count == calls, "seed \(seed)")
                client.close()
                await server.stop()
            }
        }
    }

    @Test("a connection ends when a certificate does, and calls go on over a new one")
    func expiry() async throws {
        try await Simulated.run { simulation in
            let (authority, runtime) = (simulation.authority, simulation.runtime)
            let server = try await simulation.server { $0.serveEcho() }
            let identity = RotatableIdentity(
                svid: try authority.svid("/client", lifetime: .seconds(300)), bundle: try authority.authority.bundle())
            let mesh = try simulation.mesh("/client", identity: identity)
            let client = try simulation.client(of: mesh)
            _ = try await client.call(Echo.once, Note("x"))
            #expect(server.connections.count == 1)
            try await runtime.sleep(for: .seconds(310))
            #expect(server.connections.count == 1)
            // The certificate's end and the clocks' difference are over.
            try await runtime.sleep(for: .seconds(20))
            #expect(server.connections.isEmpty)
            #expect(mesh.connections.isEmpty)
            let error = await meshError { _ = try await client.call(Echo.once, Note("x")) }
            #expect(error?.progress == .notSent)
            identity.set(svid: try authority.svid("/client", issued: .seconds(-330)))
            #expect(try await client.call(Echo.once, Note("x")) == Note("x"))
            client.close()
            await server.stop()
        }
    }

    @Test("calls that outlive their connection's certificate fail as ones that may have run")
    func expiryWithOpenCall() async throws {
        try await Simulated.run { simulation in
            let (authority, runtime) = (simulation.authority, simulation.runtime)
            let started = Gate()
            let server = try await simulation.server { mesh in
                mesh.serveLate(Echo.once, after: .seconds(3_000), started: started)
            }
            let identity = RotatableIdentity(
                svid: try authority.svid("/client", lifetime: .seconds(300)), bundle: try authority.authority.bundle())
            let client = try simulation.client(of: simulation.mesh("/client", identity: identity))
            let start = runtime.now
            let error = await meshError {
                _ = try await client.call(Echo.once, Note("x"), timeout: .seconds(3_600))
            }
            #expect(error?.code == .connectionLost)
            #expect(error?.progress == .mayHaveRun)
            let took = start.duration(to: runtime.now)
            #expect(took > .seconds(300) && took <= .seconds(335))
            client.close()
            await server.stop()
        }
    }

    @Test("a renewed certificate replaces the connection without a failed call")
    func rotation() async throws {
        try await Simulated.run { simulation in
            let authority = simulation.authority
            let server = try await simulation.server { $0.serveEcho() }
            let identity = try authority.identity("/client")
            let client = try simulation.client(of: simulation.mesh("/client", identity: identity))
            for round in 0..<20 {
                for _ in 0..<10 { _ = try await client.call(Echo.once, Note("\(round)")) }
                identity.set(svid: try authority.svid("/client"))
            }
            try await simulation.runtime.sleep(for: .seconds(1))
            #expect(server.connections.count == 1)
            client.close()
            await server.stop()
        }
    }

    @Test("a name with several addresses is connected to where somebody listens")
    func severalAddresses() async throws {
        let loopback = try await Loopback.start()
        // On most machines `localhost` is ::1 as well, where nobody listens.
        let client = try loopback.client(host: "localhost")
        #expect(try await client.call(Echo.echo, Note("x")) == Note("x"))
        client.close()
        await loopback.server.stop()
    }

    @Test("a peer that accepts connections and says nothing is given up in time")
    func silentServer() async throws {
        let listener = try await SilentListener.start()
        var configuration = MeshConfiguration()
        configuration.connectTimeout = .milliseconds(200)
        configuration.retry.maximumAttempts = 1
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let mesh = try Mesh(configuration: configuration, identity: try authority.identity("/client"), policy: .denyAll)
        let client = mesh.client(
            Destination(host: "127.0.0.1", port: listener.port, identities: [.exact(try authority.id("/server"))]))
        let error = await meshError { _ = try await client.call(Echo.once, Note("x")) }
        #expect(error?.code == .connectFailed)
        #expect(error?.progress == .notSent)
        #expect(error?.message == "no connection in time")
        // The socket is given back, not only the call.
        await listener.untilPeerCloses()
        client.close()
        await listener.stop()
    }
}
