import Hummingbird
import MeshHTTP
import MeshTransport
import NIOHTTP1
import Testing

@Suite(.timeLimit(.minutes(5))) struct HealthRoutesTests {
    @Test("a process that answers is alive; it is ready when nothing is missing, and says what is")
    func probes() async throws {
        let test = try TestMesh(["*"])
        #expect(test.mesh.readiness.reasons == ["it does not listen"])
        try HTTPFront(on: test.mesh) { $0.addHealth(test.mesh) }
        let port = try await test.listen()
        #expect(test.mesh.readiness.isReady)
        try await test.connected(to: port) { client in
            let alive = try await client.send(.GET, "/livez")
            #expect(alive.status == 200 && alive.body == "alive\n")
            #expect(try await client.send(.GET, "/readyz").body == "ready\n")
            test.mesh.setReady("the model", false)
            test.mesh.setReady("a cache", false)
            let missing = try await client.send(.GET, "/readyz")
            #expect(missing.status == 503 && missing.body == "a cache is not ready\nthe model is not ready\n")
            #expect(try await client.send(.GET, "/livez").status == 200)
            test.mesh.setReady("the model", true)
            test.mesh.setReady("a cache", true)
            #expect(try await client.send(.GET, "/readyz").status == 200)
        }
        await test.mesh.stop()
        #expect(test.mesh.readiness.reasons == ["it is stopping"])
    }
}
