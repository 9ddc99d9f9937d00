import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

/// The host's interceptors on the server's side, on virtual time.
@Suite struct ServerInterceptorTests {
    private static func configuration(_ interceptors: [any ServerInterceptor]) -> MeshConfiguration {
        var configuration = MeshConfiguration()
        configuration.serverInterceptors = interceptors
        return configuration
    }

    @TaskLocal private static var tenant = "nobody"

    /// Waits around handlers, and does there what a test wants.
    private struct Around: AsyncServerInterceptor {
        var name = "around"
        let body: @Sendable (ServerCall, () async -> CallOutcome) async throws -> Void
        func handle(_ call: ServerCall, _ handler: () async -> CallOutcome) async throws {
            try await body(call, handler)
        }
    }

    private struct Secret: Error, CustomStringConvertible { let description = "the password is swordfish" }

    /// Calls a method of each kind; what came of it.
    private static func callAll(_ client: MeshClient) async -> [MeshError?] {
        [
            await meshError { _ = try await client.call(Echo.echo, Note("a")) },
            await meshError {
                try await client.call(Echo.repeated, Note("a")) { responses in for try await _ in responses {} }
            },
            await meshError {
                _ = try await client.call(Echo.joined) { requests in try await requests.send(Note("a")) }
            },
            await meshError {
                try await client.call(Echo.chat) { requests, responses in
                    requests.finish()
                    for try await _ in responses {}
                }
            },
        ]
    }

    @Test("calls of all kinds pass before and after authorization, in order, and the end is told in the opposite one")
    func order() async throws {
        try await Simulated.run { simulation in
            let notes = Notes()
            let server = try await simulation.server(
                Self.configuration([ServerProbe(name: "outer", notes: notes), ServerProbe(name: "inner", notes: notes)])
            ) { mesh in
                mesh.serveStreams()
                mesh.serveInline(Echo.echo) { note, _ in
                    notes.add("handler")
                    return note
                }
            }
            let client = try simulation.client()
            #expect(await Self.callAll(client).allSatisfy { $0 == nil })
            let expected = [
                "outer authorize", "inner authorize", "outer handle", "inner handle", "inner ok", "outer ok",
            ]
            var inline = expected
            inline.insert("handler", at: 4)
            #expect(notes.take() == inline + expected + expected + expected)
            // Methods that nobody serves are nobody's business.
            let unknown = UnaryMethod<Note, Note>(service: Echo.name, method: "Missing", retry: .never)
            #expect(await meshError { _ = try await client.call(unknown, Note("x")) }?.status == .unimplemented)
            #expect(notes.take().isEmpty)
            client.close()
            await server.stop()
        }
    }

    @Test("calls that the policy refuses are seen before authorization alone, small and large ones")
    func policyRefusal() async throws {
        try await Simulated.run { simulation in
            let probe = ServerProbe(onOutcome: { outcome in
                #expect(outcome.peer == "spiffe://test.example/client")
                #expect(outcome.error?.progress == .notSent)
            })
            let server = try await simulation.server(Self.configuration([probe])) { $0.serveEcho() }
            server.setPolicy(.denyAll)
            let client = try simulation.client()
            for size in [1, 4 << 20] {
                let note = Note("x", payload: Array(repeating: 1, count: size))
                let error = await meshError { _ = try await client.call(Echo.echo, note) }
                #expect(error?.status == .permissionDenied)
                #expect(probe.notes.take() == ["probe authorize", "probe permissionDenied"])
            }
            client.close()
            await server.stop()
        }
    }

