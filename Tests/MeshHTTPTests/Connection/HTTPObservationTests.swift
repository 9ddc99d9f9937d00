import Hummingbird
import MeshHTTP
import MeshTransport
import NIOHTTP1
import Synchronization
import Telemetry
import Testing

@Suite(.timeLimit(.minutes(5))) struct HTTPObservationTests {
    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    @Test("a request of plain HTTP is in the access log, in its caller's trace, and shown to who watches")
    func request() async throws {
        let (lines, ring) = (Lines(), SpanRing())
        let seen = Mutex<TraceContext?>(nil)
        var configuration = MeshConfiguration()
        var tracing = TracingConfiguration(sink: ring)
        tracing.sampler = .never
        configuration.telemetry.tracing = tracing
        configuration.telemetry.accessLog = AccessLogConfiguration { line in
            lines.all.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
        }
        let test = try TestMesh(["*"], configuration)
        let watcher = try configuration.telemetry.tap.watch(
            TapSubscriber.Options(), now: test.mesh.runtime.now.nanoseconds)
        try HTTPFront(on: test.mesh) { router in
            router.post("files/:name") { request, _ in
                seen.withLock { $0 = TraceContext.current }
                _ = try await request.body.collect(upTo: 100)
                return "done"
            }
        }
        let port = try await test.listen()
        let trace = "0af7651916cd43dd8448eb211c80319c"
        try await test.connected(to: port) { client in
            let response = try await client.send(
                .POST, "/files/a?b=c",
                headers: [
                    ("traceparent", "00-\(trace)-b7ad6b7169203331-01"), ("User-Agent", "probe/1"),
                ], body: "12345")
            #expect(response.status == 200)
            // A trace that is not recorded is not recorded here either.
            #expect(try await client.send(.GET, "/nowhere", headers: [("traceparent", "00-bad")]).status == 404)
        }
        await test.mesh.stop()
        #expect(seen.withLock { $0?.traceID.description } == trace)
        let spans = ring.spans
        #expect(spans.map(\.name) == ["/files/{name}"])
        #expect(spans.first?.context == seen.withLock { $0 })
        #expect(spans.first?.parent?.description == "b7ad6b7169203331")
        let logged = lines.all.withLock { $0 }
        #expect(logged.count == 2)
        for part in [
            #""method":"POST""#, #""path":"/files/a?b=c""#, #""version":"HTTP/1.1""#, #""status":200"#,
            #""user_agent":"probe/1""#, #""request_bytes":5"#, #""response_bytes":4"#, trace,
        ] {
            #expect(logged.first?.contains(part) == true, "\(part) in \(logged)")
        }
        #expect(watcher.take().events.map(\.method) == ["/files/{name}", "unmatched"])
    }
}
