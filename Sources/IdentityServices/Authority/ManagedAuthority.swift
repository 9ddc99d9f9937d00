public import Identity
public import Logging
public import MeshTransport
public import MeshWire
public import ServiceLifecycle
import Synchronization

/// An authority that keeps itself and its process's own identity current: its issuer is renewed below the root, a root is
/// followed by another without a failed call, and what peers are to trust is told to those who follow it.
///
/// ```swift
/// var generator = SystemRandomNumberGenerator()
/// let root = try RootAuthority(trustDomain: domain, now: now, using: &generator)
/// let authority = try ManagedAuthority(AuthorityRotation(root: root, now: now, using: &generator)) { state in
///     try disk.write(state.sealed(with: passphrase, using: &generator))
/// }
/// let identity = try authority.makeIdentity(for: coordinator)      // this process's own, renewed by run()
/// try authority.addRoot()                                           // some day: the rest follows by itself
/// ```
/// Each change of the state is kept before it is in force. While ``run()`` runs, the steps that are due are taken.
///
/// Safe to use from any task: the state is guarded by a mutex, which is held while a state is kept.
public final class ManagedAuthority: Service {
    /// One identity of this process.
    private struct Own {
        let identity: RotatableIdentity
        let authorization: IssuanceAuthorization
        var renewal: UnixTime
        /// The root that its certificate leads to.
        var root: [UInt8]
    }

    private struct State {
        var rotation: AuthorityRotation
        var holders: BundleHolders
        var federated = FederatedFollowers()
        /// The domains of which the log has said that they hold the new root back.
        var told: [TrustDomain] = []
        var own: [Own] = []
        var sequence: UInt64 { rotation.bundle.sequence ?? 0 }
        /// The highest that a workload has said it has and that was never published here: each is told once.
        var foreignSequence: UInt64 = 0
        var foreignVersion: UInt64 = 0
    }

    /// What the join listener reads for each connection, behind a mutex of its own: none waits for a disk.
    private struct Shown {
        let rootFingerprint: SHA256Fingerprint
        let joinSigners: [[UInt8]]

        init(_ rotation: AuthorityRotation) {
            rootFingerprint = rotation.issuer.rootFingerprint
            joinSigners = [
                rotation.crossCertificate, rotation.issuer.rootCertificate, rotation.otherRootCertificate,
            ].compactMap { $0 }
        }
    }

    /// The domain.
    public let trustDomain: TrustDomain
    /// What peers are told to trust, and what not.
    let feed: TrustFeed
    /// What was issued; `nil` where nobody keeps it.
    public let ledger: IssuanceLedger?
    private let runtime: any Runtime
    private let logger: Logger
    private let interval: Duration
    private let federation: FederationWait
    private let keep: @Sendable (AuthorityRotation) throws -> Void
    private let state: Mutex<State>
    private let shown: Mutex<Shown>

    /// Takes charge of an authority.
    ///
    /// - Parameters:
    ///   - rotation: a new one, or one that was kept.
    ///   - denyList: the newest one that was published, which the host keeps (``/Identity/DenyList/encoded``): a
    ///     process that begins without it lets renew whom it denies.
    ///   - ledger: where each certificate is entered before it leaves.
    ///   - federation: which other domains have to know a new root before it issues. Default none.
    ///   - interval: how often is looked whether a step is due. Default 10 s.
    ///   - keep: keeps a state, sealed, before it is in force; what it throws prevents that. It must not call the
    ///     authority, which waits for it. Default nothing: an authority that ends with its process.
    /// - Throws: `IdentityError` with code `invalidConfiguration`.
    public init(
        _ rotation: AuthorityRotation, denyList: DenyList = .empty, ledger: IssuanceLedger? = nil,
        federation: FederationWait = FederationWait(), every interval: Duration = .seconds(10),
        runtime: any Runtime = SystemRuntime.shared, logger: Logger = Logger(label: "meshwork.authority"),
        keep: @escaping @Sendable (AuthorityRotation) throws -> Void = { _ in }
    ) throws(IdentityError) {
        guard interval > .zero else {
            throw IdentityError(.invalidConfiguration, "interval: expected a time above 0 s, found \(interval)")
        }
        try federation.validate()
        let now = runtime.unixTime
        var rotation = rotation
        rotation.resume(now: now)
        trustDomain = rotation.trustDomain
        feed = TrustFeed(bundle: rotation.bundle, denyList: denyList)
        self.ledger = ledger
        self.interval = interval
        self.federation = federation
        self.runtime = runtime
        self.logger = logger
        self.keep = keep
        let holders = BundleHolders(unknownUntil: rotation.leavesEnd > now ? rotation.leavesEnd : nil)
        state = Mutex(State(rotation: rotation, holders: holders))
        shown = Mutex(Shown(rotation))
    }

