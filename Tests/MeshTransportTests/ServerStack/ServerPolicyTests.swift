import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

/// What a server lets come and run: policies that change, claims, rate limits, and calls at a time.
@Suite(.timeLimit(.minutes(5))) struct ServerPolicyTests {
    typealias Rule = AuthorizationPolicy.Rule

    private static let everybody = "spiffe://test.example/*"

    private static func once() -> MeshConfiguration {
        var configuration = MeshConfiguration()
        configuration.retry.maximumAttempts = 1
        return configuration
    }

    @Test("a policy that changes ends the calls that it does not allow any more, streams too, and no others")
    func endsCalls() async throws {
        try await Simulated.run { simulation in
            let (started, ended) = (Gate(), Gate())
            let server = try await simulation.server { mesh in
                mesh.serve(Echo.chat) { requests, responses, _ in
                    for try await note in requests { try await responses.send(note) }
                }
                mesh.serve(Echo.once) { _, _ in
                    started.open()
                    try? await mesh.runtime.sleep(for: .seconds(20))
                    ended.open()
                    return Note("late")
                }
                mesh.serve(Echo.echo) { note, _ in
                    try await mesh.runtime.sleep(for: .seconds(5))
                    return note
                }
            }
            let client = try simulation.client()
            async let kept = client.call(Echo.echo, Note("kept"))
            async let lost = meshError { _ = try await client.call(Echo.once, Note("x")) }
            await started.wait()
            let error = await meshError {
                try await client.call(Echo.chat) { sender, responses in
                    try await sender.send(Note("1"))
                    var iterator = responses.makeAsyncIterator()
                    let first = try await iterator.next()
                    #expect(first == Note("1"))
                    server.setPolicy(
                        try AuthorizationPolicy(rules: [
                            Rule("echo", methods: [Echo.echo.path], identities: [Self.everybody])
                        ]))
                    _ = try await iterator.next()
                }
            }
            #expect(error?.status == .permissionDenied)
            #expect(await lost?.status == .permissionDenied)
            // Its handler was cancelled.
            await ended.wait()
            #expect(simulation.runtime.now < .init(nanoseconds: 20_000_000_000))
            let reply = try await kept
            #expect(reply == Note("kept"))
            client.close()
            await server.stop()
        }
    }

    @Test("a policy that is tried out refuses nothing, and counts what it would refuse")
    func audit() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { $0.serveEcho() }
            server.setPolicy(
                try AuthorizationPolicy(
                    rules: [Rule("echo only", methods: [Echo.echo.path], identities: [Self.everybody])], mode: .audit))
            let client = try simulation.client()
            for method in [Echo.echo, Echo.once, Echo.once] { _ = try await client.call(method, Note("x")) }
            #expect(
                server.metrics.lines(of: "mesh_authorization_a") == [
                    #"mesh_authorization_allowed_total{rule="echo only"} 1"#,
                    #"mesh_authorization_audited_total{peer="spiffe://test.example/client"} 2"#,
                ])
            client.close()
            await server.stop()
        }
    }

    /// Takes what the metadata says for a token that was verified.
    private struct Tokens: ServerInterceptor {
        func willAuthorize(_ call: inout ServerCall) throws -> CallObserver? {
            if let team = call.metadata["team"] { call.claims = ["team": [team]] }
            return nil
        }
    }

    @Test("rules ask for claims that an interceptor has verified, call by call, large calls included")
    func claims() async throws {
        try await Simulated.run { simulation in
            var configuration = MeshConfiguration()
            configuration.serverInterceptors = [Tokens()]
            let server = try await simulation.server(configuration) { $0.serveEcho() }
            server.setPolicy(
                try AuthorizationPolicy(rules: [
                    Rule("red", methods: [Echo.echo.path], identities: [Self.everybody], claims: ["team": ["red"]])
                ]))
            let client = try simulation.client()
            let large = Note("", payload: [UInt8](repeating: 1, count: 600 << 10))
            for note in [Note("x"), large] {
                for (team, isAllowed) in [("red", true), ("blue", false), (nil, false), ("red", true)]
                    as [(String?, Bool)]
                {
                    let metadata: Metadata = team.map { ["team": $0] } ?? [:]
                    let error = await meshError { _ = try await client.call(Echo.echo, note, metadata: metadata) }
                    #expect((error == nil) == isAllowed && (isAllowed || error?.status == .permissionDenied))
                }
            }
            // What no claims could allow is refused at its head.
            #expect(await meshError { _ = try await client.call(Echo.once, large) }?.status == .permissionDenied)
            client.close()
            await server.stop()
        }
    }

    @Test("a caller over its rate is told when to come again, others are not held up, and limits change while it runs")
    func rates() async throws {
        try await Simulated.run { simulation in
            var configuration = MeshConfiguration()
            configuration.rateLimits = RateLimitPolicy(rules: [
                RateLimitRule("each", methods: ["test.Echo/*"], perIdentity: Rate(perSecond: 2))
            ])
            let server = try await simulation.server(configuration) { $0.serveEcho() }
            let client = try simulation.client(Self.once())
            let other = try simulation.client(of: simulation.mesh("/other", Self.once()))
            for _ in 0..<2 { _ = try await client.call(Echo.echo, Note("x")) }
            let error = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
            #expect(error?.status == .resourceExhausted && error?.progress == .notSent)
            #expect(error?.message.contains("each") == false)
            _ = try await other.call(Echo.echo, Note("x"))
            // A client that repeats waits for as long as it is told.
            let patient = try simulation.client()
            let before = simulation.runtime.now
            _ = try await patient.call(Echo.echo, Note("x"))
            let waited = before.duration(to: simulation.runtime.now)
            #expect(waited > .milliseconds(300) && waited < .milliseconds(700), "\(waited)")
            #expect(server.metrics.lines(of: "mesh_rate_limited_total") == [#"mesh_rate_limited_total{rule="each"} 2"#])
            try server.setRateLimits(RateLimitPolicy())
            for _ in 0..<10 { _ = try await client.call(Echo.echo, Note("x")) }
            #expect(throws: MeshError.self) { () throws in
                try server.setRateLimits(RateLimitPolicy(rules: [RateLimitRule("", total: Rate(perSecond: 1))]))
            }
            for client in [client, other, patient] { client.close() }
            await server.stop()
        }
    }

    @Test("a server that runs as many calls as it may refuses the next one, which goes elsewhere")
    func concurrency() async throws {
        try await Simulated.run { simulation in
            var configuration = MeshConfiguration()
            configuration.concurrencyLimit = .fixed(2)
            let (started, release) = (Tally(), Gate())
            let server = try await simulation.server(configuration) { mesh in
                mesh.serve(Echo.echo) { note, _ in
                    started.add()
                    await release.wait()
                    return note
                }
                mesh.serveInline(Echo.once) { note, _ in note }
            }
            let client = try simulation.client(Self.once())
            async let first = client.call(Echo.echo, Note("1"))
            async let second = client.call(Echo.echo, Note("2"))
            await started.reach(2)
            let error = await meshError { _ = try await client.call(Echo.echo, Note("3")) }
            #expect(error?.status == .resourceExhausted && error?.progress == .notSent)
            #expect(await meshError { _ = try await client.call(Echo.once, Note("4")) }?.status == .resourceExhausted)
            release.open()
            _ = try await (first, second)
            for _ in 0..<5 {
                let reply = try await client.call(Echo.once, Note("5"))
                #expect(reply == Note("5"))
            }
            #expect(server.metrics.lines(of: "mesh_overload_refusals_total") == ["mesh_overload_refusals_total 2"])
            client.close()
            await server.stop()
        }
    }

    @Test("every problem of the limits is named")
    func problems() {
        var configuration = MeshConfiguration()
        configuration.concurrencyLimit = .fixed(0)
        configuration.rateLimits = RateLimitPolicy(rules: [RateLimitRule("x", methods: ["nothing"])])
        let error = #expect(throws: MeshError.self) { () throws in try configuration.validate() }
        #expect(error?.message.contains("concurrencyLimit must be at least 1") == true)
        #expect(error?.message.contains("rateLimits: rule 1") == true)
    }
}
