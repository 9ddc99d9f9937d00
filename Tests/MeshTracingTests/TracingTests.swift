import Identity
import InMemoryTracing
import MeshGRPC
import MeshTracing
import MeshTransport
import MeshWire
import MeshworkTesting
import Synchronization
import Telemetry
import TestSupport
import Testing
import Tracing

/// Calls in the spans of a host's own tracing back end.
@Suite(.timeLimit(.minutes(5))) struct TracingTests {
    @Test(
        "the host's spans, calls, attempts and answers are one tree across three processes, and its baggage goes with them"
    )
    func tree() async throws {
        try await Traced.run { traced in
            let tracers = traced.tracers
            let back = try await traced.server("back", tracers[2]) { mesh in
                mesh.serve(Words.say) { word, call in
                    #expect(ServiceContext.current?.tenant == "7")
                    #expect(call.trace?.spanID.value == ServiceContext.current?.place?.span)
                    tracers[2].mark("look up")
                    return word
                }
            }
            let inner = try traced.mesh("/server/front", tracers[1]).client(try traced.destination("back"))
            let front = try await traced.server("front", tracers[1]) { mesh in
                mesh.serve(Words.say) { word, _ in
                    try await tracers[1].withSpan("decide") { _ in try await inner.call(Words.say, word) }
                }
            }
            let client = try traced.mesh("/client", tracers[0]).client(try traced.destination("front"))
            var context = ServiceContext.topLevel
            context.tenant = "7"
            try await ServiceContext.$current.withValue(context) {
                try await tracers[0].withSpan("checkout") { _ in
                    let answer = try await client.call(Words.say, Word("x"))
                    #expect(answer == Word("x"))
                }
            }
            let path = Words.say.path
            let checkout = try #require(tracers[0].only("checkout", .internal))
            let outer = tracers[0].finished.filter { $0.kind == .client }
            let answered = try #require(tracers[1].only(path, .server))
            let decide = try #require(tracers[1].only("decide", .internal))
            let further = tracers[1].finished.filter { $0.kind == .client }
            let last = try #require(tracers[2].only(path, .server))
            let lookUp = try #require(tracers[2].only("look up", .internal))
            // In the order in which they end: an attempt before its call.
            #expect(outer.count == 2 && further.count == 2)
            #expect(checkout.parent == nil)
            #expect(outer[1].parent == checkout.place.span)
            #expect(outer[0].parent == outer[1].place.span)
            #expect(answered.parent == outer[0].place.span)
            #expect(decide.parent == answered.place.span)
            #expect(further[1].parent == decide.place.span)
            #expect(further[0].parent == further[1].place.span)
            #expect(last.parent == further[0].place.span)
            #expect(lookUp.parent == last.place.span)
            #expect(Set(tracers.flatMap(\.finished).map(\.place.trace)) == [checkout.place.trace])
            #expect(tracers.allSatisfy { $0.open == 0 })
            for span in outer + [answered] + further + [last] {
                #expect(span.status?.code == .ok && span.errors.isEmpty && span.end >= span.start)
                #expect(span.attributes["rpc.meshwork.status"]?.toSpanAttribute() == .string("ok"))
            }
            // Times are the simulation's.
            let now = UInt64(traced.runtime.timeSince1970.components.seconds)
            #expect(outer[1].end / 1_000_000_000 <= now && outer[1].start / 1_000_000_000 > now - 60)
            client.close()
            inner.close()
            await front.stop()
            await back.stop()
        }
    }

    @Test("attempts are siblings below their call, and each failure is recorded where it was")
    func retries() async throws {
        try await Traced.run { traced in
            let failures = Mutex(2)
            let server = try await traced.server("front", traced.tracers[1]) { mesh in
                mesh.serve(Words.say) { word, _ in
                    let fails = failures.withLock { left in
                        defer { left = max(0, left - 1) }
                        return left > 0
                    }
                    if fails { throw CallFailure(.unavailable, "not now", hasNotRun: true) }
                    return word
                }
            }
            let client = try traced.mesh("/client", traced.tracers[0]).client(try traced.destination("front"))
            _ = try await client.call(Words.say, Word("x"))
            let spans = traced.tracers[0].finished
            try #require(spans.count == 4)
            let call = spans[3]
            #expect(call.parent == nil && call.status?.code == .ok && call.errors.isEmpty)
            #expect(call.attributes["meshwork.attempts"]?.toSpanAttribute() == .int64(3))
            #expect(spans[0..<3].allSatisfy { $0.parent == call.place.span })
            #expect(spans[0..<3].map { $0.status?.code == .error } == [true, true, false])
            #expect(
                spans[0..<3].map { $0.attributes["meshwork.attempt"]?.toSpanAttribute() }
                    == [.int64(1), .int64(2), .int64(3)])
            let answers = traced.tracers[1].finished
            #expect(answers.map(\.parent) == spans[0..<3].map { UInt64?($0.place.span) })
            #expect(spans[0..<3].map(\.errors.count) == [1, 1, 0])
            #expect(answers.map(\.errors.count) == [1, 1, 0])
            #expect(answers[0].errors[0].contains("not now"))
            #expect(traced.tracers.allSatisfy { $0.open == 0 })
            client.close()
            await server.stop()
        }
    }

    @Test("a call that fails says so on both sides, and one that is not made ends its span too")
    func failures() async throws {
        struct Broken: Error {}
        try await Traced.run { traced in
            let server = try await traced.server("front", traced.tracers[1]) { mesh in
                mesh.serve(Words.once) { _, _ in throw Broken() }
            }
            let client = try traced.mesh("/client", traced.tracers[0]).client(try traced.destination("front"))
            _ = await meshError { _ = try await client.call(Words.once, Word("x")) }
            let (caller, answer) = (traced.tracers[0].finished, traced.tracers[1].finished)
            #expect(caller.count == 2 && answer.count == 1)
            #expect((caller + answer).allSatisfy { $0.status?.code == .error })
            #expect(caller.last?.errors.count == 1 && answer[0].errors.count == 1)
            // The operator's back end learns what the caller does not.
            #expect(answer[0].errors[0].contains("Broken") && caller.last?.errors[0].contains("Broken") == false)
            let tooMuch = Metadata(dictionaryLiteral: ("note", String(repeating: "x", count: 1 << 20)))
            let refused = await meshError { _ = try await client.call(Words.once, Word("x"), metadata: tooMuch) }
            #expect(refused?.code == .callTooLarge)
            #expect(traced.tracers[0].finished.count == 3)
            #expect(traced.tracers[0].finished.last?.status?.code == .error)
            #expect(traced.tracers.allSatisfy { $0.open == 0 })
            client.close()
            await server.stop()
        }
    }

    @Test("the spans of a call of several messages end when it does")
    func streams() async throws {
        try await Traced.run { traced in
            let server = try await traced.server("front", traced.tracers[1]) { mesh in
                mesh.serve(Words.spell) { word, responses, call in
                    for letter in word.text {
                        try await call.runtime.sleep(for: .seconds(1))
                        try await responses.send(Word(String(letter)))
                    }
                    #expect(ServiceContext.current?.place?.span == call.trace?.spanID.value)
                }
            }
            let client = try traced.mesh("/client", traced.tracers[0]).client(try traced.destination("front"))
            let letters = try await client.call(Words.spell, Word("abc")) { responses in
                var letters = ""
                for try await letter in responses {
                    // The end comes with the last one.
                    if letter.text != "c" {
                        #expect(traced.tracers[0].finished.isEmpty && traced.tracers[0].open == 2)
                    }
                    letters += letter.text
                }
                return letters
            }
            #expect(letters == "abc")
            let (caller, answer) = (traced.tracers[0].finished, traced.tracers[1].finished)
            try #require(caller.count == 2 && answer.count == 1)
            #expect(caller[0].parent == caller[1].place.span && answer[0].parent == caller[0].place.span)
            #expect((caller + answer).allSatisfy { $0.end - $0.start >= 3_000_000_000 })
            #expect(traced.tracers.allSatisfy { $0.open == 0 })
            client.close()
            await server.stop()
        }
    }

    @Test("a handler that waits for nothing finds its span as well")
    func inline() async throws {
        try await Traced.run { traced in
            let server = try await traced.server("front", traced.tracers[1]) { mesh in
                mesh.serveInline(Words.say) { word, _ in
                    traced.tracers[1].mark("inside")
                    return word
                }
            }
            let client = try traced.mesh("/client", traced.tracers[0]).client(try traced.destination("front"))
            _ = try await client.call(Words.say, Word("x"))
            let answer = try #require(traced.tracers[1].only(Words.say.path, .server))
            #expect(traced.tracers[1].only("inside", .internal)?.parent == answer.place.span)
            #expect(traced.tracers[1].open == 0)
            client.close()
            await server.stop()
        }
    }

    @Test("a caller without an identity of ours decides neither the trace nor the baggage")
    func foreign() async throws {
        try await Traced.run { traced in
            let server = try traced.mesh("/server", traced.tracers[1])
            server.serve(Words.say) { word, _ in
                #expect(ServiceContext.current?.tenant == nil)
                return word
            }
            try await server.listen(on: .tcp(host: "server", port: 1), security: .plaintext)
            let client = try traced.mesh("/client", nil).client(.plaintext(.tcp(host: "server", port: 1)))
            let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            _ = try await client.call(
                Words.say, Word("x"), metadata: ["traceparent": parent, "baggage": "tenant=evil"])
            let answer = try #require(traced.tracers[1].only(Words.say.path, .server))
            #expect(answer.parent == nil && answer.place.trace == answer.place.span)
            client.close()
            await server.stop()
        }
    }

    @Test("baggage that the limit on metadata has no room for stays behind, and the trace goes on")
    func tooMuchBaggage() async throws {
        try await Traced.run { traced in
            let server = try await traced.server("front", traced.tracers[1]) { mesh in
                mesh.serve(Words.say) { word, _ in
                    #expect(ServiceContext.current?.tenant == nil)
                    return word
                }
            }
            let client = try traced.mesh("/client", traced.tracers[0]).client(try traced.destination("front"))
            var context = ServiceContext.topLevel
            context.tenant = String(repeating: "7", count: 1 << 20)
            _ = try await ServiceContext.$current.withValue(context) { try await client.call(Words.say, Word("x")) }
            #expect(traced.tracers[1].finished.map(\.parent) == [UInt64?(traced.tracers[0].finished[0].place.span)])
            client.close()
            await server.stop()
        }
    }

    @Test("a sink has the spans too, under the tracer's identifiers")
    func sink() async throws {
        try await Traced.run { traced in
            let ring = SpanRing()
            var configuration = MeshConfiguration()
            configuration.telemetry.tracing = TracingConfiguration(tracer: traced.tracers[1], sink: ring)
            let server = try Mesh(
                configuration: configuration, identity: traced.authority.identity("/server/front"),
                policy: traced.policy, runtime: traced.runtime)
            server.serve(Words.say) { word, _ in word }
            try await server.listen(host: "front", port: 1)
            let client = try traced.mesh("/client", traced.tracers[0]).client(try traced.destination("front"))
            _ = try await client.call(Words.say, Word("x"))
            let answer = try #require(traced.tracers[1].finished.first)
            #expect(ring.spans.map(\.context.spanID.value) == [answer.place.span])
            #expect(ring.spans.map { $0.parent?.value } == [answer.parent])
            client.close()
            await server.stop()
        }
    }

    @Test("a tracer whose fields are not W3C's is traced as well, over both wires")
    func otherFields() async throws {
        let runtime = SystemRuntime.shared
        let authority = try TestAuthority(runtime: runtime)
        let (ours, theirs) = (InMemoryTracer(), InMemoryTracer())
        func mesh(_ path: String, _ tracer: InMemoryTracer) throws -> Mesh {
            var configuration = MeshConfiguration.patient
            configuration.telemetry.tracing = TracingConfiguration(tracer: tracer)
            let mesh = try Mesh(
                configuration: configuration, identity: authority.identity(path),
                policy: AuthorizationPolicy(rules: [
                    AuthorizationPolicy.Rule("all", methods: ["*"], identities: ["\(authority.trustDomain.id)/*"])
                ]))
            try mesh.enableGRPC()
            return mesh
        }
        let server = try mesh("/server", theirs)
        server.serve(Words.say) { word, _ in
            theirs.startSpan("inside").end()
            return word
        }
        let endpoint = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0))
        let caller = try mesh("/client", ours)
        let destination = Destination(endpoint, identities: [.exact(try authority.id("/server"))])
        for destination in [destination, destination.overGRPC] {
            ours.clearAll()
            theirs.clearAll()
            let client = caller.client(destination)
            try await ours.withSpan("outside") { _ in _ = try await client.call(Words.say, Word("x")) }
            let (made, answered) = (ours.finishedSpans, theirs.finishedSpans)
            try #require(made.map(\.operationName) == [Words.say.path, Words.say.path, "outside"])
            try #require(answered.map(\.operationName) == ["inside", Words.say.path])
            #expect(made[0].parentSpanID == made[1].spanID && made[1].parentSpanID == made[2].spanID)
            #expect(answered[1].parentSpanID == made[0].spanID && answered[1].traceID == made[0].traceID)
            #expect(answered[0].parentSpanID == answered[1].spanID)
            #expect(ours.activeSpans.isEmpty && theirs.activeSpans.isEmpty)
            client.close()
        }
        await server.stop()
    }

    @Test("what was bootstrapped is what is used")
    func bootstrapped() async throws {
        let tracer = RecordingTracer(first: 0x4000)
        try await withTracer(tracer) {
            let configuration = TracingConfiguration.bootstrapped
            try await Traced.run { traced in
                var mesh = MeshConfiguration()
                mesh.telemetry.tracing = configuration
                let server = try await traced.server("front", nil) { $0.serve(Words.say) { word, _ in word } }
                let client = try Mesh(
                    configuration: mesh, identity: traced.authority.identity("/client"), policy: .denyAll,
                    runtime: traced.runtime
                ).client(try traced.destination("front"))
                _ = try await client.call(Words.say, Word("x"))
                client.close()
                await server.stop()
            }
        }
        #expect(tracer.finished.map(\.name) == [Words.say.path, Words.say.path])
    }
}
