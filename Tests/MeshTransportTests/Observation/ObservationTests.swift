import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Synchronization
import Telemetry
import TestSupport
import Testing

/// What the stacks tell of their calls: metrics of calls, attempts and bytes, traces across processes, access log, tap.
@Suite(.timeLimit(.minutes(5))) struct ObservationTests {
    /// Lines that somebody wrote.
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])

        var write: @Sendable ([UInt8]) -> Void {
            { [self] line in lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
        }

        var all: [String] { lines.withLock { $0 } }
    }

    private static func traced(_ ring: SpanRing, _ ratio: Double = 1) -> MeshConfiguration {
        var configuration = MeshConfiguration()
        var tracing = TracingConfiguration(sink: ring)
        tracing.sampler = TraceSampler(ratio: ratio)
        configuration.telemetry.tracing = tracing
        return configuration
    }

    /// A front that answers by asking a back, and a client of the front; each with its spans.
    private func chain(
        ratio: Double = 1, trusting: Bool = false,
        _ body: @escaping @Sendable @concurrent (MeshClient, [SpanRing]) async throws -> Void
    ) async throws {
        try await Simulated.run { simulation in
            let rings = [SpanRing(), SpanRing(), SpanRing()]
            let back = try simulation.mesh("/server/back", Self.traced(rings[2]))
            back.serve(Echo.echo) { note, call in
                #expect(TraceContext.current == call.trace)
                return note
            }
            try await back.listen(host: "back", port: 1)
            let front = try simulation.mesh("/server/front", Self.traced(rings[1]))
            let inner = front.client(
                Destination(host: "back", port: 1, identities: [.exact(try simulation.authority.id("/server/back"))]))
            front.serve(Echo.echo) { note, _ in try await inner.call(Echo.echo, note) }
            try await front.listen(host: "front", port: 1)
            let caller = try simulation.mesh("/client", Self.traced(rings[0], ratio))
            let client = caller.client(
                Destination(
                    host: "front", port: 1, identities: [.exact(try simulation.authority.id("/server/front"))]))
            try await body(client, rings)
            client.close()
            inner.close()
            await front.stop()
            await back.stop()
        }
    }

    @Test("a call, its attempts and what is called for it are one trace, each below what it is part of")
    func trace() async throws {
        try await chain { client, rings in
            _ = try await client.call(Echo.echo, Note("x"))
            let (caller, front, back) = (rings[0].spans, rings[1].spans, rings[2].spans)
            #expect(caller.map(\.kind) == [.client, .client])
            #expect(front.map(\.kind) == [.client, .client, .server])
            #expect(back.map(\.kind) == [.server])
            let all = caller + front + back
            #expect(Set(all.map(\.context.traceID)).count == 1)
            #expect(Set(all.map(\.context.spanID)).count == all.count)
            // In the order in which they end: an attempt before its call, a call before what it was made for.
            #expect(caller[1].parent == nil)
            #expect(caller[0].parent == caller[1].context.spanID)
            #expect(front[2].parent == caller[0].context.spanID)
            #expect(front[1].parent == front[2].context.spanID)
            #expect(front[0].parent == front[1].context.spanID)
            #expect(back[0].parent == front[0].context.spanID)
            #expect(all.allSatisfy { $0.name == Echo.echo.path && $0.status == .ok })
            #expect(
                back[0].attributes.contains(
                    SpanRecord.Attribute("meshwork.peer", .string("spiffe://test.example/server/front"))))
            #expect(
                caller[1].attributes.contains(SpanRecord.Attribute("meshwork.attempts", .int(1))))
        }
    }

    @Test("whoever begins a trace decides whether it is recorded, for everybody of its trust domain")
    func notSampled() async throws {
        try await chain(ratio: 0) { client, rings in
            for _ in 0..<10 { _ = try await client.call(Echo.echo, Note("x")) }
            #expect(rings.allSatisfy { $0.spans.isEmpty })
            let host = try #require(
                TraceContext(traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
            _ = try await TraceContext.$current.withValue(host) { try await client.call(Echo.echo, Note("x")) }
            #expect(rings.flatMap(\.spans).count == 6)
            #expect(rings.flatMap(\.spans).allSatisfy { $0.context.traceID == host.traceID })
        }
    }

    @Test("a tracestate is handed on, and what the metadata says of a trace is believed as the wire's own is")
    func handedOn() async throws {
        try await Simulated.run { simulation in
            let ring = SpanRing()
            let seen = Mutex<[TraceContext?]>([])
            let server = try simulation.mesh("/server", Self.traced(ring, 0))
            server.serve(Echo.echo) { note, _ in
                seen.withLock { $0.append(TraceContext.current) }
                return note
            }
            try await server.listen(host: "server", port: 1)
            let client = try simulation.mesh("/client", Self.traced(SpanRing(), 0)).client(
                Destination(host: "server", port: 1, identities: [.exact(try simulation.authority.id("/server"))]))
            let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03"
            let host = try #require(TraceContext(traceparent: parent, tracestate: "shop=1,other=2"))
            _ = try await TraceContext.$current.withValue(host) { try await client.call(Echo.echo, Note("x")) }
            _ = try await client.call(
                Echo.echo, Note("x"),
                metadata: ["traceparent": parent, "tracestate": "shop=1", "tracestate": "other=2"])
            let found = seen.withLock { $0 }
            #expect(found.map { $0?.traceID } == [host.traceID, host.traceID])
            #expect(found.map { $0?.tracestate } == [host.tracestate, host.tracestate])
            #expect(found.allSatisfy { $0?.isSampled == true && $0?.isRandom == true })
            // Of the first the caller's attempt is the parent, of the second whoever wrote the metadata.
            #expect(ring.spans.last?.parent == host.spanID)
            client.close()
            await server.stop()
        }
    }

    @Test("a caller without an identity of ours begins no trace here")
    func foreignTrace() async throws {
        try await Simulated.run { simulation in
            let ring = SpanRing()
            let server = try Mesh(
                configuration: Self.traced(ring, 0), identity: simulation.authority.identity("/server"),
                policy: Self.anybody, runtime: simulation.runtime)
            server.serve(Echo.echo) { note, _ in note }
            try await server.listen(on: .tcp(host: "server", port: 1), security: .plaintext)
            let client = try simulation.mesh("/client").client(.plaintext(.tcp(host: "server", port: 1)))
            let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            _ = try await client.call(Echo.echo, Note("x"), metadata: ["traceparent": parent])
            #expect(ring.spans.isEmpty)
            client.close()
            await server.stop()
        }
    }

    @Test("each attempt has a span of its own, and counts beside the call")
    func attempts() async throws {
        try await Fleet.run("a", "b") { fleet in
            let failures = Mutex(1)
            try await fleet.start("c") { _ in
                let fails = failures.withLock { left in
                    defer { left = max(0, left - 1) }
                    return left > 0
                }
                if fails { throw CallFailure(.unavailable, "not now", hasNotRun: true) }
            }
            fleet.become("c")
            let ring = SpanRing()
            let metrics = MetricsRegistry()
            let client = try fleet.client(metrics: metrics) { $0.telemetry = Self.traced(ring).telemetry }
            _ = try await client.call(Echo.echo, Note("x"))
            let spans = ring.spans
            #expect(spans.count == 3)
            #expect(spans[0].status == .error("unavailable"))
            #expect(spans[1].status == .ok)
            #expect(spans[0].parent == spans[2].context.spanID && spans[1].parent == spans[2].context.spanID)
            #expect(spans[2].attributes.contains(SpanRecord.Attribute("meshwork.attempts", .int(2))))
            func value(_ name: String) -> Substring? { metrics.lines(of: name).first?.split(separator: " ").last }
            #expect(value("request_total{direction=\"outbound\"") == "1")
            #expect(value("attempt_total{direction=\"outbound\"") == "2")
            #expect(metrics.lines(of: "attempt_response_total").count == 2)
            #expect(value("mesh_retries_total") == "1")
            client.close()
        }
    }

    @Test("bytes are counted on both sides, and a large answer begins before it ends")
    func traffic() async throws {
        try await Simulated.run { simulation in
            let server = try simulation.mesh("/server")
            server.serve(Echo.echo) { _, _ in Note("y", payload: Array(repeating: 1, count: 1 << 20)) }
            server.serve(Echo.repeated) { note, responses, call in
                for _ in 0..<3 {
                    try await call.runtime.sleep(for: .seconds(1))
                    try await responses.send(note)
                }
            }
            try await server.listen(host: "server", port: 1)
            let mesh = try simulation.mesh("/client")
            let client = mesh.client(
                Destination(host: "server", port: 1, identities: [.exact(try simulation.authority.id("/server"))]))
            var slow = NetworkFaults()
            slow.toClient.readingPace = NetworkFaults.Pace(bytes: 64 << 10, every: .milliseconds(100))
            simulation.runtime.setFaults(slow)
            _ = try await client.call(Echo.echo, Note("x"))
            func sample(_ metrics: MetricsRegistry, _ name: String, _ method: String) -> Double {
                let line = metrics.lines(of: name).first { $0.contains("method=\"\(method)\"") }
                return line?.split(separator: " ").last.flatMap { Double($0) } ?? -1
            }
            let echo = Echo.echo.path
            #expect(sample(server.metrics, "request_bytes_total", echo) == 3)
            #expect(sample(mesh.metrics, "request_bytes_total", echo) == 3)
            #expect(sample(server.metrics, "response_bytes_total", echo) > 1_048_576)
            #expect(
                sample(mesh.metrics, "response_bytes_total", echo)
                    == sample(server.metrics, "response_bytes_total", echo))
            let (begin, end) = (
                sample(mesh.metrics, "response_first_byte_seconds_sum", echo),
                sample(mesh.metrics, "response_latency_seconds_sum", echo)
            )
            #expect(begin > 0 && begin < end / 2, "\(begin) of \(end) s")
            try await client.call(Echo.repeated, Note("12345")) { for try await _ in $0 {} }
            let path = Echo.repeated.path
            #expect(sample(mesh.metrics, "response_bytes_total", path) == 21)
            #expect(sample(server.metrics, "response_bytes_total", path) == 21)
            #expect(sample(server.metrics, "request_bytes_total", path) == 7)
            #expect((0.9...2).contains(sample(mesh.metrics, "response_first_byte_seconds_sum", path)))
            #expect((0.9...2).contains(sample(server.metrics, "response_first_byte_seconds_sum", path)))
            #expect(sample(mesh.metrics, "response_latency_seconds_sum", path) >= 3)
            client.close()
            await server.stop()
        }
    }

    @Test("a server writes a line for each call, with who called, what let it in, and what came of it")
    func accessLog() async throws {
        try await Simulated.run { simulation in
            let lines = Lines()
            var configuration = MeshConfiguration()
            configuration.telemetry.accessLog = AccessLogConfiguration(write: lines.write)
            let server = try simulation.mesh("/server", configuration)
            server.serve(Echo.echo) { note, _ in note }
            server.serve(Echo.once) { _, _ in throw CallFailure(.notFound, "no such thing") }
            try await server.listen(host: "server", port: 1)
            let client = try simulation.mesh("/client").client(
                Destination(host: "server", port: 1, identities: [.exact(try simulation.authority.id("/server"))]))
            _ = try await client.call(Echo.echo, Note("x"))
            _ = await meshError { _ = try await client.call(Echo.once, Note("x")) }
            server.setPolicy(.denyAll)
            _ = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
            #expect(lines.all.count == 3)
            for (line, parts) in zip(
                lines.all,
                [
                    [
                        #""path":"/test.Echo/Echo""#, #""client.id":"spiffe://test.example/client""#,
                        #""version":"meshwork/1""#, #""policy":"test""#, #""status":200"#,
                    ],
                    [#""path":"/test.Echo/Once""#, #""status":404"#, #""mesh_status":"notFound""#],
                    [#""status":403"#, #""mesh_status":"permissionDenied""#],
                ])
            {
                for part in parts { #expect(line.contains(part), "\(part) in \(line)") }
            }
            #expect(lines.all[2].contains(#""policy":"of no name""#))
            client.close()
            await server.stop()
        }
    }

    @Test("a tap shows the calls of either side to who watches, and nothing costs anybody when nobody does")
    func tap() async throws {
        try await Simulated.run { simulation in
            var (inbound, outbound) = (MeshConfiguration(), MeshConfiguration())
            inbound.telemetry.tap = Tap()
            outbound.telemetry.tap = Tap()
            let server = try simulation.mesh("/server", inbound)
            server.serve(Echo.echo) { note, _ in note }
            server.serve(Echo.once) { _, _ in throw CallFailure(.unavailable, "no") }
            try await server.listen(host: "server", port: 1)
            let client = try simulation.mesh("/client", outbound).client(
                Destination(host: "server", port: 1, identities: [.exact(try simulation.authority.id("/server"))]))
            _ = try await client.call(Echo.echo, Note("before"))
            var options = TapSubscriber.Options()
            options.filter = TapFilter(statuses: ["unavailable"])
            let now = simulation.runtime.now.nanoseconds
            let failures = try inbound.telemetry.tap.watch(options, now: now)
            let everything = try outbound.telemetry.tap.watch(TapSubscriber.Options(), now: now)
            _ = try await client.call(Echo.echo, Note("x"))
            _ = await meshError { _ = try await client.call(Echo.once, Note("x")) }
            #expect(failures.take().events.map(\.method) == [Echo.once.path])
            let shown = everything.take().events
            #expect(shown.map(\.status) == ["ok", "unavailable"])
            #expect(shown.map(\.requestBytes) == [3, 3])
            #expect(shown.allSatisfy { $0.direction == .outbound && $0.nanoseconds > 0 })
            outbound.telemetry.tap.stop(everything)
            #expect(!outbound.telemetry.tap.isWatched)
            client.close()
            await server.stop()
        }
    }
}

extension ObservationTests {
    /// A policy that lets callers without an identity in.
    private static let anybody =
        (try? AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule("anybody", methods: ["*"], callersWithoutIdentity: true)
        ])) ?? .denyAll
}
