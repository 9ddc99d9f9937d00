import HTTPTypes
import Hummingbird
import Identity
import Logging
import MeshHTTP
import MeshTransport
import MeshworkTesting
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

/// Requests over real connections: mutual TLS on loopback.
@Suite(.timeLimit(.minutes(5))) struct HTTPFrontTests {
    /// Values that a handler saw.
    private final class Seen: Sendable {
        private let values = Mutex<[String]>([])
        var all: [String] { values.withLock { $0 } }
        func add(_ value: String) { values.withLock { $0.append(value) } }
    }

    /// A route that answers when it is told to.
    private final class SlowRoute: Sendable {
        private let (entered, didEnter) = AsyncStream.makeStream(of: Void.self)
        private let (released, release) = AsyncStream.makeStream(of: Void.self)
        private let (cancellations, didEnd) = AsyncStream.makeStream(of: Bool.self)

        func add(to router: Router<MeshRequestContext>) {
            router.get("slow") { [self] _, _ in
                didEnter.yield()
                for await _ in released { break }
                didEnd.yield(Task.isCancelled)
                return "finished"
            }
        }

        /// Sends a request, and returns when it is being handled.
        func begin(_ client: HTTPTestClient) async throws {
            try await client.begin(.GET, "/slow")
            try await client.finish()
            for await _ in entered { break }
        }

        func finish() { release.yield() }

        /// Whether the handler was cancelled; waits for its end.
        func wasCancelled() async -> Bool {
            for await isCancelled in cancellations { return isCancelled }
            return false
        }
    }

    @Test("a handler sees the identity that the caller's certificate proved, on every request of a connection")
    func peer() async throws {
        let test = try TestMesh(["/whoami"])
        try HTTPFront(on: test.mesh) { router in
            router.get("whoami") { _, context in
                "\(context.peer?.description ?? "nobody") over \(context.connection.tlsVersion)"
            }
        }
        let port = try await test.listen()
        try await test.connected(to: port) { client in
            for _ in 0..<3 {
                let response = try await client.send(.GET, "/whoami?x=/other")
                #expect(response.status == 200)
                #expect(response.body == "spiffe://test.example/operator over TLSv1.3")
                #expect(response.headers["date"]?.hasSuffix("GMT") == true)
            }
        }
        await test.mesh.stop()
    }

    @Test("clients that offer several protocols, or none, are served", arguments: [["h2", "http/1.1"], []])
    func applicationProtocols(offered: [String]) async throws {
        let test = try TestMesh(["/open"])
        try HTTPFront(on: test.mesh) { router in
            router.get("open") { _, _ in "done" }
        }
        let port = try await test.listen()
        let response = try await HTTPTestClient.withConnection(
            to: port, as: try test.authority.svid("/operator"), trusting: test.authority.authority.rootCertificate,
            protocols: offered
        ) { try await $0.send(.GET, "/open") }
        #expect(response.status == 200)
        #expect(response.body == "done")
        await test.mesh.stop()
    }

    @Test("who may not reach a path is answered 403 without the handler, and learns nothing of the policy")
    func denied() async throws {
        let test = try TestMesh(["/open", "/files/*"])
        let seen = Seen()
        try HTTPFront(on: test.mesh) { router in
            for path in ["open", "closed", "files/:name"] {
                router.on(RouterPath(path), method: .post) { request, _ in
                    seen.add(request.uri.path)
                    return "done"
                }
            }
        }
        let port = try await test.listen()
        try await test.connected(to: port, as: "/stranger") { client in
            let response = try await client.send(.POST, "/open", body: "hello")
            #expect(response.status == 403)
            #expect(response.body == #"{"error":"not allowed for this caller"}"#)
            #expect(response.headers["content-type"] == "application/json")
        }
        try await test.connected(to: port) { client in
            for path in ["/closed", "/files/../closed", "/files/%2e%2e/closed", "//closed", "/CLOSED"] {
                let refused = try await client.send(.POST, path, body: "hello")
                #expect(refused.status == 403, "\(path)")
            }
            // The refused requests' bodies were skipped: the connection is where it should be.
            #expect(try await client.send(.POST, "/open", body: "hello").status == 200)
            #expect(try await client.send(.POST, "/files/a", body: "hello").status == 200)
        }
        #expect(seen.all == ["/open", "/files/a"])
        await test.mesh.stop()
    }

    @Test("a target in absolute form is its path, to the policy and the router; what is no path is refused")
    func targets() async throws {
        let test = try TestMesh(["/open"])
        try HTTPFront(on: test.mesh) { router in
            router.get("open") { _, _ in "done" }
            router.get("closed") { _, _ in "done" }
        }
        let port = try await test.listen()
        try await test.connected(to: port) { client in
            for (method, target, status) in [
                (HTTPMethod.GET, "http://elsewhere/open?x=1", 200), (.GET, "http://elsewhere/closed", 403),
                (.GET, "http://elsewhere/open/../closed", 403), (.OPTIONS, "*", 400), (.GET, "/open?/closed", 200),
                (.GET, "/open/?x", 403), (.GET, "/", 403),
            ] {
                let response = try await client.send(method, target)
                #expect(response.status == status, "\(target)")
            }
        }
        await test.mesh.stop()
    }

    @Test("a new policy holds for the next request of an open connection")
    func newPolicy() async throws {
        let test = try TestMesh(["/open"])
        try HTTPFront(on: test.mesh) { router in
            router.get("open") { _, _ in "done" }
        }
        let port = try await test.listen()
        try await test.connected(to: port) { client in
            #expect(try await client.send(.GET, "/open").status == 200)
            test.mesh.setPolicy(try TestMesh.policy(["/other"], test.authority))
            #expect(try await client.send(.GET, "/open").status == 403)
        }
        await test.mesh.stop()
    }

    enum BadCaller: CaseIterable, Sendable {
        case noCertificate, foreignCertificate, expiredCertificate

        func svid(_ authority: TestAuthority) throws -> WorkloadIdentity? {
            switch self {
            case .noCertificate: nil
            case .foreignCertificate: try TestAuthority(runtime: SystemRuntime.shared).svid("/operator")
            case .expiredCertificate: try authority.svid("/operator", lifetime: .seconds(60), issued: .seconds(3_600))
            }
        }
    }

    @Test(
        "a caller without a certificate, with a foreign or an expired one reaches no handler, and the log says who",
        arguments: BadCaller.allCases)
    func certificates(_ kind: BadCaller) async throws {
        let test = try TestMesh(["*"])
        let seen = Seen()
        try HTTPFront(on: test.mesh) { router in
            router.get("open") { _, context in
                seen.add(context.peer?.description ?? "nobody")
                return "done"
            }
        }
        let port = try await test.listen()
        await #expect(throws: (any Error).self) {
            try await HTTPTestClient.withConnection(
                to: port, as: try kind.svid(test.authority), trusting: test.authority.authority.rootCertificate
            ) { try await $0.send(.GET, "/open") }
        }
        let record = await test.log.first("handshake failed")
        #expect(record.level == .warning)
        #expect(record.metadata["address"]?.contains("127.0.0.1") == true)
        let error = record.metadata["error"] ?? ""
        #expect(kind == .noCertificate || error.contains("spiffe://test.example/operator"), "\(error)")
        #expect(error.contains("expired") == (kind == .expiredCertificate), "\(error)")
        #expect(seen.all.isEmpty)
        // Others are served.
        let served = try await test.connected(to: port) { try await $0.send(.GET, "/open") }
        #expect(served.status == 200)
        #expect(seen.all == ["spiffe://test.example/operator"])
        await test.mesh.stop()
    }

    @Test("errors are JSON: what handlers choose is shown, what they did not foresee is not")
    func errors() async throws {
        struct Secret: Error {}
        let test = try TestMesh(["*"])
        try HTTPFront(on: test.mesh) { router in
            router.get("teapot") { _, _ -> String in throw HTTPError(.conflict, message: "two of \"them\"") }
            router.get("broken") { _, _ -> String in throw Secret() }
        }
        let port = try await test.listen()
        try await test.connected(to: port) { client in
            let chosen = try await client.send(.GET, "/teapot")
            #expect(chosen.status == 409)
            #expect(chosen.body == #"{"error":"two of \"them\""}"#)
            let unforeseen = try await client.send(.GET, "/broken")
            #expect(unforeseen.status == 500)
            #expect(unforeseen.body == #"{"error":"the handler failed"}"#)
            let missing = try await client.send(.GET, "/nothing")
            #expect(missing.status == 404)
            #expect(missing.body == #"{"error":"Not Found"}"#)
        }
        await test.mesh.stop()
    }

    @Test("a body above the limit is answered 413, however it is sent, and the connection goes on")
    func bodyLimit() async throws {
        let test = try TestMesh(["*"])
        var configuration = HTTPConfiguration()
        configuration.requestBodyBytes = 1_000
        try HTTPFront(on: test.mesh, configuration: configuration) { router in
            router.post("count") { request, _ in
                try await "\(request.body.collect(upTo: 1_000_000).readableBytes)"
            }
        }
        let port = try await test.listen()
        try await test.connected(to: port) { client in
            #expect(try await client.send(.POST, "/count", body: String(repeating: "a", count: 1_000)).body == "1000")
            let declared = try await client.send(.POST, "/count", body: String(repeating: "a", count: 1_001))
            #expect(declared.status == 413)
            #expect(declared.body == #"{"error":"the body is larger than the limit of 1000 bytes"}"#)

            try await client.begin(.POST, "/count", headers: [("Transfer-Encoding", "chunked")])
            for _ in 0..<3 { try await client.write(String(repeating: "b", count: 400)) }
            try await client.finish()
            #expect(try await client.receive().status == 413)

            #expect(try await client.send(.POST, "/count", body: "abc").body == "3")
        }
        await test.mesh.stop()
    }

    @Test("a caller that goes on sending what was refused is cut off")
    func endlessBody() async throws {
        let test = try TestMesh(["*"])
        var configuration = HTTPConfiguration()
        configuration.requestBodyBytes = 1_000
        try HTTPFront(on: test.mesh, configuration: configuration) { _ in }
        let port = try await test.listen()
        try await test.connected(to: port) { client in
            try await client.begin(.POST, "/any", headers: [("Transfer-Encoding", "chunked")])
            await #expect(throws: (any Error).self) {
                while true { try await client.write(String(repeating: "b", count: 400)) }
            }
        }
        await test.mesh.stop()
    }

    @Test("a caller that asks whether to send its body is told to, or why not")
    func expectContinue() async throws {
        let test = try TestMesh(["/count"])
        try HTTPFront(on: test.mesh) { router in
            router.post("count") { request, _ in
                try await "\(request.body.collect(upTo: 1_000_000).readableBytes)"
            }
        }
        let port = try await test.listen()
        try await test.connected(to: port) { client in
            let told = try await client.send(.POST, "/count", headers: [("Expect", "100-continue")], body: "abc")
            #expect(told.informational == [100])
            #expect(told.body == "3")
            let refused = try await client.send(.POST, "/other", headers: [("Expect", "100-continue")], body: "abc")
            #expect(refused.informational.isEmpty)
            #expect(refused.status == 403)
        }
        await test.mesh.stop()
    }

    @Test("a request that does not end in time is ended with its connection")
    func requestTimeout() async throws {
        let test = try TestMesh(["*"])
        var configuration = HTTPConfiguration()
        configuration.requestTimeout = .milliseconds(50)
        try HTTPFront(on: test.mesh, configuration: configuration) { _ in }
        let port = try await test.listen()
        try await test.connected(to: port) { client in
            try await client.begin(.POST, "/any", headers: [("Content-Length", "10")])
            await #expect(throws: (any Error).self) { try await client.receive() }
        }
        await test.mesh.stop()
    }

    @Test("a mesh that stops lets a request finish, closes idle connections and takes no new ones")
    func stopping() async throws {
        let test = try TestMesh(["*"])
        let slow = SlowRoute()
        try HTTPFront(on: test.mesh) { router in
            slow.add(to: router)
            router.get("fast") { _, _ in "done" }
        }
        let port = try await test.listen()
        try await test.connected(to: port) { busy in
            try await slow.begin(busy)
            try await test.connected(to: port) { idle in
                #expect(try await idle.send(.GET, "/fast").status == 200)
                // What is sent before the answer to the one before it is known to be the last.
                try await busy.begin(.GET, "/fast")
                try await busy.finish()
                async let stopped: Void = test.mesh.stop()
                // Told in the order in which they were opened: the busy one knows as well.
                try await idle.untilClosed()
                await #expect(throws: (any Error).self) {
                    try await test.connected(to: port) { try await $0.send(.GET, "/fast") }
                }
                slow.finish()
                let answer = try await busy.receive()
                #expect(answer.body == "finished")
                #expect(answer.headers["connection"] == "close")
                await #expect(throws: HTTPTestClient.ConnectionEnded.self) { try await busy.receive() }
                await stopped
            }
        }
    }

    @Test("a handler that does not finish is cancelled when the drain time is over")
    func drainTimeout() async throws {
        var configuration = MeshConfiguration()
        configuration.drainTimeout = .milliseconds(20)
        let test = try TestMesh(["*"], configuration)
        let slow = SlowRoute()
        try HTTPFront(on: test.mesh) { slow.add(to: $0) }
        let port = try await test.listen()
        try await test.connected(to: port) { client in
            try await slow.begin(client)
            await test.mesh.stop()
            await #expect(throws: (any Error).self) { try await client.receive() }
        }
        #expect(await slow.wasCancelled())
    }

    @Test("a handler is cancelled when its caller goes away")
    func callerGone() async throws {
        let test = try TestMesh(["*"])
        let slow = SlowRoute()
        try HTTPFront(on: test.mesh) { slow.add(to: $0) }
        let port = try await test.listen()
        try await test.connected(to: port) { try await slow.begin($0) }
        #expect(await slow.wasCancelled())
        await test.mesh.stop()
    }

    @Test("callers whose root is trusted no more get the answer they wait for and are closed; others stay")
    func rootRemoved() async throws {
        let test = try TestMesh(["*"])
        let other = try TestAuthority(runtime: SystemRuntime.shared)
        let roots = [test.authority, other].map(\.authority.rootCertificate)
        test.identity.set(bundle: try TrustBundle([test.authority.trustDomain: roots], generation: 2))
        let slow = SlowRoute()
        try HTTPFront(on: test.mesh) { router in
            slow.add(to: router)
            router.get("fast") { _, _ in "done" }
        }
        let port = try await test.listen()
        func connectedAsOther(_ body: (HTTPTestClient) async throws -> Void) async throws {
            try await HTTPTestClient.withConnection(
                to: port, as: try other.svid("/operator"), trusting: roots[0], body)
        }
        try await test.connected(to: port) { stays in
            #expect(try await stays.send(.GET, "/fast").status == 200)
            try await connectedAsOther { busy in
                try await slow.begin(busy)
                try await connectedAsOther { idle in
                    #expect(try await idle.send(.GET, "/fast").status == 200)
                    test.identity.set(bundle: try TrustBundle([test.authority.trustDomain: [roots[0]]], generation: 3))
                    // Told in the order in which they were opened: the busy one knows as well.
                    try await idle.untilClosed()
                }
                slow.finish()
                let answer = try await busy.receive()
                #expect(answer.body == "finished")
                #expect(answer.headers["connection"] == "close")
                try await busy.untilClosed()
            }
            #expect(try await stays.send(.GET, "/fast").status == 200)
        }
        await test.mesh.stop()
    }

    @Test("a connection beyond the limit is refused, and one that ends makes room")
    func connectionLimit() async throws {
        let test = try TestMesh(["*"])
        var configuration = HTTPConfiguration()
        configuration.connections = 1
        try HTTPFront(on: test.mesh, configuration: configuration) { router in
            router.get("open") { _, _ in "done" }
        }
        let port = try await test.listen()
        try await test.connected(to: port) { first in
            #expect(try await first.send(.GET, "/open").status == 200)
            await #expect(throws: (any Error).self) {
                try await test.connected(to: port) { try await $0.send(.GET, "/open") }
            }
            // Answered, and then closed by the server.
            let last = try await first.send(.GET, "/open", headers: [("Connection", "close")])
            #expect(last.status == 200)
            try await first.untilClosed()
        }
        // The place is given back when the server's task has ended, which is not visible from here.
        var status = 0
        while status == 0 {
            status = (try? await test.connected(to: port) { try await $0.send(.GET, "/open").status }) ?? 0
        }
        #expect(status == 200)
        await test.mesh.stop()
    }

    @Test("connections are answered side by side")
    func concurrent() async throws {
        let test = try TestMesh(["*"])
        try HTTPFront(on: test.mesh) { router in
            router.post("echo") { request, _ in
                try await String(buffer: request.body.collect(upTo: 1_000))
            }
        }
        let port = try await test.listen()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for connection in 0..<8 {
                group.addTask {
                    try await test.connected(to: port) { client in
                        for request in 0..<10 {
                            let text = "\(connection)/\(request)"
                            let response = try await client.send(.POST, "/echo", body: text)
                            #expect(response.body == text)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        await test.mesh.stop()
    }

    @Test("a configuration that is wrong is refused")
    func configuration() throws {
        let test = try TestMesh(["*"])
        var configuration = HTTPConfiguration()
        configuration.connections = 0
        #expect(throws: MeshHTTPError.self) {
            try HTTPFront(on: test.mesh, configuration: configuration) { _ in }
        }
    }
}
