import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct MeshTests {
    @Test("a call over mutual TLS is answered, and both sides know each other")
    func echo() async throws {
        let loopback = try await Loopback.start { mesh in
            mesh.serve(Echo.echo) { note, call in Note("\(note.text) from \(call.peer!)", payload: note.payload) }
        }
        let client = try loopback.client()
        let payload = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let reply = try await client.call(Echo.echo, Note("hello", payload: payload))
        #expect(reply.text == "hello from spiffe://test.example/client")
        #expect(reply.payload == payload)
        let info = try await client.connection()
        #expect(info.peer?.description == "spiffe://test.example/server")
        #expect(info.tlsVersion == "TLSv1.3")
        client.close()
        await loopback.server.stop()
    }

    @Test("one call is one latency in both processes' metrics, with its direction, method and the peer's identity")
    func metrics() async throws {
        let loopback = try await Loopback.start()
        let caller = try Mesh(
            configuration: .patient, identity: try loopback.authority.identity("/client"), policy: .denyAll)
        let client = caller.client(
            Destination(
                host: "127.0.0.1", port: loopback.port, identities: [.exact(try loopback.authority.id("/server"))]))
        _ = try await client.call(Echo.echo, Note("x"))
        client.close()
        await loopback.server.stop()
        let (name, method) = ("response_latency_seconds_count", Echo.echo.path)
        #expect(
            loopback.server.metrics.lines(of: name) == [
                #"\#(name){direction="inbound",method="\#(method)",client_id="spiffe://test.example/client"} 1"#
            ])
        #expect(
            caller.metrics.lines(of: name) == [
                #"\#(name){direction="outbound",method="\#(method)",server_id="spiffe://test.example/server"} 1"#
            ])
    }

    @Test("a simulated call runs the same stacks on virtual time")
    func simulated() async throws {
        let text = try await Simulated.run(seed: 3) { simulation in
            let server = try await simulation.server { mesh in
                mesh.serve(Echo.echo) { note, call in Note("\(note.text) from \(call.peer!)") }
            }
            let client = try simulation.client()
            let reply = try await client.call(Echo.echo, Note("hello"))
            client.close()
            await server.stop()
            return reply.text
        }
        #expect(text == "hello from spiffe://test.example/client")
    }

    @Test("thousands of calls with 64 in flight all get their own answer")
    func load() async throws {
        let loopback = try await Loopback.start { mesh in
            mesh.serve(Echo.echo, execution: .onLoop) { note, _ in note }
            mesh.serve(Echo.once) { note, _ in note }
        }
        let client = try loopback.client()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<64 {
                group.addTask {
                    for number in 0..<60 {
                        let size = number % 20 == 0 ? 50_000 : 0
                        let note = Note("\(task) \(number)", payload: Array(repeating: UInt8(task), count: size))
                        let method = task % 2 == 0 ? Echo.echo : Echo.once
                        let reply = try await client.call(method, note)
                        #expect(reply == note)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(loopback.server.connections.count == 1)
        client.close()
        await loopback.server.stop()
    }

    @Test("a mesh that is cancelled while it runs finishes its calls first")
    func cancelledRun() async throws {
        try await Simulated.run { simulation in
            let started = Gate()
            let server = try await simulation.server { $0.serveLate(Echo.once, after: .seconds(3), started: started) }
            let client = try simulation.client()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run() }
                async let reply = client.call(Echo.once, Note("x"))
                await started.wait()
                group.cancelAll()
                #expect(try await reply == Note("x"))
                try await group.waitForAll()
            }
            client.close()
        }
    }

    @Test("a mesh that stops waits for its calls no longer than it should")
    func drainTimeout() async throws {
        try await Simulated.run { simulation in
            let started = Gate()
            var configuration = MeshConfiguration()
            configuration.drainTimeout = .seconds(2)
            let server = try await simulation.server(configuration) { $0.serveLate(Echo.once, started: started) }
            let client = try simulation.client()
            async let failure = meshError { _ = try await client.call(Echo.once, Note("x")) }
            await started.wait()
            let start = simulation.runtime.now
            await server.stop()
            #expect(start.duration(to: simulation.runtime.now) < .seconds(3))
            let error = await failure
            #expect(error?.code == .connectionLost)
            #expect(error?.progress == .mayHaveRun)
            client.close()
        }
    }
}
