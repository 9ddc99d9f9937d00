public import Identity
public import Logging
public import MeshTransport
public import MeshWire
import Synchronization
public import Telemetry

/// Runs a certificate authority in a mesh: hands out join tokens, answers those who join with them, and renews the
/// certificates of those who have joined.
///
/// ```swift
/// let issuance = try IssuanceServer(authority: authority, identity: ownIdentity, runtime: .shared)
/// issuance.register(on: mesh)                                           // renewal, over mutual TLS
/// let address = try await issuance.listen(host: "127.0.0.1", port: 0)   // joining, with a token alone
/// let token = try issuance.makeToken(for: authorization)
/// ```
public final class IssuanceServer: Sendable {
    /// Who may join next, and who has.
    private struct State {
        var tokens: JoinTokenRegistry
        /// What each workload was authorised for when it joined: its renewals say the same.
        var joined: [SPIFFEID: IssuanceAuthorization] = [:]
        var rate: JoinRate
    }

    private let authority: CertificateAuthority
    private let bundle: TrustBundle
    private let runtime: any Runtime
    private let endpoint: JoinEndpoint
    private let logger: Logger
    private let configuration: IssuanceConfiguration
    private let state: Mutex<State>

    /// - Parameters:
    ///   - authority: signs; its key stays in this process.
    ///   - identity: this process's own, issued by the same authority; joining workloads see its chain and the root.
    /// - Throws: `IdentityError`, for example with code `invalidConfiguration`.
    public init(
        authority: CertificateAuthority, identity: WorkloadIdentity,
        configuration: IssuanceConfiguration = IssuanceConfiguration(), runtime: any Runtime = SystemRuntime.shared,
        metrics: MetricsRegistry = MetricsRegistry(), logger: Logger = Logger(label: "meshwork.issuance")
    ) throws {
        try configuration.validate()
        self.authority = authority
        self.configuration = configuration
        self.runtime = runtime
        self.logger = logger
        bundle = try authority.bundle()
        let shown = try identity.adding(signers: [authority.rootCertificate])
        endpoint = try JoinEndpoint(
            identity: StaticIdentitySource(svid: shown, bundle: bundle), runtime: runtime, metrics: metrics,
            logger: logger)
        state = Mutex(
            State(
                tokens: JoinTokenRegistry(rootFingerprint: authority.rootFingerprint),
                rate: JoinRate(perSecond: configuration.joinsPerSecond, burst: configuration.joinBurst)))
        endpoint.serve(JoinService.join) { [weak self] request, call in
            guard let self else { throw CallFailure(.unavailable, "the authority is shutting down") }
            return try self.join(request, from: call.remoteAddress)
        }
    }

    /// Serves renewals on `mesh`, whose policy says who may call ``IssuanceService``.
    public func register(on mesh: Mesh) {
        mesh.serve(IssuanceService.renew) { request, call in try self.renew(request, by: call.peer) }
    }

    /// Opens the join listener on `host`, a name or an address; a port of 0 picks a free one.
    public func listen(host: String, port: Int) async throws(MeshError) -> ListenerAddress {
        let opened = try await listen(on: .tcp(host: host, port: port))
        guard case .tcp(_, let port) = opened else { preconditionFailure("a TCP listener has a port") }
        return ListenerAddress(host: host, port: port)
    }

    /// Opens the join listener.
    ///
    /// - Returns: where it listens, with the port that was picked where `endpoint`'s is 0.
    public func listen(on endpoint: Endpoint) async throws(MeshError) -> Endpoint {
        try await self.endpoint.listen(on: endpoint)
    }

    /// Closes the join listener.
    public func stop() async { await endpoint.stop() }

    /// A token that is good for one certificate with the names of `authorization`.
    ///
    /// - Throws: `IdentityError` when too many tokens wait to be used.
    public func makeToken(for authorization: IssuanceAuthorization) throws(IdentityError) -> JoinToken {
        let lifetime = configuration.tokenLifetime
        return try state.withLock { state throws(IdentityError) in
            var generator = RuntimeRandomNumberGenerator(runtime)
            return try state.tokens.issue(authorization, lifetime: lifetime, now: now, using: &generator)
        }
    }

    private var now: UnixTime { UnixTime(seconds: runtime.timeSince1970.components.seconds) }

    private func join(_ request: JoinRequest, from address: String) throws -> IssuedIdentity {
        guard state.withLock({ $0.rate.admit(at: runtime.now) }) else {
            throw CallFailure(.resourceExhausted, "too many joins, try again in a second", hasNotRun: true)
        }
        do throws(IdentityError) {
            // The request is checked first: a bad one does not use the token up.
            let verified = try VerifiedCertificateRequest(der: request.certificateRequest)
            let authorization = try state.withLock { state throws(IdentityError) in
                try state.tokens.redeem(secret: request.secret, now: now).get()
            }
            let issued = try issue(verified, for: authorization)
            try remember(authorization)
            logger.info(
                "workload joined", metadata: ["identity": "\(authorization.spiffeID)", "address": "\(address)"])
            return issued
        } catch {
            logger.warning("join refused", metadata: ["address": "\(address)", "error": "\(error)"])
            throw CallFailure(.permissionDenied, error.message)
        }
    }

    private func renew(_ request: RenewalRequest, by peer: SPIFFEID?) throws -> IssuedIdentity {
        guard let peer, let authorization = state.withLock({ $0.joined[peer] }) else {
            throw CallFailure(.permissionDenied, "only a workload that joined here can renew here")
        }
        do throws(IdentityError) {
            return try issue(try VerifiedCertificateRequest(der: request.certificateRequest), for: authorization)
        } catch {
            logger.warning("renewal refused", metadata: ["identity": "\(peer)", "error": "\(error)"])
            throw CallFailure(.invalidArgument, error.message)
        }
    }

    private func issue(
        _ request: VerifiedCertificateRequest, for authorization: IssuanceAuthorization
    ) throws(IdentityError) -> IssuedIdentity {
        var generator = RuntimeRandomNumberGenerator(runtime)
        let issued = try authority.issue(request, for: authorization, now: now, using: &generator)
        return IssuedIdentity(
            chain: issued.chain, trustDomain: authority.trustDomain.name, roots: [authority.rootCertificate],
            bundleGeneration: bundle.generation)
    }

    private func remember(_ authorization: IssuanceAuthorization) throws(IdentityError) {
        try state.withLock { state throws(IdentityError) in
            let isKnown = state.joined[authorization.spiffeID] != nil
            guard isKnown || state.joined.count < configuration.workloads else {
                throw IdentityError(.registryFull, "\(configuration.workloads) workloads have joined, no more fit")
            }
            state.joined[authorization.spiffeID] = authorization
        }
    }
}
