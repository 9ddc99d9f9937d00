import Identity
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct ServerStackTests {
    /// Another message under the name of the echo's method.
    struct Other: MeshMessage {
        static let messageName = "test.Other"
        init() {}
        init(from decoder: inout MessageDecoder) throws(WireError) { while try decoder.nextField() != nil {} }
        func encode(to encoder: inout MessageEncoder) {}
    }

    @Test("a method that is not served is named in the refusal, and other methods go on")
    func unknownMethod() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { mesh in mesh.serve(Echo.echo) { note, _ in note } }
            let client = try simulation.client()
            let error = await meshError { _ = try await client.call(Echo.once, Note("x")) }
            #expect(error?.status == .unimplemented)
            #expect(error?.progress == .answered)
            #expect(error?.message.contains(Echo.once.path) == true)
            #expect(try await client.call(Echo.echo, Note("x")) == Note("x"))
            client.close()
            await server.stop()
        }
    }

    @Test("message types that the two sides do not agree on are refused, also beside ones that they agree on")
    func wrongTypes() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { $0.serveEcho() }
            let client = try simulation.client()
            #expect(try await client.call(Echo.echo, Note("x")) == Note("x"))
            let wrongRequest = UnaryMethod<Other, Note>(service: Echo.name, method: "Echo", retry: .idempotent)
            let wrongResponse = UnaryMethod<Note, Other>(service: Echo.name, method: "Echo", retry: .idempotent)
            let errors = [
                await meshError { _ = try await client.call(wrongRequest, Other()) },
                await meshError { _ = try await client.call(wrongResponse, Note("x")) },
            ]
            for error in errors {
                #expect(error?.status == .unimplemented)
                #expect(error?.message.contains("test.Other") == true)
                #expect(error?.message.contains("test.Note") == true)
            }
            #expect(try await client.call(Echo.echo, Note("x")) == Note("x"))
            client.close()
            await server.stop()
        }
    }

    @Test("a peer that may not call the method learns that, and nothing of the policy")
    func permissionDenied() async throws {
        let policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule(
                "secret-rule", methods: ["test.Echo/Echo"], identities: ["spiffe://test.example/privileged"])
        ])
        let runs = Tally()
        let loopback = try await Loopback.start(policy: policy) { mesh in
            mesh.serve(Echo.echo) { note, _ in
                runs.add()
                return note
            }
        }
        let client = try loopback.client("/nobody")
        let error = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
        #expect(error?.status == .permissionDenied)
        #expect(error?.progress == .answered)
        #expect(error?.message == "test.Echo/Echo: not allowed for this caller")
        #expect(runs.count == 0)
        let record = await loopback.log.first("call refused by policy")
        #expect(record.level == .warning)
        #expect(record.metadata["peer"] == "spiffe://test.example/nobody")
        #expect(record.metadata["method"] == "test.Echo/Echo")
        let privileged = try loopback.client("/privileged")
        #expect(try await privileged.call(Echo.echo, Note("x")) == Note("x"))
        // A policy is replaced while connections are open.
        loopback.server.setPolicy(.denyAll)
        #expect(await meshError { _ = try await privileged.call(Echo.echo, Note("x")) }?.status == .permissionDenied)
        client.close()
        privileged.close()
        await loopback.server.stop()
    }

    @Test("calls that will not run are refused at their head, and take no room from those that will")
    func refusedAtTheHead() async throws {
        try await Simulated.run { simulation in
            var configuration = MeshConfiguration()
            configuration.limits.messageBytes = 1 << 20
            configuration.limits.largeMessageBytes = 1 << 20
            let server = try await simulation.server(configuration) { $0.serveEcho() }
            server.setPolicy(
                try AuthorizationPolicy(rules: [
                    AuthorizationPolicy.Rule("one", methods: [Echo.echo.path], identities: ["spiffe://test.example/*"])
                ]))
            let client = try simulation.client()
            let unknown = UnaryMethod<Note, Note>(service: Echo.name, method: "Missing", retry: .never)
            let large = Note(String(repeating: "x", count: 900 << 10))
            // Any two of them are more than the connection has room for.
            try await withThrowingTaskGroup { group in
                for (method, status) in [
                    (Echo.once, CallStatus.permissionDenied), (unknown, .unimplemented), (Echo.once, .permissionDenied),
                ] {
                    group.addTask {
                        let error = await meshError { _ = try await client.call(method, large) }
                        #expect(error?.status == status)
                        #expect(error?.progress == .answered)
                    }
                }
                group.addTask {
                    let reply = try await client.call(Echo.echo, large)
                    #expect(reply == large)
                }
                try await group.waitForAll()
            }
            client.close()
            await server.stop()
        }
    }

    @Test("calls that the policy refuses are counted by who made them")
    func countsRefusals() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { $0.serveEcho() }
            server.setPolicy(
                try AuthorizationPolicy(rules: [
                    AuthorizationPolicy.Rule(
                        "one", methods: ["test.Echo/Echo"], identities: ["spiffe://test.example/client"])
                ]))
            let client = try simulation.client()
            let other = try simulation.client(of: simulation.mesh("/other"))
            #expect(try await client.call(Echo.echo, Note("x")) == Note("x"))
            for (caller, method) in [(client, Echo.once), (other, Echo.once), (other, Echo.echo)] {
                let error = await meshError { _ = try await caller.call(method, Note("x")) }
                #expect(error?.status == .permissionDenied)
            }
            let name = "mesh_authorization_denied_total"
            #expect(
                Set(server.metrics.lines(of: name)) == [
                    #"\#(name){peer="spiffe://test.example/client"} 1"#,
                    #"\#(name){peer="spiffe://test.example/other"} 2"#,
                ])
            client.close()
            other.close()
            await server.stop()
        }
    }

    @Test("a handler's failure reaches the caller with its status, an error only the log")
    func failures() async throws {
        struct Secret: Error, CustomStringConvertible { let description = "the password is swordfish" }
        let loopback = try await Loopback.start { mesh in
            mesh.serve(Echo.echo) { _, _ in throw CallFailure(.notFound, "no such thing") }
            mesh.serve(Echo.once) { _, _ in throw Secret() }
        }
        let client = try loopback.client()
        var error = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
        #expect(error?.status == .notFound)
        #expect(error?.message == "no such thing")
        error = await meshError { _ = try await client.call(Echo.once, Note("x")) }
        #expect(error?.status == .unknown)
        #expect(error.map { "\($0)" }?.contains("swordfish") == false)
        let record = await loopback.log.first("handler failed")
        #expect(record.metadata["error"] == "the password is swordfish")
        #expect(record.metadata["peer"] == "spiffe://test.example/client")
        client.close()
        await loopback.server.stop()
    }

    @Test("a request that is no such message is refused before the handler sees it")
    func malformedRequest() async throws {
        struct Broken: MeshMessage {
            static let messageName = Note.messageName
            init() {}
            init(from decoder: inout MessageDecoder) throws(WireError) { while try decoder.nextField() != nil {} }
            func encode(to encoder: inout MessageEncoder) { encoder.uint64(1, 1) }
        }
        try await Simulated.run { simulation in
            let server = try await simulation.server { $0.serveEcho() }
            let client = try simulation.client()
            let method = UnaryMethod<Broken, Note>(service: Echo.name, method: "Echo", retry: .idempotent)
            let error = await meshError { _ = try await client.call(method, Broken()) }
            #expect(error?.status == .invalidArgument)
            #expect(error?.message.contains("test.Note") == true)
            client.close()
            await server.stop()
        }
    }

    @Test("handlers run where their method says")
    func executions() async throws {
        let loops = Mutex<[String: Bool]>([:])
        let loopback = try await Loopback.start { mesh in
            let group = mesh.runtime.eventLoopGroup
            for (method, execution) in [
                (Echo.echo, HandlerExecution.onLoop), (Echo.count, .task), (Echo.once, .compute),
            ] {
                mesh.serve(method, execution: execution) { note, _ in
                    let isOnLoop = group.makeIterator().contains { $0.inEventLoop }
                    await Task.yield()
                    let isStillOnLoop = group.makeIterator().contains { $0.inEventLoop }
                    loops.withLock { loops in loops[method.path] = isOnLoop }
                    #expect(isOnLoop == isStillOnLoop)
                    return note
                }
            }
        }
        let client = try loopback.client()
        for _ in 0..<20 {
            _ = try await client.call(Echo.echo, Note("x"))
            _ = try await client.call(Echo.count, Note("x"), deduplication: deduplication(1))
            _ = try await client.call(Echo.once, Note("x"))
        }
        #expect(
            loops.withLock { $0 } == [Echo.echo.path: true, Echo.count.path: false, Echo.once.path: false])
        client.close()
        await loopback.server.stop()
    }

    @Test("a handler is told who calls, until when, and what came along")
    func context() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { mesh in
                mesh.serve(Echo.count) { note, call in
                    #expect(call.peer?.path == "/client")
                    #expect(call.method == "test.Echo/Count")
                    #expect(call.metadata["trace"] == "abc")
                    #expect(call.deduplication == deduplication(3))
                    #expect(call.timeRemaining > .seconds(6) && call.timeRemaining <= .seconds(7))
                    try await simulation.runtime.sleep(for: .seconds(3))
                    #expect(call.timeRemaining > .seconds(3) && call.timeRemaining <= .seconds(4))
                    return note
                }
            }
            let client = try simulation.client()
            _ = try await client.call(
                Echo.count, Note("x"), timeout: .seconds(7), metadata: ["trace": "abc"], deduplication: deduplication(3)
            )
            client.close()
            await server.stop()
        }
    }
}
