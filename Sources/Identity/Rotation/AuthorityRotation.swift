/// A trust domain's authority as it changes its own keys: an issuer that is renewed in time, and a root that is followed by
/// another while both are trusted.
///
/// A state machine without clock, I/O or chance. Each step is a state that can be kept (``sealed(with:cost:using:)``) and
/// gone on from, and none breaks a chain that somebody holds:
/// ```
/// steady ──addRoot──▶ distributing ──issueFromNewRoot──▶ issuing ──dropOldRoot──▶ steady
///                     both are trusted,                  both are trusted,
///                     the old one issues,                the new one issues,
///                     until all have the bundle,         until the old one's leaves have ended
///                     federated domains too
/// ```
/// ``advance(now:everybodyHasBundle:federation:federatedDomainsHaveBundle:using:)`` takes the steps that are due;
/// ``addRoot(now:using:)`` is somebody's decision.
public struct AuthorityRotation: Sendable {
    /// How far a change of roots has come.
    public enum Phase: Sendable, Hashable {
        /// One root is trusted.
        case steady
        /// The new root is in the bundle and does not issue yet. `until`: when whoever has a certificate has been given
        /// one with the bundle, if it asked for one; peers that say that they have the bundle make it sooner.
        case distributing(since: UnixTime, until: UnixTime)
        /// The new root issues, the old one is in the bundle. `until`: when the last of the old one's leaves ends.
        case issuing(since: UnixTime, until: UnixTime)
    }

    /// A step that has been taken.
    public enum Step: Sendable, Hashable {
        /// Leaves are issued by a new key, below the same root.
        case renewedIssuer(until: UnixTime)
        /// Leaves are issued below the new root.
        case issuedFromNewRoot(SHA256Fingerprint)
        /// The old root is trusted no more.
        case droppedOldRoot(SHA256Fingerprint)
    }

    /// The domain.
    public let trustDomain: TrustDomain
    /// How far a change of roots has come.
    public private(set) var phase = Phase.steady
    /// What signs leaves.
    public private(set) var issuer: CertificateAuthority
    /// What peers are to trust, the root that issues first. Its sequence goes up with each change, and is no lower than the
    /// time of the change in seconds since 1970: what an older copy of the state goes on to publish is newer than all
    /// that was published before.
    public private(set) var bundle: TrustDomainBundle
    /// When the issuer is renewed; nil where its root's key is not at hand.
    public private(set) var issuerRenewal: UnixTime?
    /// No leaf that was issued ends later.
    public private(set) var leavesEnd: UnixTime
    /// The issuer's key, certified by the old root too, while the new one issues: for those who know the old one alone.
    public private(set) var crossCertificate: [UInt8]?
    /// Whether the state was unsealed, and ``resume(now:)`` was not called yet.
    public internal(set) var isResumed = false
    /// Signs issuers; nil where its key rests elsewhere.
    private(set) var root: RootAuthority?
    /// The root to come, or the one that was.
    private(set) var otherRoot: RootAuthority?

    /// The share of its life after which an issuer is renewed, and how much sooner that may be by chance: as leaves.
    private static let share = 0.7
    private static let jitter = 0.1
    /// How many of its leaves' lives an old root has left when it waits for federated domains no longer.
    private static let reserve = 2

    /// An authority below a root whose key is at hand, with a new issuer.
    ///
    /// - Throws: as ``RootAuthority/makeAuthority(key:now:using:)``.
    public init(
        root: RootAuthority, now: UnixTime, using generator: inout some RandomNumberGenerator
    ) throws(IdentityError) {
        self.root = root
        trustDomain = root.trustDomain
        issuer = try root.makeAuthority(key: root.keyAlgorithm, now: now, using: &generator)
        bundle = try TrustDomainBundle(
            root.trustDomain, roots: [root.certificate], sequence: Self.sequence(after: 0, at: now))
        leavesEnd = now
        issuerRenewal = Self.renewal(of: issuer, from: now, using: &generator)
    }

    /// An authority whose root's key is elsewhere, or that is the root itself: neither is renewed here.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidTrustBundle``, which an authority made here does not
    ///   cause.
    public init(issuer: CertificateAuthority, now: UnixTime) throws(IdentityError) {
        self.issuer = issuer
        trustDomain = issuer.trustDomain
        bundle = try TrustDomainBundle(
            issuer.trustDomain, roots: [issuer.rootCertificate], sequence: Self.sequence(after: 0, at: now))
        // It may have issued before.
        leavesEnd = now + issuer.configuration.leafLifetime
    }