    @Test("what they say reaches the caller beside what the handler says, for every kind of call")
    func metadata() async throws {
        try await Simulated.run { simulation in
            let probe = ServerProbe(
                onArrival: { call in
                    #expect(call.metadata["from"] == "client" && call.peer?.path == "/client")
                    call.responseMetadata.append(.init(key: "served-by", value: "a"))
                },
                onHandling: { $0.trailers.append(.init(key: "cost", value: "7")) })
            let server = try await simulation.server(Self.configuration([probe])) { mesh in
                mesh.serveAnswer(Echo.echo) { note, _ in Answer(note, metadata: ["own": "1"], trailers: ["end": "2"]) }
                mesh.serve(Echo.once) { _, _ in throw CallFailure(.notFound, "no") }
                mesh.serve(Echo.repeated) { note, responses, _ in
                    if note.text == "own" { responses.send(metadata: ["own": "1"]) }
                    if note.text != "none" { try await responses.send(note) }
                }
                mesh.serve(Echo.joined) { _, _ in Note("") }
            }
            let seen = Notes()
            var configuration = MeshConfiguration()
            // A client's interceptor hears what a server's says.
            configuration.clientInterceptors = [
                ClientProbe(
                    onCall: { $0.metadata.append(.init(key: "from", value: "client")) },
                    onOutcome: { outcome in
                        seen.add(
                            (outcome.metadata + outcome.trailers).map { "\($0.key)=\($0.value)" }
                                .joined(separator: " "))
                    })
            ]
            let client = try simulation.client(configuration)
            let answer = try await client.answer(Echo.echo, Note("x"))
            #expect(answer.metadata == Metadata([("served-by", "a"), ("own", "1")]))
            #expect(answer.trailers == Metadata([("end", "2"), ("cost", "7")]))
            let full = "served-by=a own=1 end=2 cost=7"
            #expect(seen.take() == [full, full])
            let error = await meshError { _ = try await client.call(Echo.once, Note("x")) }
            #expect(error?.trailers["cost"] == "7")
            _ = seen.take()
            for (text, expected) in [
                ("own", "served-by=a own=1 cost=7"), ("x", "served-by=a cost=7"), ("none", "served-by=a cost=7"),
            ] {
                try await client.call(Echo.repeated, Note(text)) { responses in for try await _ in responses {} }
                #expect(seen.take() == [expected, expected], "\(text)")
            }
            _ = try await client.call(Echo.joined) { _ in }
            #expect(seen.take() == ["served-by=a cost=7", "served-by=a cost=7"])
            client.close()
            await server.stop()
        }
    }

    @Test(
        "a refusal is the answer, with the interceptor's name, and the handler has not run", arguments: [true, false])
    func refusal(beforeAuthorization: Bool) async throws {
        try await Simulated.run { simulation in
            let runs = Tally()
            let refuse: @Sendable (inout ServerCall) throws -> Void = { call in
                throw CallFailure(.resourceExhausted, "come back later", trailers: ["retry-after": "60"])
            }
            let probe = ServerProbe(
                name: "quota", onArrival: beforeAuthorization ? refuse : ServerProbe.nothing,
                onHandling: beforeAuthorization ? ServerProbe.nothing : refuse)
            let server = try await simulation.server(Self.configuration([probe])) { mesh in
                mesh.serveStreams()
                mesh.serveInline(Echo.echo) { note, _ in
                    runs.add()
                    return note
                }
                mesh.serve(Echo.once) { note, _ in
                    runs.add()
                    return note
                }
            }
            var configuration = MeshConfiguration()
            configuration.retry.maximumAttempts = 1
            let client = try simulation.client(configuration)
            let errors = await Self.callAll(client) + [meshError { _ = try await client.call(Echo.once, Note("x")) }]
            for (position, error) in errors.enumerated() {
                #expect(error?.status == .resourceExhausted)
                #expect(error?.message == "the interceptor quota refused the call: come back later")
                #expect(error?.trailers["retry-after"] == "60")
                // A stream of requests has been opened: its caller learns that it was answered.
                let streams = position == 2 || position == 3
                #expect(error?.progress == (streams ? .answered : .notSent), "\(position)")
            }
            #expect(runs.count == 0)
            client.close()
            await server.stop()
        }
    }

    @Test("of an interceptor's other errors the caller learns nothing, and the log who failed how")
    func failure() async throws {
        let log = LogCapture()
        try await Simulated.run { simulation in
            let probe = ServerProbe(name: "audit", onHandling: { _ in throw Secret() })
            let server = try Mesh(
                configuration: Self.configuration([probe]), identity: simulation.authority.identity("/server"),
                policy: simulation.policy, runtime: simulation.runtime, logger: log.logger)
            server.serveEcho()
            try await server.listen(host: "server", port: 1_000)
            let client = try simulation.client()
            let error = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
            #expect(error?.status == .unknown && error?.message == "the interceptor audit failed")
            let record = await log.first("handler failed")
            #expect(record.metadata["error"] == "the interceptor audit: the password is swordfish")
            client.close()
            await server.stop()
        }
    }

