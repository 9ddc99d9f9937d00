import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import NIOPosix
import Synchronization
import Telemetry
import TestSupport
import Testing

/// Which connection calls go on. On loopback the address that a call comes from says which one it was.
@Suite(.timeLimit(.minutes(5))) struct ClientLanesTests {
    private static let large = [UInt8](repeating: 7, count: 300_000)

    /// Answers with the address that the call came from, and with a large payload where the text asks for it.
    private static func serveAddress(_ mesh: Mesh) {
        for method in [Echo.echo, Echo.once] {
            mesh.serve(method) { note, call in
                Note(call.remoteAddress, payload: note.text == "much" ? large : [])
            }
        }
        mesh.serve(Echo.repeated) { note, responses, call in
            for character in note.text {
                try await responses.send(Note(call.remoteAddress, payload: character == "L" ? large : []))
            }
        }
        mesh.serve(Echo.joined) { requests, call in
            for try await _ in requests {}
            return Note(call.remoteAddress)
        }
        mesh.serve(Echo.chat) { requests, responses, call in
            for try await _ in requests { try await responses.send(Note(call.remoteAddress)) }
        }
    }

    private func addresses(of responses: ResponseStream<Note>) async throws -> Set<String> {
        var addresses: Set<String> = []
        for try await note in responses { addresses.insert(note.text) }
        return addresses
    }

    @Test("a large call opens a second connection, and a small one uses the first meanwhile")
    func second() async throws {
        let (started, release) = (Gate(), Gate())
        let loopback = try await Loopback.start { mesh in
            mesh.serve(Echo.once) { note, call in
                if !note.payload.isEmpty {
                    started.open()
                    await release.wait()
                }
                return Note(call.remoteAddress)
            }
        }
        let mesh = try Mesh(
            configuration: .patient, identity: loopback.authority.identity("/client"), policy: .denyAll)
        let client = mesh.client(
            Destination(
                host: "127.0.0.1", port: loopback.port, identities: [.exact(try loopback.authority.id("/server"))]))
        let first = try await client.call(Echo.once, Note("x"))
        #expect(mesh.connections.count == 1)
        async let bulk = client.call(Echo.once, Note("x", payload: Self.large))
        await started.wait()
        #expect(try await client.call(Echo.once, Note("x")) == first)
        release.open()
        #expect(try await bulk != first)
        #expect(mesh.connections.map(\.direction) == [.outbound, .outbound])
        #expect(loopback.server.connections.count == 2)
        client.close()
        await loopback.server.stop()
    }

    @Test("the two connections are on two loops of the group, or on its only one", arguments: [1, 2, 3])
    func loops(_ count: Int) async throws {
        /// Is asked on the loop of the connection that a request leaves on.
        final class Loops: FaultInjector {
            let seen = Mutex<[ObjectIdentifier]>([])
            func fate(ofRequest path: String) -> MessageFate {
                let loop = MultiThreadedEventLoopGroup.currentEventLoop
                seen.withLock { $0 += loop.map { [ObjectIdentifier($0)] } ?? [] }
                return .deliver
            }
            func fate(ofReply path: String) -> MessageFate { .deliver }
        }
        let loopback = try await Loopback.start(Self.serveAddress)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: count)
        let loops = Loops()
        var configuration = MeshConfiguration.patient
        configuration.faults = loops
        let mesh = try Mesh(
            configuration: configuration, identity: loopback.authority.identity("/client"), policy: .denyAll,
            runtime: SystemRuntime(eventLoopGroup: group))
        for _ in 0..<count {
            let client = mesh.client(
                Destination(
                    host: "127.0.0.1", port: loopback.port,
                    identities: [.exact(try loopback.authority.id("/server"))]))
            _ = try await client.call(Echo.once, Note("x"))
            _ = try await client.call(Echo.once, Note("x", payload: Self.large))
            client.close()
        }
        let seen = loops.seen.withLock { $0 }
        #expect(seen.count == 2 * count)
        for pair in stride(from: 0, to: seen.count, by: 2) {
            #expect((seen[pair] == seen[pair + 1]) == (count == 1))
        }
        // As even as the small lanes are.
        #expect(Set(stride(from: 1, to: seen.count, by: 2).map { seen[$0] }).count == count)
        await loopback.server.stop()
        try await group.shutdownGracefully()
    }

    @Test("the threshold is where a second connection begins", arguments: [(-1, 1), (0, 2), (1, 2)])
    func threshold(difference: Int, connections: Int) async throws {
        try await Simulated.run { simulation in
            let note = Note("x", payload: Array(repeating: 1, count: 5_000))
            var configuration = MeshConfiguration()
            configuration.bulkPayloadBytes = Payload(note).count - difference
            let server = try await simulation.server { $0.serveEcho() }
            let client = try simulation.client(configuration)
            _ = try await client.call(Echo.once, Note("small"))
            // The answer is the note again: of a method that is called once, it moves nothing.
            _ = try await client.call(Echo.once, note)
            #expect(server.connections.count == connections)
            client.close()
            await server.stop()
        }
    }

    @Test("without a threshold everything goes on one connection")
    func none() async throws {
        try await Simulated.run { simulation in
            var configuration = MeshConfiguration()
            configuration.bulkPayloadBytes = nil
            let server = try await simulation.server { $0.serveEcho() }
            let client = try simulation.client(configuration)
            _ = try await client.call(Echo.once, Note("x"))
            for _ in 0..<2 { _ = try await client.call(Echo.once, Note("x", payload: Self.large), lane: .bulk) }
            #expect(server.connections.count == 1)
            client.close()
            await server.stop()
        }
    }

    @Test("a method whose responses are large moves to the second connection, others stay, and it moves back")
    func responses() async throws {
        let loopback = try await Loopback.start(Self.serveAddress)
        let client = try loopback.client()
        let first = try await client.call(Echo.once, Note("little")).text
        #expect(try await client.call(Echo.once, Note("much")).text == first)
        let second = try await client.call(Echo.once, Note("much")).text
        #expect(second != first)
        #expect(try await client.call(Echo.echo, Note("little")).text == first)
        for _ in 0..<8 { #expect(try await client.call(Echo.once, Note("little")).text == second) }
        #expect(try await client.call(Echo.once, Note("little")).text == first)
        client.close()
        await loopback.server.stop()
    }

    @Test("a call goes on the connection that its caller names, whatever its kind")
    func named() async throws {
        let loopback = try await Loopback.start(Self.serveAddress)
        let client = try loopback.client()
        let small = Note("x", payload: Self.large)
        let first = try await client.call(Echo.once, small, lane: .small).text
        #expect(loopback.server.connections.count == 1)
        let second = try await client.call(Echo.once, Note("x"), lane: .bulk).text
        #expect(second != first)
        #expect(try await client.call(Echo.repeated, Note("ab"), lane: .bulk, addresses) == [second])
        #expect(try await client.call(Echo.repeated, Note("ab"), addresses) == [first])
        #expect(try await client.call(Echo.joined, lane: .bulk) { try await $0.send(Note("a")) }.text == second)
        #expect(try await client.call(Echo.joined) { try await $0.send(Note("a")) }.text == first)
        for (lane, address) in [(CallLane.bulk, second), (.automatic, first)] {
            let seen = try await client.call(Echo.chat, lane: lane) { requests, responses in
                try await requests.send(Note("a"))
                requests.finish()
                return try await addresses(of: responses)
            }
            #expect(seen == [address])
        }
        client.close()
        await loopback.server.stop()
    }

    @Test("methods that stream large messages, one way or the other, move as well")
    func streams() async throws {
        let loopback = try await Loopback.start(Self.serveAddress)
        let client = try loopback.client()
        #expect(try await client.call(Echo.repeated, Note("sL"), addresses).count == 1)
        #expect(loopback.server.connections.count == 1)
        let first = try await client.call(Echo.once, Note("x")).text
        #expect(try await client.call(Echo.repeated, Note("s"), addresses) != [first])
        let upload: (RequestSender<Note>) async throws -> Void = { try await $0.send(Note("a", payload: Self.large)) }
        #expect(try await client.call(Echo.joined, upload).text == first)
        #expect(try await client.call(Echo.joined, upload).text != first)
        // A request that is known when the call begins decides for that call.
        #expect(try await client.call(Echo.repeated, Note("s", payload: Self.large), addresses) != [first])
        client.close()
        await loopback.server.stop()
    }

    @Test("a large push whose reply was lost is asked for again at its instance, and at no other")
    func deduplicated() async throws {
        try await Simulated.run { simulation in
            let runs = Tally()
            var configuration = MeshConfiguration()
            configuration.retry.attemptTimeout = .seconds(1)
            configuration.faults = ScriptedFaults(replies: [.deliver, .lose, .lose])
            let register: (Mesh) -> Void = { mesh in
                mesh.serve(Echo.count) { note, _ in Note("run \(runs.add())") }
            }
            let first = try await simulation.server(MeshConfiguration(), register)
            let client = try simulation.client(configuration)
            #expect(try await client.call(Echo.count, Note("small")) == Note("run 1"))
            // Lost once on its way back: the same process knows what it has answered.
            async let pushed = meshError { _ = try await client.call(Echo.count, Note("x", payload: Self.large)) }
            try await simulation.runtime.sleep(for: .milliseconds(500))
            #expect(first.connections.count == 2)
            // Lost twice, and another process answers the third attempt.
            try await simulation.runtime.sleep(for: .milliseconds(1_300))
            simulation.runtime.kill(host: "server", port: 1_000)
            let second = try await simulation.server(MeshConfiguration(), register)
            let error = await pushed
            #expect(error?.code == .instanceChanged)
            #expect(error?.progress == .mayHaveRun)
            #expect(runs.count == 2)
            #expect(try await client.call(Echo.count, Note("x", payload: Self.large)) == Note("run 3"))
            client.close()
            await first.stop()
            await second.stop()
        }
    }

    @Test("closing a client ends both connections, and their calls")
    func close() async throws {
        try await Simulated.run { simulation in
            let started = Tally()
            let server = try await simulation.server { mesh in
                mesh.serve(Echo.once) { note, _ in
                    started.add()
                    try await mesh.runtime.sleep(for: .seconds(1_000))
                    return note
                }
            }
            let client = try simulation.client()
            async let small = meshError { _ = try await client.call(Echo.once, Note("x")) }
            async let bulk = meshError { _ = try await client.call(Echo.once, Note("x", payload: Self.large)) }
            await started.reach(2)
            #expect(server.connections.count == 2)
            client.close()
            for error in await [small, bulk] {
                #expect(error?.code == .draining)
                #expect(error?.progress == .mayHaveRun)
            }
            try await simulation.runtime.sleep(for: .seconds(1))
            #expect(server.connections.isEmpty)
            let late = await meshError { _ = try await client.call(Echo.once, Note("x"), lane: .bulk) }
            #expect(late?.code == .draining)
            #expect(late?.progress == .notSent)
            await server.stop()
        }
    }

    @Test("a client that is let go of ends both connections")
    func letGo() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { $0.serveEcho() }
            let mesh = try simulation.mesh("/client")
            do {
                let client = try simulation.client(of: mesh)
                for lane in [CallLane.small, .bulk] { _ = try await client.call(Echo.once, Note("x"), lane: lane) }
                #expect(mesh.connections.count == 2)
            }
            try await simulation.runtime.sleep(for: .seconds(1))
            #expect(mesh.connections.isEmpty)
            #expect(server.connections.isEmpty)
            await server.stop()
        }
    }

    @Test("a certificate's end and a renewal concern both connections")
    func certificates() async throws {
        try await Simulated.run { simulation in
            let (authority, runtime) = (simulation.authority, simulation.runtime)
            let server = try await simulation.server { $0.serveEcho() }
            let identity = RotatableIdentity(
                svid: try authority.svid("/client", lifetime: .seconds(300)), bundle: try authority.authority.bundle())
            let mesh = try simulation.mesh("/client", identity: identity)
            let client = try simulation.client(of: mesh)
            let both = {
                for lane in [CallLane.small, .bulk] { _ = try await client.call(Echo.once, Note("x"), lane: lane) }
            }
            try await both()
            // Renewed: each lane makes its connection anew, without a failed call.
            identity.set(svid: try authority.svid("/client", lifetime: .seconds(600)))
            for _ in 0..<3 {
                try await both()
                try await runtime.sleep(for: .seconds(1))
            }
            #expect(server.connections.count == 2)
            try await runtime.sleep(for: .seconds(400))
            #expect(server.connections.count == 2)
            try await runtime.sleep(for: .seconds(230))
            #expect(server.connections.isEmpty)
            #expect(mesh.connections.isEmpty)
            client.close()
            await server.stop()
        }
    }

    @Test(
        "a server that takes one connection is called on it, large calls and small, whichever came first",
        arguments: [CallLane.small, .bulk])
    func refused(_ early: CallLane) async throws {
        try await Simulated.run { simulation in
            var configuration = MeshConfiguration()
            configuration.connectionsPerListener = 1
            let server = try await simulation.server(configuration) { $0.serveEcho() }
            let refusals = server.metrics.counter("mesh_connections_refused_total", help: "").series([])
            let client = try simulation.client()
            let late: CallLane = early == .small ? .bulk : .small
            _ = try await client.call(Echo.once, Note("x"), lane: early)
            let start = simulation.runtime.now
            for _ in 0..<5 {
                // Where a first attempt that fails is not repeated there is no second chance.
                #expect(try await client.call(Echo.once, Note("x"), lane: late) == Note("x"))
                let count = try await client.call(Echo.repeated, Note("abc"), lane: late) { responses in
                    try await addresses(of: responses).count
                }
                #expect(count == 3)
            }
            #expect(start.duration(to: simulation.runtime.now) < .seconds(2))
            if early == .small { #expect(refusals.value == 1) }
            // A while later it is tried again.
            try await simulation.runtime.sleep(for: .seconds(3))
            _ = try await client.call(Echo.once, Note("x"), lane: late)
            if early == .small { #expect(refusals.value == 2) }
            #expect(server.connections.count == 1)
            client.close()
            await server.stop()
        }
    }

    @Test("a server that takes one connection over TLS is called on it")
    func refusedByTLS() async throws {
        var configuration = MeshConfiguration.patient
        configuration.connectionsPerListener = 1
        let loopback = try await Loopback.start(configuration: configuration)
        let client = try loopback.client()
        _ = try await client.call(Echo.once, Note("x"))
        let note = Note("x", payload: Self.large)
        for _ in 0..<3 { #expect(try await client.call(Echo.once, note) == note) }
        #expect(loopback.server.connections.count == 1)
        client.close()
        await loopback.server.stop()
    }

    @Test("where neither connection can be made the call says so, once for each attempt")
    func unreachable() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { $0.serveEcho() }
            let mesh = try simulation.mesh("/client")
            let client = try simulation.client(of: mesh)
            for lane in [CallLane.small, .bulk] { _ = try await client.call(Echo.once, Note("x"), lane: lane) }
            simulation.runtime.kill(host: "server", port: 1_000)
            await server.stop()
            // The client has heard of it.
            try await simulation.runtime.sleep(for: .milliseconds(10))
            for lane in [CallLane.small, .bulk, .small] {
                let error = await meshError { _ = try await client.call(Echo.once, Note("x"), lane: lane) }
                #expect(error?.code == .connectFailed)
                #expect(error?.message == "cannot connect to server:1000")
                #expect(error?.progress == .notSent)
            }
            // Three calls of three attempts each, one connection tried for each attempt.
            #expect(mesh.metrics.lines(of: "mesh_connect_failures_total") == ["mesh_connect_failures_total 9"])
            client.close()
        }
    }
}
