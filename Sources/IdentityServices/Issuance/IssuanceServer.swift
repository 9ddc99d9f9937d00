public import Identity
public import Logging
public import MeshTransport
public import MeshWire
import Synchronization
public import Telemetry

/// Runs a certificate authority in a mesh: hands out join tokens, answers those who join with them or with what another
/// ``/Identity/Attestor`` takes, renews the certificates of those who have joined, and tells them what to trust.
///
/// ```swift
/// let issuance = try IssuanceServer(authority: authority, identity: ownIdentity, runtime: .shared)
/// issuance.register(on: mesh)                                           // renewal and trust, over mutual TLS
/// let address = try await issuance.listen(host: "127.0.0.1", port: 0)   // joining, with a token alone
/// let token = try issuance.makeToken(for: authorization)
/// ```
public final class IssuanceServer: Sendable {
    /// Who has joined.
    private struct State {
        var joined: JoinedWorkloads
        var rate: JoinRate
    }

    private let authority: ManagedAuthority
    private let tokens: JoinTokenAttestor
    private let attestors: [String: any Attestor]
    private let runtime: any Runtime
    private let endpoint: JoinEndpoint
    private let logger: Logger
    private let configuration: IssuanceConfiguration
    private let state: Mutex<State>

    /// Runs an authority that stays as it is.
    ///
    /// - Parameters:
    ///   - authority: signs; its key stays in this process.
    ///   - identity: this process's own, issued by the same authority; joining workloads see its chain and the root.
    /// - Throws: `IdentityError`, for example with code `invalidConfiguration`.
    public convenience init(
        authority: CertificateAuthority, identity: WorkloadIdentity,
        configuration: IssuanceConfiguration = IssuanceConfiguration(), runtime: any Runtime = SystemRuntime.shared,
        metrics: MetricsRegistry = MetricsRegistry(), logger: Logger = Logger(label: "meshwork.issuance")
    ) throws {
        let managed = try ManagedAuthority(
            AuthorityRotation(issuer: authority, now: runtime.unixTime), runtime: runtime, logger: logger)
        let own = StaticIdentitySource(
            svid: identity, bundle: try TrustBundle([managed.bundle], generation: 1))
        try self.init(
            authority: managed, identity: own, configuration: configuration, runtime: runtime, metrics: metrics,
            logger: logger)
    }

    /// Runs an authority that keeps itself current.
    ///
    /// Where the authority has a ledger, the workloads whose certificates in it are still good may renew them here: they
    /// joined before this process began.
    ///
    /// - Parameters:
    ///   - authority: signs; somebody runs it.
    ///   - identity: this process's own, best ``ManagedAuthority/makeIdentity(for:key:)``.
    ///   - attestors: who judges what joining workloads show, besides the tokens of ``makeToken(for:)``; each of
    ///     another kind.
    /// - Throws: `IdentityError`, for example with code `invalidConfiguration`.
    public init(
        authority: ManagedAuthority, identity: any IdentitySource, attestors: [any Attestor] = [],
        configuration: IssuanceConfiguration = IssuanceConfiguration(), runtime: any Runtime = SystemRuntime.shared,
        metrics: MetricsRegistry = MetricsRegistry(), logger: Logger = Logger(label: "meshwork.issuance")
    ) throws {
        try configuration.validate()
        self.authority = authority
        self.configuration = configuration
        self.runtime = runtime
        self.logger = logger
        tokens = JoinTokenAttestor(rootFingerprint: authority.rootFingerprint)
        var kinds: [String: any Attestor] = [JoinTokenAttestor.tokenKind: tokens]
        for attestor in attestors {
            guard (1...64).contains(attestor.kind.utf8.count), kinds.updateValue(attestor, forKey: attestor.kind) == nil
            else {
                throw IdentityError(
                    .invalidConfiguration, "expected attestors of different kinds, found two of \"\(attestor.kind)\"")
            }
        }
        self.attestors = kinds
        endpoint = try JoinEndpoint(
            identity: try JoinIdentity(identity, authority), runtime: runtime, metrics: metrics, logger: logger)
        let now = runtime.unixTime
        let issuer = authority.rotation.issuer
        var joined = JoinedWorkloads(capacity: configuration.workloads)
        for record in try authority.ledger?.current(at: now) ?? [] where joined.hasRoom(at: now) {
            joined.add(record.serialNumber, record.authorization(by: issuer), until: record.notAfter)
        }
        state = Mutex(
            State(
                joined: joined,
                rate: JoinRate(perSecond: configuration.joinsPerSecond, burst: configuration.joinBurst)))
        endpoint.serve(JoinService.join) { [weak self] request, call in
            guard let self else { throw CallFailure(.unavailable, "the authority is shutting down") }
            return try await self.join(request, from: call.remoteAddress)
        }
    }

