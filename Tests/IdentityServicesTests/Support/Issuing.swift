import Identity
import IdentityServices
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting

/// A simulated mesh with an authority that keeps itself current, at `authority:1`, and its join listener at `authority:2`.
struct Issuing: Sendable {
    let runtime: SimulatedRuntime
    let domain: TrustDomain
    let authority: ManagedAuthority
    let issuance: IssuanceServer
    let identity: RotatableIdentity
    let mesh: Mesh
    let log: LogCapture
    let policy: AuthorizationPolicy

    static let leafLifetime = Duration.seconds(400)

    static func configuration() -> CertificateAuthorityConfiguration {
        var configuration = CertificateAuthorityConfiguration()
        configuration.leafLifetime = leafLifetime
        configuration.issuerLifetime = .seconds(2_000)
        configuration.rootLifetime = .seconds(40_000)
        return configuration
    }

    /// Runs `body` beside the authority, whose tasks end with it.
    static func run<Result: Sendable>(
        seed: UInt64 = 1, limit: Duration = .seconds(20_000), ledger: IssuanceLedger? = nil,
        attestors: [any Attestor] = [], federation: FederationWait = FederationWait(),
        _ body: @escaping @Sendable @concurrent (Issuing) async throws -> Result
    ) async throws -> Result {
        try await SimulatedRuntime.run(seed: seed, limit: limit) { runtime in
            let issuing = try await Issuing(runtime, ledger: ledger, attestors: attestors, federation)
            let result = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await issuing.authority.run() }
                let result = try await body(issuing)
                group.cancelAll()
                return result
            }
            await issuing.issuance.stop()
            await issuing.mesh.stop()
            return result
        }
    }

    private init(
        _ runtime: SimulatedRuntime, ledger: IssuanceLedger?, attestors: [any Attestor], _ federation: FederationWait
    ) async throws {
        self.runtime = runtime
        log = LogCapture()
        domain = try TrustDomain(parsing: "test.example")
        policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule("all", methods: ["*"], identities: ["spiffe://test.example/*"]),
            AuthorizationPolicy.Rule(
                "partners", methods: ["\(TrustService.name)/*"], identities: ["spiffe://partner.example/*"]),
        ])
        var generator = SystemRandomNumberGenerator()
        let now = UnixTime(seconds: runtime.timeSince1970.components.seconds)
        let root = try RootAuthority(
            trustDomain: domain, configuration: Self.configuration(), now: now, using: &generator)
        authority = try ManagedAuthority(
            AuthorityRotation(root: root, now: now, using: &generator), ledger: ledger, federation: federation,
            runtime: runtime, logger: log.logger)
        identity = try authority.makeIdentity(
            for: IssuanceAuthorization(spiffeID: SPIFFEID(domain, path: "/authority")))
        mesh = try Mesh(identity: identity, policy: policy, runtime: runtime, logger: log.logger)
        issuance = try IssuanceServer(
            authority: authority, identity: identity, attestors: attestors, runtime: runtime, logger: log.logger)
        issuance.register(on: mesh)
        try await mesh.listen(host: "authority", port: 1)
        _ = try await issuance.listen(host: "authority", port: 2)
    }

    var now: UnixTime { UnixTime(seconds: runtime.timeSince1970.components.seconds) }

    var destination: Destination {
        get throws {
            Destination(host: "authority", port: 1, identities: [.exact(try SPIFFEID(domain, path: "/authority"))])
        }
    }

    func join(_ path: String) async throws -> RotatableIdentity {
        let token = try issuance.makeToken(
            for: try IssuanceAuthorization(spiffeID: try SPIFFEID(domain, path: path)))
        return try await JoinClient.join(with: token, host: "authority", port: 2, runtime: runtime)
    }

    /// A process that has joined, with what keeps its identity current.
    func peer(_ path: String, follows: Bool = true) async throws -> Peer {
        let identity = try await join(path)
        let mesh = try Mesh(identity: identity, policy: policy, runtime: runtime, logger: log.logger)
        mesh.serve(Words.say) { word, _ in word }
        try await mesh.listen(host: String(path.dropFirst()), port: 1)
        let subscription = try TrustSubscription(of: identity, on: mesh, authority: destination, logger: log.logger)
        return Peer(
            path: path, identity: identity, mesh: mesh,
            renewal: try IdentityRenewal(of: identity, on: mesh, authority: destination, logger: log.logger),
            subscription: follows ? subscription : nil)
    }

    struct Peer: Sendable {
        let path: String
        let identity: RotatableIdentity
        let mesh: Mesh
        let renewal: IdentityRenewal
        let subscription: TrustSubscription?

        /// Renews and follows until it is cancelled.
        func run() async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await renewal.run() }
                if let subscription { group.addTask { try await subscription.run() } }
                try await group.waitForAll()
            }
        }

        func client(of other: Peer) throws -> MeshClient {
            mesh.client(
                Destination(
                    host: String(other.path.dropFirst()), port: 1,
                    identities: [.exact(other.identity.current.svid.spiffeID)]))
        }
    }
}
