import Crypto
import X509

/// The bundles of the trust domains whose identities a process accepts, never merged across domains: its own mesh's, and
/// those that it is federated with.
///
/// A chain or token is judged by the bundle of the domain that it names and by no other, so a federated domain vouches
/// for its own workloads only. A value: a new bundle is a new value with a higher `generation`, which whoever
/// distributes bundles counts up.
public struct TrustBundle: Sendable {
    /// The bundle's place in the order of bundles that were in force.
    public let generation: UInt64
    /// The bundle of each domain, in the order of the domains' names.
    public let domains: [TrustDomainBundle]
    /// SHA-256 over generation, trust domains, roots and keys: equal only for bundles that trust the same.
    let digest: SHA256Fingerprint

    /// The most trust domains of one bundle.
    static let maximumDomains = 1_024
    /// The most roots of one bundle, over all domains; and as many keys of tokens.
    static let maximumEntries = TrustDomainBundle.maximumEntries

    /// Makes a bundle from each trust domain's roots in DER; see ``TrustDomainBundle`` for what a root must be.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidTrustBundle`` that says which root and why.
    public init(_ roots: [TrustDomain: [[UInt8]]], generation: UInt64) throws(IdentityError) {
        let count = roots.values.reduce(0) { $0 + $1.count }
        guard count <= Self.maximumEntries else {
            throw IdentityError(.invalidTrustBundle, "expected at most \(Self.maximumEntries) roots, found \(count)")
        }
        var domains: [TrustDomainBundle] = []
        for (domain, der) in roots.sorted(by: { $0.key < $1.key }) {
            domains.append(try TrustDomainBundle(domain, roots: der))
        }
        try self.init(domains, generation: generation)
    }

    /// Makes a bundle of the bundles of several domains, in any order.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidTrustBundle`` when a domain has two, or there are
    ///   more than 1,024 domains, 256 roots or 256 keys.
    public init(_ domains: [TrustDomainBundle], generation: UInt64) throws(IdentityError) {
        let sorted = domains.sorted { $0.trustDomain < $1.trustDomain }
        for (bundle, next) in zip(sorted, sorted.dropFirst()) where bundle.trustDomain == next.trustDomain {
            throw IdentityError(
                .invalidTrustBundle, "expected one bundle for each trust domain, found two of \(next.trustDomain)")
        }
        let counts = [
            ("trust domains", sorted.count, Self.maximumDomains),
            ("roots", sorted.reduce(0) { $0 + $1.roots.count }, Self.maximumEntries),
            ("JWT keys", sorted.reduce(0) { $0 + $1.jwtKeys.count }, Self.maximumEntries),
        ]
        for (kind, count, limit) in counts where count > limit {
            throw IdentityError(.invalidTrustBundle, "expected at most \(limit) \(kind), found \(count)")
        }
        self.domains = sorted
        self.generation = generation
        var hash = SHA256()
        hash.update(data: (0..<8).map { UInt8(truncatingIfNeeded: generation >> UInt64(56 - 8 * $0)) })
        for domain in sorted { domain.hash(into: &hash) }
        self.digest = SHA256Fingerprint(hash.finalize())
    }

    /// Makes a bundle of the one root whose fingerprint was given in advance, found among the certificates that a
    /// server presented; its trust domain is the one that its own SPIFFE ID names. This is how a joining workload comes
    /// to trust its mesh: the join token carries the fingerprint.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/rootNotPinned`` when no certificate has the
    ///   fingerprint, or ``IdentityError/Code/invalidTrustBundle`` when it cannot serve as a root.
    public init(pinning fingerprint: SHA256Fingerprint, in chain: [[UInt8]], generation: UInt64 = 0)
        throws(IdentityError)
    {
        guard let der = chain.first(where: { SHA256Fingerprint(of: $0) == fingerprint }) else {
            throw IdentityError(
                .rootNotPinned,
                "expected the root \(fingerprint) among the server's \(chain.count) certificates, found none like it"
            )
        }
        let certificate = try TrustDomainBundle.parseRoot(der, place: "the pinned root")
        guard let uri = try? SVIDRules.uriNames(of: certificate).first, let id = SPIFFEID(uri), id.isTrustDomain else {
            throw IdentityError(
                .invalidTrustBundle, "the pinned root: expected the SPIFFE ID of a trust domain, found none")
        }
        let domain = try TrustDomainBundle(
            id.trustDomain, roots: [der], jwtKeys: [], sequence: nil,
            refreshHint: TrustDomainBundle.defaultRefreshHint, place: { _ in "the pinned root" })
        try self.init([domain], generation: generation)
    }

    /// The same with another bundle for one domain, which it may not have had before.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/staleTrustBundle`` when the domain counts its bundles
    ///   and this one was published before the one in force, or does not say; or ``IdentityError/Code/invalidTrustBundle``.
    public func replacing(_ bundle: TrustDomainBundle, generation: UInt64) throws(IdentityError) -> TrustBundle {
        if let current = self[bundle.trustDomain]?.sequence, bundle.sequence ?? 0 < current {
            throw IdentityError(
                .staleTrustBundle,
                "expected bundle \(current) of \(bundle.trustDomain) or a later one, found "
                    + (bundle.sequence.map { "bundle \($0)" } ?? "one without a sequence"))
        }
        return try TrustBundle(
            domains.filter { $0.trustDomain != bundle.trustDomain } + [bundle], generation: generation)
    }

    /// The same with a domain's bundle; nil where that is no news.
    package func adopting(_ domain: TrustDomainBundle) throws(IdentityError) -> TrustBundle? {
        let inForce = self[domain.trustDomain]
        guard inForce == nil || domain.isNewer(than: inForce) else { return nil }
        return try replacing(domain, generation: generation + 1)
    }

    /// The same without a domain: the end of a federation.
    public func removing(_ domain: TrustDomain, generation: UInt64) throws(IdentityError) -> TrustBundle {
        try TrustBundle(domains.filter { $0.trustDomain != domain }, generation: generation)
    }

    /// The bundle of a trust domain; nil where nobody vouches for it.
    public subscript(domain: TrustDomain) -> TrustDomainBundle? {
        domains.first { $0.trustDomain == domain }
    }

    /// The trust domains that have an entry, in the order of their names.
    public var trustDomains: [TrustDomain] {
        domains.map(\.trustDomain)
    }

    /// The roots of a trust domain in DER, in the order given; empty where the bundle has none.
    public func roots(of domain: TrustDomain) -> [[UInt8]] {
        self[domain]?.roots ?? []
    }

    /// Every root in DER, by trust domain.
    public var roots: [[UInt8]] {
        domains.flatMap(\.roots)
    }

    /// The roots of a trust domain as a PEM file, for programs outside the mesh.
    public func pem(of domain: TrustDomain) -> String {
        self[domain]?.pem ?? ""
    }

    func certificates(of domain: TrustDomain) -> [Certificate] {
        self[domain]?.certificates ?? []
    }
}

extension TrustBundle: Hashable {
    /// Whether both have the same generation and trust the same roots and keys for the same domains.
    public static func == (left: TrustBundle, right: TrustBundle) -> Bool {
        left.digest == right.digest
    }

    /// Feeds the digest.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(digest)
    }
}
