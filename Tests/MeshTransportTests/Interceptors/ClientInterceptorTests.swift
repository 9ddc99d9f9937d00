import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

/// The host's interceptors on the client's side, on virtual time.
@Suite struct ClientInterceptorTests {
    private static func configuration(
        _ interceptors: [any ClientInterceptor], faults: (any FaultInjector)? = nil
    ) -> MeshConfiguration {
        var configuration = MeshConfiguration()
        configuration.clientInterceptors = interceptors
        configuration.faults = faults
        configuration.retry.attemptTimeout = .seconds(1)
        return configuration
    }

    /// Waits for something before it lets a call pass.
    private struct Waiting: AsyncClientInterceptor {
        let name = "waiting"
        let prepare: @Sendable (inout ClientCall) async throws -> Void
        func prepare(_ call: inout ClientCall) async throws { try await prepare(&call) }
    }

    private struct HostError: Error, CustomStringConvertible { let description = "the token has expired" }

    @Test("interceptors are asked in order, the outermost first, and told of the end in the opposite order")
    func order() async throws {
        try await Simulated.run { simulation in
            let notes = Notes()
            let server = try await simulation.server { $0.serveEcho() }
            let client = try simulation.client(
                Self.configuration([ClientProbe(name: "outer", notes: notes), ClientProbe(name: "inner", notes: notes)])
            )
            let expected = [
                "outer call", "inner call", "outer attempt 1", "inner attempt 1", "inner attempt ok",
                "outer attempt ok", "inner call ok", "outer call ok",
            ]
            #expect(try await client.call(Echo.echo, Note("x")) == Note("x"))
            #expect(notes.take() == expected)
            let letters = try await client.call(Echo.repeated, Note("ab")) { responses in
                var letters = ""
                for try await note in responses { letters += note.text }
                return letters
            }
            #expect(letters == "ab")
            #expect(notes.take() == expected)
            #expect(
                try await client.call(Echo.joined) { requests in try await requests.send(Note("c")) } == Note("c 0"))
            #expect(notes.take() == expected)
            try await client.call(Echo.chat) { requests, responses in
                requests.finish()
                for try await _ in responses {}
            }
            #expect(notes.take() == expected)
            client.close()
            await server.stop()
        }
    }

    @Test(
        "metadata of the call goes with every attempt, that of an attempt with it alone, and the message stays as it is"
    )
    func metadata() async throws {
        try await Simulated.run { simulation in
            let seen = Notes()
            let server = try await simulation.server { mesh in
                mesh.serve(Echo.count, deduplicated: .handler) { note, call in
                    seen.add(
                        "\(note.text) \(call.deduplication?.entries.first?.sequence ?? 0) "
                            + call.metadata.map { "\($0.key)=\($0.value)" }.joined(separator: " "))
                    return note
                }
            }
            let probe = ClientProbe(
                onCall: { $0.metadata.append(.init(key: "call", value: "1")) },
                onAttempt: { $0.metadata.append(.init(key: "attempt", value: "\($0.attempt)")) })
            let client = try simulation.client(
                Self.configuration([probe], faults: ScriptedFaults(replies: [.lose, .lose])))
            #expect(try await client.call(Echo.count, Note("x"), metadata: ["own": "0"]) == Note("x"))
            #expect(
                seen.take() == [
                    "x 1 own=0 call=1 attempt=1", "x 1 own=0 call=1 attempt=2", "x 1 own=0 call=1 attempt=3",
                ])
            #expect(
                probe.notes.take() == [
                    "probe call", "probe attempt 1", "probe attempt deadlineExceeded", "probe attempt 2",
                    "probe attempt deadlineExceeded", "probe attempt 3", "probe attempt ok", "probe call ok",
                ])
            client.close()
            await server.stop()
        }
    }

    @Test("an outcome has what the server said, how long it took, and how far a call came that failed")
    func outcome() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { mesh in
                mesh.serveAnswer(Echo.echo) { note, call in
                    try await call.runtime.sleep(for: .seconds(2))
                    return Answer(note, metadata: ["before": "1"], trailers: ["after": "2"])
                }
                mesh.serve(Echo.repeated) { note, responses, _ in
                    responses.send(metadata: ["before": "1"])
                    responses.setTrailers(["after": "2"])
                    try await responses.send(note)
                }
                mesh.serve(Echo.once) { _, _ in throw CallFailure(.notFound, "no such thing", trailers: ["why": "x"]) }
            }
            let notes = Notes()
            let probe = ClientProbe(onOutcome: { outcome in
                #expect(outcome.peer == "spiffe://test.example/server")
                let error = outcome.error.map { "\($0.message) \($0.progress.map { "\($0)" } ?? "")" } ?? "no error"
                notes.add(
                    "\(outcome.status) \(outcome.metadata["before"] ?? "") \(outcome.trailers["after"] ?? "") "
                        + "\(outcome.trailers["why"] ?? "") \(outcome.elapsed > .seconds(2)) \(error)")
            })
            let client = try simulation.client(Self.configuration([probe]))
            _ = try await client.connection()
            var configuration = Self.configuration([probe])
            configuration.retry.attemptTimeout = .seconds(10)
            let patient = try simulation.client(configuration)
            _ = try await patient.call(Echo.echo, Note("x"))
            #expect(notes.take() == ["ok 1 2  true no error", "ok 1 2  true no error"])
            try await client.call(Echo.repeated, Note("x")) { responses in for try await _ in responses {} }
            #expect(notes.take() == ["ok 1 2  false no error", "ok 1 2  false no error"])
            let error = await meshError { _ = try await client.call(Echo.once, Note("x")) }
            #expect(error?.status == .notFound)
            let failed = "notFound   x false no such thing answered"
            #expect(notes.take() == [failed, failed])
            client.close()
            patient.close()
            await server.stop()
        }
    }

    @Test("what an interceptor refuses is not sent, names it, and those outside it are told", arguments: [true, false])
    func refusal(ofCall: Bool) async throws {
        try await Simulated.run { simulation in
            let runs = Tally()
            let server = try await simulation.server { mesh in
                mesh.serve(Echo.echo) { note, _ in
                    runs.add()
                    return note
                }
                mesh.serve(Echo.chat) { _, _, _ in _ = runs.add() }
            }
            let notes = Notes()
            let refuse: @Sendable (inout ClientCall) throws -> Void = { call in
                if call.kind == .unary { throw CallFailure(.permissionDenied, "not today", trailers: ["until": "9"]) }
                throw HostError()
            }
            let refusing = ClientProbe(
                name: "gate", notes: Notes(), onCall: ofCall ? refuse : ClientProbe.nothing,
                onAttempt: ofCall ? ClientProbe.nothing : refuse)
            let client = try simulation.client(
                Self.configuration([
                    ClientProbe(name: "outer", notes: notes), refusing, ClientProbe(name: "inner", notes: notes),
                ]))
            var error = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
            #expect(error?.code == .refusedByInterceptor)
            #expect(error?.status == .permissionDenied && error?.progress == .notSent)
            #expect(error?.message == "test.Echo/Echo: the interceptor gate refused the call: not today")
            #expect(error?.trailers["until"] == "9" && error?.cause is CallFailure)
            let expected =
                ofCall
                ? ["outer call", "outer call permissionDenied"]
                : [
                    "outer call", "inner call", "outer attempt 1", "outer attempt permissionDenied",
                    "inner call permissionDenied", "outer call permissionDenied",
                ]
            #expect(notes.take() == expected)
            error = await meshError {
                try await client.call(Echo.chat) { _, _ in _ = Issue.record("the call was made") }
            }
            #expect(error?.code == .refusedByInterceptor && error?.progress == .notSent && error?.status == nil)
            #expect(error?.message.contains("gate") == true && error?.cause is HostError)
            #expect(runs.count == 0)
            client.close()
            await server.stop()
        }
    }

    @Test("an attempt that is refused for the moment is followed by another, one that may have run says so")
    func refusedAttempts() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { $0.serveEcho() }
            let breaker = ClientProbe(onAttempt: { call in
                guard call.attempt < 3 else { return }
                throw CallFailure(.unavailable, "open", hasNotRun: true)
            })
            let client = try simulation.client(Self.configuration([breaker]))
            #expect(try await client.call(Echo.once, Note("x")) == Note("x"))
            let letters = try await client.call(Echo.repeated, Note("a")) { responses in
                var iterator = responses.makeAsyncIterator()
                return try await iterator.next()?.text
            }
            #expect(letters == "a")
            let second = ClientProbe(onAttempt: { call in
                if call.attempt == 2 { throw CallFailure(.failedPrecondition, "enough") }
            })
            let other = try simulation.client(Self.configuration([second], faults: ScriptedFaults(replies: [.lose])))
            let error = await meshError { _ = try await other.call(Echo.echo, Note("x")) }
            #expect(error?.code == .refusedByInterceptor && error?.progress == .mayHaveRun)
            client.close()
            other.close()
            await server.stop()
        }
    }

    @Test("a deadline can be shortened, of the call or of an attempt, and not lengthened", arguments: [true, false])
    func deadline(ofCall: Bool) async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { mesh in
                for method in [Echo.once, Echo.echo] {
                    mesh.serve(method) { note, call in
                        #expect(call.timeRemaining <= .seconds(2))
                        try await call.runtime.sleep(for: .seconds(100))
                        return note
                    }
                }
                mesh.serve(Echo.chat) { requests, _, _ in for try await _ in requests {} }
            }
            let shorten: @Sendable (inout ClientCall) throws -> Void = { call in
                call.shortenDeadline(to: .seconds(2))
                call.shortenDeadline(to: .seconds(50))
                #expect(call.timeRemaining == .seconds(2))
            }
            var configuration = Self.configuration([
                ClientProbe(
                    onCall: ofCall ? shorten : ClientProbe.nothing, onAttempt: ofCall ? ClientProbe.nothing : shorten)
            ])
            configuration.retry.attemptTimeout = .seconds(10)
            let client = try simulation.client(configuration)
            var start = simulation.runtime.now
            var error = await meshError { _ = try await client.call(Echo.once, Note("x")) }
            #expect(error?.code == .deadlineExceeded && error?.progress == .mayHaveRun)
            #expect(start.duration(to: simulation.runtime.now) == .seconds(2))
            start = simulation.runtime.now
            error = await meshError {
                try await client.call(Echo.chat) { _, responses in for try await _ in responses {} }
            }
            #expect(error?.code == .deadlineExceeded)
            #expect(start.duration(to: simulation.runtime.now) == .seconds(2))
            start = simulation.runtime.now
            // What an attempt may take is over after 2 s: the call has two more.
            error = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
            let took = start.duration(to: simulation.runtime.now)
            #expect(ofCall ? took == .seconds(2) : took > .seconds(6) && took < .seconds(7))
            client.close()
            await server.stop()
        }
    }

    @Test("a call waits for an interceptor, and neither beyond its deadline nor when its caller is cancelled")
    func waiting() async throws {
        try await Simulated.run { simulation in
            let runtime = simulation.runtime
            let server = try await simulation.server { mesh in
                mesh.serve(Echo.echo) { _, call in Note(call.metadata["token"] ?? "none") }
            }
            let client = try simulation.client(
                Self.configuration([
                    Waiting { call in
                        try await runtime.sleep(for: .seconds(3))
                        call.metadata.append(.init(key: "token", value: "fresh"))
                    }
                ]))
            #expect(try await client.call(Echo.echo, Note("x")) == Note("fresh"))
            let start = runtime.now
            var error = await meshError { _ = try await client.call(Echo.echo, Note("x"), timeout: .seconds(2)) }
            #expect(error?.code == .deadlineExceeded && error?.progress == .notSent)
            #expect(error?.message.contains("waiting") == true)
            #expect(start.duration(to: runtime.now) == .seconds(2))
            error = await withTaskGroup(of: MeshError?.self) { group in
                group.addTask { await meshError { _ = try await client.call(Echo.echo, Note("x")) } }
                try? await runtime.sleep(for: .seconds(1))
                group.cancelAll()
                return await group.next()!
            }
            #expect(error?.code == .cancelled && error?.progress == .notSent)
            let refusing = try simulation.client(Self.configuration([Waiting { _ in throw HostError() }]))
            error = await meshError { _ = try await refusing.call(Echo.echo, Note("x")) }
            #expect(error?.code == .refusedByInterceptor && error?.cause is HostError)
            client.close()
            refusing.close()
            await server.stop()
        }
    }

    @Test("metadata that interceptors bring over the limit is refused before it is sent")
    func metadataOverTheLimit() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { $0.serveEcho() }
            let probe = ClientProbe(onCall: { call in
                call.metadata.append(.init(key: "large", value: String(repeating: "x", count: 1 << 20)))
            })
            let client = try simulation.client(Self.configuration([probe]))
            let error = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
            #expect(error?.code == .callTooLarge && error?.progress == .notSent)
            #expect(error?.message.contains("interceptors") == true)
            #expect(probe.notes.take() == ["probe call", "probe call unavailable"])
            client.close()
            await server.stop()
        }
    }
}
