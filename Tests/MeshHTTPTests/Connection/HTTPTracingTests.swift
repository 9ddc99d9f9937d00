import Hummingbird
import InMemoryTracing
import MeshHTTP
import MeshTracing
import MeshTransport
import NIOHTTP1
import Testing
import Tracing

/// Requests of plain HTTP in the spans of the host's own tracing back end.
@Suite(.timeLimit(.minutes(5))) struct HTTPTracingTests {
    @Test("a request is part of its caller's trace, what the handler does is part of the request, and each span ends")
    func request() async throws {
        let tracer = InMemoryTracer()
        var configuration = MeshConfiguration()
        configuration.telemetry.tracing = TracingConfiguration(tracer: tracer)
        let test = try TestMesh(["/files/*", "/broken"], configuration)
        try HTTPFront(on: test.mesh) { router in
            router.get("files/:name") { _, _ in
                tracer.startSpan("read the file").end()
                return "done"
            }
            router.get("broken") { _, _ -> Response in throw HTTPError(.serviceUnavailable) }
        }
        let port = try await test.listen()
        try await test.connected(to: port) { client in
            // The names of fields are not case-sensitive, and a tracer may ask for any.
            let fields = [("In-Memory-Trace-ID", "trace-9"), ("in-memory-span-id", "span-9")]
            let answers = [
                try await client.send(.GET, "/files/a?b=c", headers: fields), try await client.send(.GET, "/broken"),
                try await client.send(.GET, "/denied"),
            ]
            #expect(answers.map(\.status) == [200, 503, 403])
            // A span ends after its answer has been sent, and before the connection's next request is begun.
            _ = try await client.send(.GET, "/denied")
        }
        await test.mesh.stop()
        let spans = Array(tracer.finishedSpans.prefix(4))
        try #require(spans.map(\.operationName) == ["read the file", "/files/{name}", "/broken", "unmatched"])
        #expect(spans[1].traceID == "trace-9" && spans[1].parentSpanID == "span-9" && spans[1].kind == .server)
        #expect(spans[0].parentSpanID == spans[1].spanID)
        #expect(spans[2].parentSpanID == nil && spans[2].status?.code == .error)
        // What the caller got wrong is no failure of the server's.
        #expect(spans[3].status == nil)
        #expect(spans[1].attributes["http.route"]?.toSpanAttribute() == .string("/files/{name}"))
    }
}