    @Test("a deadline is shortened for the handler, and the caller told when it has passed")
    func deadline() async throws {
        try await Simulated.run { simulation in
            let probe = ServerProbe(onArrival: { call in
                call.shortenDeadline(to: .seconds(2))
                call.shortenDeadline(to: .seconds(20))
            })
            let server = try await simulation.server(Self.configuration([probe])) { mesh in
                mesh.serve(Echo.once) { note, call in
                    #expect(call.timeRemaining <= .seconds(2))
                    try await call.runtime.sleep(for: .seconds(100))
                    return note
                }
            }
            let client = try simulation.client()
            let start = simulation.runtime.now
            let error = await meshError { _ = try await client.call(Echo.once, Note("x")) }
            #expect(error?.status == .deadlineExceeded && error?.progress == .answered)
            #expect(start.duration(to: simulation.runtime.now) < .seconds(3))
            #expect(probe.notes.take() == ["probe authorize", "probe handle", "probe deadlineExceeded"])
            client.close()
            await server.stop()
        }
    }

    @Test("interceptors wait around handlers of every kind, inline ones too, and set task-local values for them")
    func around() async throws {
        try await Simulated.run { simulation in
            let notes = Notes()
            let around = Around { call, handler in
                notes.add("before")
                try await simulation.runtime.sleep(for: .seconds(1))
                let outcome = await Self.$tenant.withValue("7") { await handler() }
                #expect(await handler().status == outcome.status)
                notes.add("after \(outcome.status)")
            }
            let within = Around(name: "within") { _, handler in
                notes.add("within")
                _ = await handler()
            }
            let server = try await simulation.server(Self.configuration([around, within])) { mesh in
                mesh.serveInline(Echo.echo) { note, _ in Note(Self.tenant) }
                mesh.serve(Echo.once) { note, _ in throw CallFailure(.notFound, "no") }
                mesh.serve(Echo.chat) { _, responses, _ in try await responses.send(Note(Self.tenant)) }
            }
            let client = try simulation.client()
            #expect(try await client.call(Echo.echo, Note("x")) == Note("7"))
            #expect(notes.take() == ["before", "within", "after ok"])
            #expect(await meshError { _ = try await client.call(Echo.once, Note("x")) }?.status == .notFound)
            #expect(notes.take() == ["before", "within", "after notFound"])
            let said = try await client.call(Echo.chat) { _, responses in
                var iterator = responses.makeAsyncIterator()
                return try await iterator.next()?.text
            }
            #expect(said == "7")
            client.close()
            await server.stop()
        }
    }

    @Test("one that waits may refuse before the handler, cannot undo it, and has to do one or the other")
    func aroundRefusal() async throws {
        let log = LogCapture()
        try await Simulated.run { simulation in
            let runs = Tally()
            let around = Around { call, handler in
                switch call.metadata["do"] {
                case "refuse": throw CallFailure(.permissionDenied, "not you")
                case "late":
                    _ = await handler()
                    throw Secret()
                default: break
                }
            }
            let server = try Mesh(
                configuration: Self.configuration([around]), identity: simulation.authority.identity("/server"),
                policy: simulation.policy, runtime: simulation.runtime, logger: log.logger)
            server.serve(Echo.once) { note, _ in
                runs.add()
                return note
            }
            try await server.listen(host: "server", port: 1_000)
            let client = try simulation.client()
            var error = await meshError { _ = try await client.call(Echo.once, Note("x"), metadata: ["do": "refuse"]) }
            #expect(error?.status == .permissionDenied)
            #expect(error?.message == "the interceptor around refused the call: not you")
            error = await meshError { _ = try await client.call(Echo.once, Note("x")) }
            #expect(error?.status == .internalError && error?.message.contains("around neither ran") == true)
            #expect(runs.count == 0)
            #expect(try await client.call(Echo.once, Note("x"), metadata: ["do": "late"]) == Note("x"))
            #expect(runs.count == 1)
            let record = await log.first("handler failed")
            #expect(record.metadata["error"]?.contains("swordfish") == true)
            client.close()
            await server.stop()
        }
    }
}

extension Metadata {
    fileprivate init(_ pairs: [(String, String)]) {
        self.init()
        for (key, value) in pairs { append(.init(key: key, value: value)) }
    }

    fileprivate static func + (left: Metadata, right: Metadata) -> Metadata {
        var all = left
        for entry in right { all.append(entry) }
        return all
    }
}