    /// The authority's state, as it was last kept.
    public var rotation: AuthorityRotation { state.withLock { $0.rotation } }

    /// What peers are to trust.
    public var bundle: TrustDomainBundle { feed.current.bundle }

    /// What is not to be trusted any more.
    public var denyList: DenyList { feed.current.denyList }

    /// Until when there may be leaves of an earlier process of the authority, of which ``workloadsWithoutBundle`` and
    /// ``workloadsBelowOldRoot`` say nothing; `nil` where there are none any more.
    public var workloadsUnknownUntil: UnixTime? {
        let now = runtime.unixTime
        return state.withLock { $0.holders.unknownUntil }.flatMap { now <= $0 ? $0 : nil }
    }

    /// Who has a leaf that does not lead to the root that issues now, in the order of the names: who is cut off by
    /// ``dropOldRoot()``.
    public var workloadsBelowOldRoot: [SPIFFEID] {
        let now = runtime.unixTime
        return state.withLock { $0.holders.notBelow($0.rotation.issuer.rootFingerprint, now: now) }
    }

    /// Who has not said yet that it has ``bundle``, in the order of the names: that it holds the bundle is not that its
    /// leaf leads to the new root (``workloadsBelowOldRoot``).
    public var workloadsWithoutBundle: [SPIFFEID] {
        let now = runtime.unixTime
        return state.withLock { $0.holders.without($0.rotation.bundle.sequence ?? 0, now: now) }
    }

    /// Which of the domains that follow (``/Identity/FederationWait/followers``) have not said yet that they have
    /// ``bundle``, in the order of the names: a new root waits for them.
    public var domainsWithoutBundle: [TrustDomain] {
        let (now, denyList) = (runtime.unixTime, feed.current.denyList)
        return state.withLock {
            $0.federated.without($0.sequence, of: federation.followers, denying: denyList, now: now)
        }
    }

    /// Tells peers what is not to be trusted any more; a list with no higher version than the one in force changes nothing.
    /// The host keeps it, for the next process of the authority.
    public func set(denyList: DenyList) {
        guard feed.set(denyList: denyList) else { return }
        tellOwn()
        logger.info(
            "deny list published",
            metadata: ["version": "\(denyList.version)", "entries": "\(denyList.entries.count)"])
    }

    /// Publishes other keys of tokens with the bundle.
    ///
    /// - Throws: `IdentityError` with code `invalidTrustBundle`, or what keeping the state throws.
    public func setTokenKeys(_ keys: [JWTKey]) throws {
        let now = runtime.unixTime
        try change { rotation, _, _ in try rotation.setTokenKeys(keys, now: now) }
    }

    /// Begins to change roots: a new one is added to the bundle now, issues once everybody has it, and the old one is
    /// dropped when its last leaf has ended.
    ///
    /// - Throws: `IdentityError` with code `rotationRefused`, or what keeping the state throws.
    public func addRoot() throws {
        let now = runtime.unixTime
        try change { rotation, _, generator in try rotation.addRoot(now: now, using: &generator) }
        logger.notice("root added to the bundle", metadata: ["phase": "\(rotation.phase)"])
    }

    /// Has the new root issue now, whether everybody has it or not.
    ///
    /// - Throws: as ``addRoot()``.
    public func issueFromNewRoot() throws {
        let now = runtime.unixTime
        try change { rotation, _, generator in try rotation.issueFromNewRoot(now: now, using: &generator) }
        logger.notice("the new root issues", metadata: ["root": "\(rotation.issuer.rootFingerprint)"])
        try renewOwn()
    }

    /// Drops the old root now, whoever still has a leaf of it (``workloadsBelowOldRoot``): for a key that was stolen.
    ///
    /// - Throws: as ``addRoot()``.
    public func dropOldRoot() throws {
        let now = runtime.unixTime
        try change { rotation, _, _ in try rotation.dropOldRoot(now: now, isForced: true) }
        logger.notice("the old root was dropped", metadata: ["root": "\(rotation.issuer.rootFingerprint)"])
    }

    /// An identity of this process's own, which ``run()`` keeps current.
    ///
    /// - Throws: `IdentityError`, or what keeping the state throws.
    public func makeIdentity(
        for authorization: IssuanceAuthorization, key: KeyAlgorithm = .p256
    ) throws -> RotatableIdentity {
        let (svid, root) = try makeOwn(authorization, key)
        let trust = feed.current
        let identity = RotatableIdentity(svid: svid, bundle: try TrustBundle([trust.bundle], generation: 1))
        identity.set(denyList: trust.denyList)
        let own = Own(identity: identity, authorization: authorization, renewal: renewal(of: svid), root: root)
        state.withLock { $0.own.append(own) }
        // What changed meanwhile.
        tellOwn()
        return identity
    }

