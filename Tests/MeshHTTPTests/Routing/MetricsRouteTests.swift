import Hummingbird
import MeshHTTP
import MeshTransport
import NIOHTTP1
import Testing

@Suite(.timeLimit(.minutes(5))) struct MetricsRouteTests {
    @Test("/metrics is Prometheus' text, and counts requests by route, not by the paths that callers choose")
    func metrics() async throws {
        let test = try TestMesh(["*"])
        try HTTPFront(on: test.mesh) { router in
            router.addMetrics(test.mesh.metrics)
            router.get("files/:name") { _, _ in "done" }
        }
        let port = try await test.listen()
        try await test.connected(to: port) { client in
            #expect(try await client.send(.GET, "/files/chosen-by-the-caller").status == 200)
            #expect(try await client.send(.GET, "/nowhere/chosen-by-the-caller").status == 404)
            let response = try await client.send(.GET, "/metrics")
            #expect(response.status == 200)
            #expect(response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(
                response.body.contains(
                    #"request_total{direction="inbound",method="/files/{name}",client_id="spiffe://test.example/operator"} 1"#
                ))
            #expect(response.body.contains(#"method="unmatched""#))
            #expect(!response.body.contains("chosen-by-the-caller"))
            let open = try await client.send(
                .GET, "/metrics", headers: [("Accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")])
            #expect(
                open.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
                    && open.body.hasSuffix("# EOF\n"))
        }
        await test.mesh.stop()
    }

    @Test("another method than GET or HEAD is answered 405 with the methods that are allowed")
    func otherMethods() async throws {
        let test = try TestMesh(["*"])
        try HTTPFront(on: test.mesh) { $0.addMetrics(test.mesh.metrics) }
        let port = try await test.listen()
        try await test.connected(to: port) { client in
            let head = try await client.send(.HEAD, "/metrics")
            #expect(head.status == 200)
            #expect(head.body.isEmpty)
            let post = try await client.send(.POST, "/metrics", body: "x")
            #expect(post.status == 405)
            #expect(post.headers["allow"] == "GET, HEAD")
            #expect(post.body == #"{"error":"Method Not Allowed"}"#)
        }
        await test.mesh.stop()
    }
}