    /// Serves renewals, what to trust and, where there is one, the issuance log on `mesh`, whose policy says who may call
    /// ``IssuanceService``, ``TrustService`` and ``IssuanceLogService``.
    public func register(on mesh: Mesh) {
        mesh.serve(IssuanceService.renew) { request, call in try self.renew(request, by: call.verifiedPeer) }
        let followers = TrustFollowers(authority: authority)
        mesh.serve(TrustService.follow) { requests, updates, call in
            try await followers.answer(requests, updates, call)
        }
        guard let ledger = authority.ledger else { return }
        mesh.serve(IssuanceLogService.checkpoint) { request, _ in
            try Self.answer {
                let (note, proof) = try ledger.checkpoint(from: request.knownSize)
                return SignedCheckpoint(note: note, proof: proof.hashes.map(\.bytes))
            }
        }
        mesh.serve(IssuanceLogService.entry) { request, _ in
            guard let certificate = SHA256Fingerprint(bytes: request.certificate) else {
                throw CallFailure(.invalidArgument, "expected the SHA-256 of a certificate")
            }
            return try Self.answer {
                guard let (record, index, proof) = try ledger.entry(of: certificate, at: request.size) else {
                    throw CallFailure(.notFound, "the log of \(request.size) has no certificate \(certificate)")
                }
                return LogEntry(record: record.encoded, index: index, proof: proof.hashes.map(\.bytes))
            }
        }
    }

    private static func answer<Message>(_ body: () throws -> Message) throws -> Message {
        do {
            return try body()
        } catch let error as IdentityError {
            throw CallFailure(.invalidArgument, error.message)
        }
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
        var generator = RuntimeRandomNumberGenerator(runtime)
        return try tokens.makeToken(
            for: authorization, pinning: authority.rootFingerprint, lifetime: configuration.tokenLifetime,
            now: runtime.unixTime, using: &generator)
    }

    private func join(_ request: JoinRequest, from address: String) async throws -> IssuedIdentity {
        guard state.withLock({ $0.rate.admit(at: runtime.now) }) else {
            throw CallFailure(.resourceExhausted, "too many joins, try again in a second", hasNotRun: true)
        }
        do {
            guard let attestor = attestors[request.attestor] else {
                throw IdentityError(.tokenUnknown, "there is no attestor of this kind here")
            }
            // The request is checked first: a bad one does not use a token up.
            let verified = try VerifiedCertificateRequest(der: request.certificateRequest)
            // So is the room: evidence may be good for once.
            guard state.withLock({ $0.joined.hasRoom(at: runtime.unixTime) }) else {
                throw IdentityError(.registryFull, "\(configuration.workloads) workloads have joined, no more fit")
            }
            let found = try await attestor.attest(
                AttestationEvidence(
                    payload: request.evidence, remoteAddress: address, key: verified.keyFingerprint,
                    now: runtime.unixTime))
            let issued: IssuedIdentity
            do {
                issued = try issue(verified, for: found.authorization, authorizedBy: found.authorizedBy)
            } catch {
                // What went wrong here does not cost the workload its token: nothing has left.
                if (error as? IdentityError)?.isOurs ?? true, request.attestor == JoinTokenAttestor.tokenKind {
                    tokens.takeBack(request.evidence)
                }
                throw error
            }
            logger.info(
                "workload joined",
                metadata: [
                    "identity": "\(found.authorization.spiffeID)", "address": "\(address)",
                    "authorizedBy": "\(found.authorizedBy)",
                ])
            return issued
        } catch let error as IdentityError {
            logger.warning("join refused", metadata: ["address": "\(address)", "error": "\(error)"])
            throw CallFailure(error.isOurs ? .unavailable : .permissionDenied, error.message)
        }
    }

    private func renew(_ request: RenewalRequest, by caller: VerifiedPeer?) throws -> IssuedIdentity {
        guard let caller, let serialNumber = caller.certificates.first?.serialNumber,
            let authorization = state.withLock({
                $0.joined.authorization(of: caller.spiffeID, serialNumber: serialNumber)
            })
        else {
            throw CallFailure(.permissionDenied, "only a workload that joined here can renew here")
        }
        let peer = caller.spiffeID
        do {
            // What the new leaf would outlive: it is issued after the time up to which an identity is denied.
            try authority.denyList.check(caller)
            authority.acknowledged(request.bundleSequence, by: request.serialNumber, of: peer)
            return try issue(
                try VerifiedCertificateRequest(der: request.certificateRequest), for: authorization,
                authorizedBy: "renewal", having: request.bundleSequence, replacing: request.serialNumber)
        } catch let error as IdentityError {
            logger.warning("renewal refused", metadata: ["identity": "\(peer)", "error": "\(error)"])
            let status: CallStatus = error.code == .denied ? .permissionDenied : .invalidArgument
            throw CallFailure(error.isOurs ? .unavailable : status, error.message)
        }
    }

    private func issue(
        _ request: VerifiedCertificateRequest, for authorization: IssuanceAuthorization, authorizedBy: String,
        having sequence: UInt64 = 0, replacing old: [UInt8]? = nil
    ) throws -> IssuedIdentity {
        let issued = try authority.issue(
            request, for: authorization, authorizedBy: authorizedBy, having: sequence, replacing: old)
        state.withLock { $0.joined.add(issued.serialNumber, authorization, until: issued.notAfter) }
        return IssuedIdentity(
            chain: issued.chain, trustDomain: authority.trustDomain.name, document: authority.bundle.document)
    }
}

extension IdentityError {
    /// Whether the authority is at fault, and not whoever asked.
    fileprivate var isOurs: Bool { [.logNotStored, .authorityNotValid, .signingFailed].contains(code) }
}