    init(
        phase: Phase, issuer: CertificateAuthority, bundle: TrustDomainBundle, issuerRenewal: UnixTime?,
        leavesEnd: UnixTime, crossCertificate: [UInt8]?, root: RootAuthority?, otherRoot: RootAuthority?
    ) {
        trustDomain = issuer.trustDomain
        self.phase = phase
        self.issuer = issuer
        self.bundle = bundle
        self.issuerRenewal = issuerRenewal
        self.leavesEnd = leavesEnd
        self.crossCertificate = crossCertificate
        self.root = root
        self.otherRoot = otherRoot
    }

    /// The root that peers do not trust yet, or trust for a while longer.
    public var otherRootCertificate: [UInt8]? { otherRoot?.certificate }

    /// The certificates that others depend on.
    public var expiries: [CertificateExpiry] {
        var expiries: [CertificateExpiry] = []
        if let der = issuer.issuerCertificate {
            expiries.append(issuer.signer.expiry(.issuer, der))
        }
        if let root { expiries.append(root.signer.expiry(.root, root.certificate)) }
        if case .distributing = phase, let otherRoot {
            expiries.append(otherRoot.signer.expiry(.root, otherRoot.certificate))
        }
        if root == nil, issuer.issuerCertificate == nil {
            expiries.append(issuer.signer.expiry(.root, issuer.rootCertificate))
        }
        return expiries
    }

    /// Goes on from a state that was unsealed: leaves may have been issued since it was kept, if it is an older copy, and
    /// are waited for as long as they may last.
    public mutating func resume(now: UnixTime) {
        guard isResumed else { return }
        isResumed = false
        leavesEnd = max(leavesEnd, now + issuer.configuration.leafLifetime)
        if case .distributing(let since, let until) = phase {
            phase = .distributing(since: since, until: max(until, leavesEnd))
        }
    }

    /// Notes that a leaf was issued that ends at `end`.
    ///
    /// - Returns: whether the state has changed, and is to be kept before the leaf leaves. It is a quarter of a leaf's life
    ///   ahead, so that this is rare.
    public mutating func issued(until end: UnixTime) -> Bool {
        guard end > leavesEnd else { return false }
        leavesEnd = end + issuer.configuration.leafLifetime * 0.25
        return true
    }

    /// Adds a new root to the bundle; the old one goes on issuing.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/rotationRefused`` when a change is under way or the root's
    ///   key is not at hand, or ``IdentityError/Code/signingFailed``.
    public mutating func addRoot(
        now: UnixTime, using generator: inout some RandomNumberGenerator
    ) throws(IdentityError) {
        guard case .steady = phase else { throw refused("expected no change of roots under way, found \(phase)") }
        guard let root else { throw refused("the root's key is not at hand") }
        let next = try RootAuthority(
            trustDomain: trustDomain, key: root.keyAlgorithm, configuration: root.configuration, now: now,
            using: &generator)
        try publish(roots: bundle.roots + [next.certificate], now: now)
        otherRoot = next
        phase = .distributing(since: now, until: leavesEnd)
    }

    /// Has the new root issue from now on; the old one stays in the bundle, behind it, which tells workloads to renew soon.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/rotationRefused`` when there is no new root, or
    ///   ``IdentityError/Code/signingFailed``.
    public mutating func issueFromNewRoot(
        now: UnixTime, using generator: inout some RandomNumberGenerator
    ) throws(IdentityError) {
        guard case .distributing = phase, let old = root, let new = otherRoot else {
            throw refused("expected a new root in the bundle, found \(phase)")
        }
        let issuer = try new.makeAuthority(key: new.keyAlgorithm, now: now, using: &generator)
        let cross = try old.signer.crossCertificate(
            of: issuer.signer, in: trustDomain, now: now - issuer.configuration.clockSkew, using: &generator)
        try publish(roots: [new.certificate] + bundle.roots.filter { $0 != new.certificate }, now: now)
        issuerRenewal = Self.renewal(of: issuer, from: now, using: &generator)
        self.issuer = issuer
        crossCertificate = cross
        (root, otherRoot) = (new, old)
        phase = .issuing(since: now, until: leavesEnd)
    }

    /// Takes the old root out of the bundle: whatever it has signed is good no more.
    ///
    /// - Parameters:
    ///   - now: after the end of the last leaf that the old root has signed, unless it is forced.
    ///   - isForced: to drop it before, as where its key was stolen: workloads that still have such a leaf cannot be
    ///     reached then, and join again.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/rotationRefused`` when the new root does not issue yet, or
    ///   leaves of the old one are still good.
    public mutating func dropOldRoot(now: UnixTime, isForced: Bool = false) throws(IdentityError) {
        guard case .issuing(_, let until) = phase, let old = otherRoot else {
            throw refused("expected the new root to issue, found \(phase)")
        }
        guard isForced || now > until + issuer.configuration.clockSkew else {
            throw refused("leaves of the old root are good until \(until), and it is \(now)")
        }
        try publish(roots: bundle.roots.filter { $0 != old.certificate }, now: now)
        otherRoot = nil
        crossCertificate = nil
        phase = .steady
    }