    /// Issues a leaf, and enters it in the ledger before anybody has it.
    ///
    /// - Parameters:
    ///   - authorizedBy: who or what says so, for the ledger.
    ///   - sequence: which bundle the workload has already.
    ///   - old: the serial number of the leaf that it takes the place of.
    func issue(
        _ request: VerifiedCertificateRequest, for authorization: IssuanceAuthorization, authorizedBy: String,
        having sequence: UInt64 = 0, replacing old: [UInt8]? = nil
    ) throws -> IssuedCertificate {
        let (issued, root) = try sign(request, for: authorization, authorizedBy: authorizedBy)
        let fingerprint = SHA256Fingerprint(of: root)
        state.withLock { state in
            state.holders.issued(
                issued.serialNumber, to: issued.spiffeID, until: issued.notAfter, below: fingerprint,
                having: sequence <= state.sequence ? sequence : 0, replacing: old)
        }
        return issued
    }

    /// A workload with a leaf says which bundle and which deny list it has. A bundle that was never published here
    /// counts as none.
    func acknowledged(_ sequence: UInt64, denyListVersion: UInt64 = 0, by serialNumber: [UInt8], of id: SPIFFEID) {
        let ownVersion = feed.current.denyList.version
        let (ownSequence, isForeign, isForeignList) = state.withLock { state in
            let isForeign = sequence > max(state.sequence, state.foreignSequence)
            let isForeignList = denyListVersion > max(ownVersion, state.foreignVersion)
            if isForeign { state.foreignSequence = sequence }
            if isForeignList { state.foreignVersion = denyListVersion }
            if sequence <= state.sequence { state.holders.acknowledged(sequence, by: serialNumber, of: id) }
            return (state.sequence, isForeign, isForeignList)
        }
        if isForeign {
            logger.error(
                "a workload has a bundle that was not published here: the authority's state is an older copy, or another's",
                metadata: ["identity": "\(id)", "bundle": "\(sequence)", "published": "\(ownSequence)"])
        }
        if isForeignList {
            logger.error(
                "a workload has a deny list that was not published here: lists with a lower version change nothing there",
                metadata: ["identity": "\(id)", "version": "\(denyListVersion)", "published": "\(ownVersion)"])
        }
    }

    /// A workload of another domain begins to follow; it is known by the number until it has gone. `nil` for one of a
    /// domain that nothing waits for, and of this one.
    func federatedFollower(_ peer: VerifiedPeer?) -> UInt64? {
        guard let peer, federation.followers.contains(peer.spiffeID.trustDomain),
            peer.spiffeID.trustDomain != trustDomain
        else { return nil }
        return state.withLock { $0.federated.began(peer) }
    }

    /// A workload of another domain says which bundle it has. One that was never published here counts as none.
    func acknowledged(_ sequence: UInt64, byFederated follower: UInt64) {
        state.withLock { state in
            if sequence <= state.sequence { state.federated.acknowledged(sequence, by: follower) }
        }
    }

    /// A workload of another domain follows no more.
    func gone(federated follower: UInt64) { state.withLock { $0.federated.ended(follower) } }

    /// The root that leaves lead to now.
    var rootFingerprint: SHA256Fingerprint { shown.withLock { $0.rootFingerprint } }

    /// What the join listener shows behind a leaf: all that somebody who knows a root by its fingerprint may need.
    var joinSigners: [[UInt8]] {
        shown.withLock { $0.joinSigners }
    }

    /// Takes the steps that are due until the service group shuts down or the task is cancelled.
    public func run() async throws {
        await runtime.untilStopped {
            while (try? await self.runtime.sleep(for: self.interval)) != nil { self.advance() }
        }
    }

    /// Takes the steps that are due. ``run()`` does, every interval.
    public func advance() {
        let now = runtime.unixTime
        do {
            let domains = domainsWithoutBundle
            let steps = try change { rotation, holders, generator -> [AuthorityRotation.Step]? in
                holders.forgetEnded(now: now)
                let everybodyHas = holders.everybodyHas(rotation.bundle.sequence ?? 0, now: now)
                let steps = try rotation.advance(
                    now: now, everybodyHasBundle: everybodyHas, federation: federation,
                    federatedDomainsHaveBundle: domains.isEmpty, using: &generator)
                return steps.isEmpty ? nil : steps
            }
            tellOfWait(for: domains, steps ?? [], now)
            for step in steps ?? [] { logger.notice("authority rotated", metadata: ["step": "\(step)"]) }
        } catch {
            logger.error("authority not rotated", metadata: ["error": "\(error)"])
        }
        do {
            try renewOwn()
        } catch {
            logger.error("the authority's own certificate was not renewed", metadata: ["error": "\(error)"])
        }
    }

