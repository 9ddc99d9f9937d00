import Identity
import JWTIdentity
import MeshGRPC
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

@testable import MeshJWT

private struct Word: MeshMessage, Equatable {
    static let messageName = "test.Word"
    var text = "x"
    init() {}
    init(from decoder: inout MessageDecoder) throws(WireError) {
        while let field = try decoder.nextField() { if field == 1 { text = try decoder.string() } }
    }
    func encode(to encoder: inout MessageEncoder) { encoder.string(1, text) }
}

private enum Words: MeshService {
    static let name: ServiceName = "test.Words"
    static let open = unary("Open", Word.self, Word.self, retry: .never)
    static let audited = unary("Audited", Word.self, Word.self, retry: .never)
}

/// Calls with and without tokens, over both wires.
@Suite(.timeLimit(.minutes(5))) struct BearerTokenInterceptorTests {
    /// A server that takes tokens for `reports`, and lets only `/auditor`'s in to one method.
    private struct Server {
        let runtime = SystemRuntime.shared
        let authority: TestAuthority
        let tokens: JWTAuthority
        let identity: RotatableIdentity
        let interceptor: BearerTokenInterceptor
        let mesh: Mesh
        let endpoint: Endpoint
        let client: Mesh

        var now: UnixTime { UnixTime(seconds: runtime.timeSince1970.components.seconds) }

        init() async throws {
            authority = try TestAuthority(runtime: runtime)
            tokens = try JWTAuthority(trustDomain: authority.trustDomain)
            identity = try authority.identity("/server", jwtKeys: [tokens.publicKey])
            interceptor = try BearerTokenInterceptor(for: ["reports"], trusting: identity)
            var configuration = MeshConfiguration.patient
            configuration.serverInterceptors = [interceptor]
            let callers = ["\(authority.trustDomain.id)/*"]
            mesh = try Mesh(
                configuration: configuration, identity: identity,
                policy: AuthorizationPolicy(rules: [
                    AuthorizationPolicy.Rule("open", methods: ["test.Words/Open"], identities: callers),
                    AuthorizationPolicy.Rule(
                        "audited", methods: ["test.Words/Audited"], identities: callers,
                        claims: ["sub": ["spiffe://test.example/auditor"], "aud": ["reports"]]),
                ]))
            try mesh.enableGRPC()
            mesh.serveInline(Words.open) { word, _ in word }
            mesh.serveInline(Words.audited) { word, _ in word }
            endpoint = try await mesh.listen(on: .tcp(host: "127.0.0.1", port: 0))
            client = try Mesh(configuration: .patient, identity: authority.identity("/gateway"), policy: .denyAll)
            try client.enableGRPC()
        }

        func token(
            _ path: String = "/auditor", for audience: String = "reports", issued: Duration = .zero
        ) async throws -> String {
            try await tokens.issue(to: authority.id(path), for: [audience], now: now - issued).text
        }

        /// What calls over both wires end with.
        func call(_ method: UnaryMethod<Word, Word>, _ authorization: String...) async throws -> [CallStatus?] {
            var metadata = Metadata()
            for value in authorization { metadata.append(.init(key: "authorization", value: value)) }
            let destination = Destination(endpoint, identities: [.exact(try authority.id("/server"))])
            var found: [CallStatus?] = []
            for destination in [destination, destination.overGRPC] {
                let client = client.client(destination)
                let error = await meshError { _ = try await client.call(method, Word(), metadata: metadata) }
                found.append(error.map { $0.status ?? .unknown })
                client.close()
            }
            return found
        }
    }

    @Test(
        "a good token's claims decide, an absent one leaves none, and the policy needs no token where it asks for none")
    func claims() async throws {
        let server = try await Server()
        let good = "Bearer " + (try await server.token())
        let other = "Bearer " + (try await server.token("/other"))
        #expect(try await server.call(Words.audited, good) == [nil, nil])
        #expect(try await server.call(Words.audited, other) == [.permissionDenied, .permissionDenied])
        #expect(try await server.call(Words.audited) == [.permissionDenied, .permissionDenied])
        #expect(try await server.call(Words.open) == [nil, nil])
        #expect(try await server.call(Words.open, other) == [nil, nil])
        await server.mesh.stop()
    }

    enum Bad: CaseIterable, Sendable { case expired, audience, foreignKey, altered, scheme, empty, twice }

    @Test("a token that is not good is refused, also where none is needed", arguments: Bad.allCases)
    func bad(_ kind: Bad) async throws {
        let server = try await Server()
        let good = "Bearer " + (try await server.token())
        let values: [String]
        switch kind {
        case .expired: values = ["Bearer " + (try await server.token(issued: .seconds(3_600)))]
        case .audience: values = ["Bearer " + (try await server.token(for: "ledger"))]
        case .foreignKey:
            let foreign = try JWTAuthority(trustDomain: server.authority.trustDomain)
            let id = try server.authority.id("/auditor")
            values = ["Bearer " + (try await foreign.issue(to: id, for: ["reports"], now: server.now).text)]
        case .altered: values = [String(good.dropLast(4)) + "AAAA"]
        case .scheme: values = ["Basic dXNlcjpwYXNzd29yZA=="]
        case .empty: values = ["Bearer"]
        case .twice: values = [good, good]
        }
        var found = try await server.call(Words.open, values[0])
        if values.count == 2 { found = try await server.call(Words.open, values[0], values[1]) }
        #expect(found == [.unauthenticated, .unauthenticated])
        await server.mesh.stop()
    }

    @Test("a token that was remembered is good no more once its key is gone or its subject is denied")
    func remembered() async throws {
        let server = try await Server()
        let good = "Bearer " + (try await server.token(issued: .seconds(10)))
        for _ in 0..<3 { #expect(try await server.call(Words.audited, good) == [nil, nil]) }
        let auditor = try server.authority.id("/auditor")
        server.identity.set(
            denyList: try DenyList(version: 1, entries: [.identity(auditor, issuedBefore: server.now)]))
        #expect(try await server.call(Words.audited, good) == [.unauthenticated, .unauthenticated])
        server.identity.set(denyList: try DenyList(version: 2, entries: []))
        #expect(try await server.call(Words.audited, good) == [nil, nil])
        server.identity.set(bundle: try server.authority.authority.bundle(generation: 2))
        #expect(try await server.call(Words.audited, good) == [.unauthenticated, .unauthenticated])
        await server.mesh.stop()
    }

    @Test("a token that was remembered is refused when it has expired, and the skew of clocks later than that")
    func expires() async throws {
        // By the simulation's clock, which nobody waits for.
        let domain = try TrustDomain(parsing: "test.example")
        let tokens = try JWTAuthority(trustDomain: domain)
        let auditor = try SPIFFEID(domain, path: "/auditor")
        let start = try await SimulatedRuntime.run(seed: 1) { $0.timeSince1970 }
        let now = UnixTime(seconds: start.components.seconds)
        let token = try await tokens.issue(to: auditor, for: ["reports"], now: now).text
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let authority = try TestAuthority(runtime: runtime)
            let identity = RotatableIdentity(
                svid: try authority.svid("/server"),
                bundle: try TrustBundle(
                    [
                        TrustDomainBundle(
                            domain, roots: [authority.authority.rootCertificate], jwtKeys: [tokens.publicKey])
                    ], generation: 1))
            let interceptor = try BearerTokenInterceptor(for: ["reports"], trusting: identity, runtime: runtime)
            let shown: Metadata = ["authorization": "Bearer \(token)"]
            let life = Duration.seconds(300)
            let claims = try interceptor.claims(in: shown)
            #expect(claims?["sub"] == [auditor.description])
            try await runtime.sleep(for: life + .seconds(19))
            let later = try interceptor.claims(in: shown)
            #expect(later == claims)
            try await runtime.sleep(for: .seconds(2))
            for _ in 0..<2 {
                do throws(CallFailure) {
                    _ = try interceptor.claims(in: shown)
                    Issue.record("a token was taken after its end")
                } catch {
                    #expect(error.status == .unauthenticated && error.hasNotRun)
                    #expect(!error.message.contains(token))
                }
            }
        }
    }

    @Test("an interceptor without an audience, or that remembers nothing, is not made")
    func configuration() throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let identity = try authority.identity("/server")
        #expect(throws: JWTIdentityError.self) { try BearerTokenInterceptor(for: [], trusting: identity) }
        #expect(throws: JWTIdentityError.self) {
            try BearerTokenInterceptor(for: ["a"], trusting: identity, remembered: 0)
        }
    }
}
