import Hummingbird
import Identity
import JWTIdentity
import MeshHTTP
import MeshJWT
import MeshTransport
import MeshworkTesting
import NIOHTTP1
import TestSupport
import Testing

/// Bearer tokens in requests of plain HTTP: verified as those of calls are, and judged by the same policy.
@Suite(.timeLimit(.minutes(5))) struct HTTPTokenTests {
    private struct Server {
        let authority: TestAuthority
        let tokens: JWTAuthority
        let mesh: Mesh
        let port: Int
        let log = LogCapture()

        init(verifying: Bool = true, by other: (any ClaimsInterceptor)? = nil) async throws {
            let runtime = SystemRuntime.shared
            authority = try TestAuthority(runtime: runtime)
            tokens = try JWTAuthority(trustDomain: authority.trustDomain)
            let identity = try authority.identity("/server", jwtKeys: [tokens.publicKey])
            var configuration = MeshConfiguration.patient
            if let other {
                configuration.serverInterceptors = [other]
            } else if verifying {
                configuration.serverInterceptors = [try BearerTokenInterceptor(for: ["reports"], trusting: identity)]
            }
            let callers = ["\(authority.trustDomain.id)/gateway"]
            mesh = try Mesh(
                configuration: configuration, identity: identity,
                policy: AuthorizationPolicy(rules: [
                    AuthorizationPolicy.Rule("open", methods: ["/open"], identities: callers),
                    AuthorizationPolicy.Rule(
                        "auditors only", methods: ["/audited/*"], identities: callers,
                        claims: ["sub": ["spiffe://test.example/auditor"]]),
                ]), logger: log.logger)
            try HTTPFront(on: mesh) { router in
                router.get("open") { _, context in context.claims["sub"]?.joined() ?? "nobody" }
                router.get("audited/report") { _, context in context.claims["sub"]?.joined() ?? "nobody" }
            }
            port = try await mesh.listen(host: "127.0.0.1", port: 0).port
        }

        func token(_ path: String, for audience: String = "reports", issued: Duration = .zero) async throws -> String {
            let now = UnixTime(seconds: SystemRuntime.shared.timeSince1970.components.seconds) - issued
            return "Bearer " + (try await tokens.issue(to: authority.id(path), for: [audience], now: now).text)
        }

        func get(_ path: String, _ authorization: String..., as caller: String = "/gateway") async throws
            -> HTTPTestResponse
        {
            try await HTTPTestClient.withConnection(
                to: port, as: try authority.svid(caller), trusting: authority.authority.rootCertificate
            ) { client in
                try await client.send(.GET, path, headers: authorization.map { ("Authorization", $0) })
            }
        }
    }

    @Test("claims decide as they do for calls, and the handler is told them")
    func claims() async throws {
        let server = try await Server()
        let good = try await server.get("/audited/report?a=b", try await server.token("/auditor"))
        #expect(good.status == 200 && good.body == "spiffe://test.example/auditor")
        let other = try await server.get("/audited/report", try await server.token("/other"))
        #expect(other.status == 403 && other.headers["www-authenticate"] == nil)
        let none = try await server.get("/audited/report")
        #expect(none.status == 401 && none.headers["www-authenticate"] == "Bearer")
        #expect(try await server.get("/open").body == "nobody")
        #expect(try await server.get("/open", try await server.token("/other")).body == "spiffe://test.example/other")
        // No token would help: the caller's own identity is not let in.
        let stranger = try await server.get("/audited/report", as: "/stranger")
        #expect(stranger.status == 403 && stranger.headers["www-authenticate"] == nil)
        let nowhere = try await server.get("/none")
        #expect(nowhere.status == 403)
        await server.mesh.stop()
        // The policy's rules are the operator's business.
        for answer in [other, none, stranger] {
            #expect(!answer.body.contains("auditors only") && !answer.body.contains("spiffe"))
        }
        let refusals = server.log.all("call refused by policy")
        #expect(refusals.count == 4 && refusals.allSatisfy { $0.metadata["policy"] == "of no name" })
        let calls = server.mesh.metrics.lines(of: "mesh_authorization_allowed_total")
        #expect(calls.contains(#"mesh_authorization_allowed_total{rule="auditors only"} 1"#))
        #expect(calls.contains(#"mesh_authorization_allowed_total{rule="open"} 2"#))
    }

    @Test("a token that is not good is refused, also where none is needed, in words that name the reason")
    func bad() async throws {
        let server = try await Server()
        let good = try await server.token("/auditor")
        for authorization in [
            ["Basic dXNlcjpwYXNzd29yZA=="], [good, good], [String(good.dropLast(4)) + "AAAA"],
            [try await server.token("/auditor", for: "ledger")],
            [try await server.token("/auditor", issued: .seconds(3_600))],
        ] {
            for path in ["/open", "/audited/report"] {
                let answer = try await HTTPTestClient.withConnection(
                    to: server.port, as: try server.authority.svid("/gateway"),
                    trusting: server.authority.authority.rootCertificate
                ) { client in
                    try await client.send(.GET, path, headers: authorization.map { ("Authorization", $0) })
                }
                #expect(answer.status == 401)
                let challenge = answer.headers["www-authenticate"] ?? ""
                #expect(challenge.hasPrefix(#"Bearer error="invalid_token", error_description=""#), "\(challenge)")
                #expect(challenge.filter { $0 == "\"" }.count == 4 && !challenge.contains("reports"))
            }
        }
        await server.mesh.stop()
    }

    @Test("where nothing verifies tokens, none has a say")
    func unverified() async throws {
        let server = try await Server(verifying: false)
        let answer = try await server.get("/audited/report", try await server.token("/auditor"))
        #expect(answer.status == 403 && answer.headers["www-authenticate"] == nil)
        #expect(try await server.get("/open", "Basic x").body == "nobody")
        await server.mesh.stop()
    }

    /// Fails with the status that a request names.
    private struct Failing: ClaimsInterceptor {
        let scheme = "Test"

        func claims(in metadata: Metadata) throws(CallFailure) -> [String: [String]]? {
            guard let text = metadata["authorization"] else { return nil }
            throw CallFailure(text == "closed" ? .unavailable : .permissionDenied, "the keys of \(text) are unknown")
        }
    }

    @Test("an interceptor that cannot say fails the request and not the credential; one that denies forbids")
    func failing() async throws {
        let server = try await Server(by: Failing())
        let closed = try await server.get("/open", "closed")
        #expect(closed.status == 503 && closed.headers["www-authenticate"] == nil)
        #expect(!closed.body.contains("keys"))
        let denied = try await server.get("/open", "denied")
        #expect(denied.status == 403 && denied.headers["www-authenticate"] == nil)
        #expect(try await server.get("/open").body == "nobody")
        await server.mesh.stop()
    }
}