    /// Says once of each domain that it alone holds a new root back by now, and of those that were not waited for any
    /// longer.
    private func tellOfWait(for domains: [TrustDomain], _ steps: [AuthorityRotation.Step], _ now: UnixTime) {
        let (waited, isCutOff) = state.withLock { state -> ([TrustDomain], Bool) in
            state.federated.forgetEnded(now: now)
            let isCutOff = steps.contains { if case .issuedFromNewRoot = $0 { true } else { false } }
            guard !isCutOff else {
                state.told = []
                return (domains, true)
            }
            guard case .distributing(_, let until) = state.rotation.phase, now > until else { return ([], false) }
            let news = domains.filter { !state.told.contains($0) }
            state.told = domains
            return (news, false)
        }
        for domain in waited {
            logger.warning(
                isCutOff
                    ? "the new root issues, as the old one ends, and a federated domain does not have it"
                    : "a new root waits for a federated domain that has not said that it has the bundle",
                metadata: ["domain": "\(domain)"])
        }
    }

    /// Changes the state, keeps it, and then tells of it. Nothing has changed when it throws, nor when the result is nil.
    @discardableResult
    private func change<Result: Sendable>(
        _ body: (inout AuthorityRotation, inout BundleHolders, inout RuntimeRandomNumberGenerator) throws -> Result?
    ) throws -> Result? {
        let (result, bundle) = try state.withLock { state -> (Result?, TrustDomainBundle) in
            var generator = RuntimeRandomNumberGenerator(runtime)
            var next = state.rotation
            guard let result = try body(&next, &state.holders, &generator) else { return (nil, state.rotation.bundle) }
            try keep(next)
            state.rotation = next
            shown.withLock { $0 = Shown(next) }
            return (result, next.bundle)
        }
        if feed.set(bundle: bundle) { tellOwn() }
        return result
    }

    /// Signs a leaf, and enters it in the ledger.
    ///
    /// - Returns: the leaf, and the root that it leads to.
    private func sign(
        _ request: VerifiedCertificateRequest, for authorization: IssuanceAuthorization, authorizedBy: String
    ) throws -> (IssuedCertificate, root: [UInt8]) {
        let now = runtime.unixTime
        let (issued, root) = try state.withLock { state in
            var generator = RuntimeRandomNumberGenerator(runtime)
            let issued = try state.rotation.issuer.issue(request, for: authorization, now: now, using: &generator)
            var next = state.rotation
            if next.issued(until: issued.notAfter) {
                try keep(next)
                state.rotation = next
            }
            return (issued, next.issuer.rootCertificate)
        }
        try ledger?.append(IssuanceRecord(issued, for: authorization, authorizedBy: authorizedBy, at: now))
        return (issued, root)
    }

    private func makeOwn(
        _ authorization: IssuanceAuthorization, _ key: KeyAlgorithm
    ) throws -> (WorkloadIdentity, root: [UInt8]) {
        let request = try CertificateRequest(key)
        let (issued, root) = try sign(
            try VerifiedCertificateRequest(der: request.der), for: authorization, authorizedBy: "the authority itself")
        return (try request.identity(chain: issued.chain), root)
    }

    /// Renews the process's own leaves that are due, or lead to a root that does not issue any more.
    private func renewOwn() throws {
        let now = runtime.unixTime
        let due = state.withLock { state in
            let root = state.rotation.issuer.rootCertificate
            return state.own.enumerated().filter { now >= $1.renewal || $1.root != root }
        }
        for (index, own) in due {
            let (svid, root) = try makeOwn(own.authorization, own.identity.current.svid.keyAlgorithm)
            own.identity.set(svid: svid)
            let renewal = renewal(of: svid)
            state.withLock { state in
                state.own[index].renewal = renewal
                state.own[index].root = root
            }
        }
    }

    private func renewal(of svid: WorkloadIdentity) -> UnixTime {
        let now = runtime.unixTime
        var generator = RuntimeRandomNumberGenerator(runtime)
        let schedule = RenewalSchedule(configuration: RenewalConfiguration())
        return now
            + schedule.wait(
                remaining: svid.notAfter.since(now), failures: 0, chance: Double.random(in: 0..<1, using: &generator))
    }

    private func tellOwn() {
        let trust = feed.current
        for own in state.withLock({ $0.own }) {
            do throws(IdentityError) {
                try own.identity.adopt(trust.bundle, denyList: trust.denyList)
            } catch {
                logger.error("the authority's own bundle was not changed", metadata: ["error": "\(error)"])
            }
        }
    }
}