    /// Takes the steps that are due.
    ///
    /// - Parameters:
    ///   - everybodyHasBundle: whether each peer that holds a good leaf has said that it has ``bundle``.
    ///   - federation: what is waited for of other domains before the new root issues. That ends when the old root has two
    ///     lives of its leaves left, which are then cut short by its end: a domain that does not know the new root by then
    ///     is cut off, as it would be by the old root's end.
    ///   - federatedDomainsHaveBundle: whether each of the domains that follow has said that it has ``bundle``.
    /// - Returns: the steps, in order; none for most times.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/signingFailed`` or
    ///   ``IdentityError/Code/authorityNotValid``; what was taken before stays.
    public mutating func advance(
        now: UnixTime, everybodyHasBundle: Bool, federation: FederationWait = FederationWait(),
        federatedDomainsHaveBundle: Bool = true, using generator: inout some RandomNumberGenerator
    ) throws(IdentityError) -> [Step] {
        var steps: [Step] = []
        switch phase {
        case .distributing(let since, let until)
        where (everybodyHasBundle || now > until + issuer.configuration.clockSkew)
            && (now >= since + bundle.refreshHint * federation.polls && federatedDomainsHaveBundle
                || isOldRootEnding(now)):
            try issueFromNewRoot(now: now, using: &generator)
            steps.append(.issuedFromNewRoot(issuer.rootFingerprint))
        case .issuing(_, let until) where now > until + issuer.configuration.clockSkew:
            let old = otherRoot.map(\.fingerprint)
            try dropOldRoot(now: now)
            if let old { steps.append(.droppedOldRoot(old)) }
        default: break
        }
        if let root, let due = issuerRenewal, now >= due {
            let renewed = try root.makeAuthority(key: root.keyAlgorithm, now: now, using: &generator)
            if let old = otherRoot, case .issuing = phase {
                crossCertificate = try old.signer.crossCertificate(
                    of: renewed.signer, in: trustDomain, now: now - renewed.configuration.clockSkew, using: &generator)
            }
            issuer = renewed
            issuerRenewal = Self.renewal(of: renewed, from: now, using: &generator)
            steps.append(.renewedIssuer(until: renewed.notAfter))
        }
        return steps
    }

    /// Whether the root that issues has little time left.
    private func isOldRootEnding(_ now: UnixTime) -> Bool {
        guard let root else { return false }
        return now >= root.signer.notAfter - issuer.configuration.leafLifetime * Self.reserve
    }

    /// Publishes other keys of tokens.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidTrustBundle``; nothing has changed then.
    public mutating func setTokenKeys(_ keys: [JWTKey], now: UnixTime) throws(IdentityError) {
        guard keys != bundle.jwtKeys else { return }
        try publish(keys: keys, now: now)
    }

    private mutating func publish(
        roots: [[UInt8]]? = nil, keys: [JWTKey]? = nil, now: UnixTime
    ) throws(IdentityError) {
        bundle = try TrustDomainBundle(
            trustDomain, roots: roots ?? bundle.roots, jwtKeys: keys ?? bundle.jwtKeys,
            sequence: Self.sequence(after: bundle.sequence ?? 0, at: now))
    }

    private static func sequence(after last: UInt64, at now: UnixTime) -> UInt64 {
        max(last + 1, UInt64(clamping: now.seconds))
    }

    private static func renewal(
        of issuer: CertificateAuthority, from now: UnixTime, using generator: inout some RandomNumberGenerator
    ) -> UnixTime {
        let life = issuer.notAfter.since(now)
        return now + life * (share * (1 - Double.random(in: 0..<jitter, using: &generator)))
    }

    private func refused(_ message: String) -> IdentityError {
        IdentityError(.rotationRefused, "the authority of \(trustDomain): \(message)")
    }
}

extension AuthorityRotation: CustomStringConvertible, CustomReflectable {
    /// Whose authority it is and how far it has come, and nothing of its keys.
    public var description: String { "authority of \(trustDomain), root \(issuer.rootFingerprint), \(phase)" }
    /// Shows nothing of the keys.
    public var customMirror: Mirror {
        Mirror(self, children: ["trustDomain": trustDomain, "phase": phase, "leavesEnd": leavesEnd])
    }
}

extension CertificateSigner {
    fileprivate func expiry(_ role: CertificateExpiry.Role, _ der: [UInt8]) -> CertificateExpiry {
        CertificateExpiry(
            role, name: "\(SHA256Fingerprint(of: der))", notBefore: notBefore, notAfter: notAfter)
    }
}
