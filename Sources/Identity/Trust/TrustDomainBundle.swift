import Crypto
import SwiftASN1
import X509

/// What one trust domain's identities are verified against: the roots of its certificates and the keys of its tokens.
///
/// A domain has several of each while it changes them. One without any has revoked all that it ever published: nothing
/// of it is trusted, and that is what its document with empty `keys` says.
/// ```swift
/// let partner = try TrustDomainBundle(document: downloaded, of: TrustDomain(parsing: "partner.example"))
/// let federated = try bundle.replacing(partner, generation: bundle.generation + 1)
/// ```
public struct TrustDomainBundle: Sendable {
    /// The domain that this is the bundle of.
    public let trustDomain: TrustDomain
    /// The roots in DER, in the order given.
    public let roots: [[UInt8]]
    /// The keys of JWT-SVIDs, in the order given; no two have one identifier.
    public let jwtKeys: [JWTKey]
    /// The place of this bundle among those that the domain has published, where the domain counts them.
    public let sequence: UInt64?
    /// How often to ask the domain for a newer one: 1 s to a year, 300 s where the domain does not say.
    public let refreshHint: Duration
    /// The roots as the verifier takes them.
    let certificates: [Certificate]

    /// The most roots, and the most keys, of a domain.
    static let maximumEntries = 256
    /// The most bytes of one root.
    static let maximumRootBytes = 16_384
    /// The refresh hint where the domain gives none (SPIFFE Trust Domain and Bundle, 5.1).
    public static let defaultRefreshHint = Duration.seconds(300)
    static let refreshHints: ClosedRange<Int64> = 1...31_536_000

    /// Makes a bundle of what a domain trusts.
    ///
    /// A root must be a CA with `keyCertSign`; where it carries a URI, that is the trust domain's own SPIFFE ID.
    ///
    /// - Parameters:
    ///   - trustDomain: the domain.
    ///   - roots: certificates in DER, at most 256.
    ///   - jwtKeys: at most 256, each with an identifier of its own.
    ///   - sequence: counts the bundles of the domain; nil where nobody counts.
    ///   - refreshHint: how often others should ask again, in whole seconds.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidTrustBundle`` that says which root or key, and
    ///   why.
    public init(
        _ trustDomain: TrustDomain, roots: [[UInt8]] = [], jwtKeys: [JWTKey] = [], sequence: UInt64? = nil,
        refreshHint: Duration = defaultRefreshHint
    ) throws(IdentityError) {
        try self.init(
            trustDomain, roots: roots, jwtKeys: jwtKeys, sequence: sequence, refreshHint: refreshHint,
            place: { "root \($0 + 1) of \(trustDomain)" })
    }

    /// `place` names a root by its index, in error messages.
    init(
        _ trustDomain: TrustDomain, roots: [[UInt8]], jwtKeys: [JWTKey], sequence: UInt64?, refreshHint: Duration,
        place: (Int) -> String
    ) throws(IdentityError) {
        for (kind, count) in [("roots", roots.count), ("JWT keys", jwtKeys.count)] where count > Self.maximumEntries {
            throw IdentityError(
                .invalidTrustBundle,
                "expected at most \(Self.maximumEntries) \(kind) of \(trustDomain), found \(count)")
        }
        guard refreshHint.components.attoseconds == 0, Self.refreshHints.contains(refreshHint.components.seconds) else {
            throw IdentityError(
                .invalidTrustBundle,
                "expected a refresh hint of \(Self.refreshHints) whole seconds for \(trustDomain), found \(refreshHint)"
            )
        }
        var identifiers: Set<[UInt8]> = []
        for key in jwtKeys where !identifiers.insert(Array(key.identifier.utf8)).inserted {
            throw IdentityError(
                .invalidTrustBundle,
                "expected one JWT key of \(trustDomain) for each kid, found two with \(quoted(key.identifier))")
        }
        var certificates: [Certificate] = []
        for (index, der) in roots.enumerated() {
            certificates.append(try Self.readRoot(der, of: trustDomain, place: place(index)))
        }
        self.trustDomain = trustDomain
        self.roots = roots
        self.jwtKeys = jwtKeys
        self.sequence = sequence
        self.refreshHint = refreshHint
        self.certificates = certificates
    }

    /// The key that a token's header names; nil where the domain has none of that name.
    public func jwtKey(_ identifier: String) -> JWTKey? {
        // By bytes: equality of strings takes some different ones for equal.
        jwtKeys.first { $0.identifier.utf8.elementsEqual(identifier.utf8) }
    }

    /// Whether this one is to follow `other`: it says something else, and the domain published it later, where it counts.
    func isNewer(than other: TrustDomainBundle?) -> Bool {
        guard let other else { return true }
        guard self != other else { return false }
        guard let inForce = other.sequence else { return true }
        return (sequence ?? 0) > inForce
    }

    /// The roots as a PEM file, for programs outside the mesh.
    public var pem: String {
        roots.map { certificatePEM($0) }.joined()
    }

    static func parseRoot(_ der: [UInt8], place: String) throws(IdentityError) -> Certificate {
        guard der.count <= maximumRootBytes else {
            throw IdentityError(
                .invalidTrustBundle, "\(place): expected at most \(maximumRootBytes) bytes, found \(der.count)")
        }
        do {
            return try Certificate(derEncoded: der)
        } catch {
            throw IdentityError(.invalidTrustBundle, "\(place) (\(der.count) bytes) cannot be read", cause: error)
        }
    }

    private static func readRoot(_ der: [UInt8], of domain: TrustDomain, place: String) throws(IdentityError)
        -> Certificate
    {
        let certificate = try parseRoot(der, place: place)
        if let problem = SVIDRules.problem(ofSigner: certificate, in: domain) {
            throw IdentityError(.invalidTrustBundle, "\(place): \(problem)")
        }
        return certificate
    }
}

extension TrustDomainBundle: Hashable {
    /// Whether both say the same of the same domain, sequence and refresh hint included.
    public static func == (left: TrustDomainBundle, right: TrustDomainBundle) -> Bool {
        left.trustDomain == right.trustDomain && left.roots == right.roots && left.jwtKeys == right.jwtKeys
            && left.sequence == right.sequence && left.refreshHint == right.refreshHint
    }

    /// Feeds the domain and the roots.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(trustDomain)
        hasher.combine(roots)
    }
}

extension TrustDomainBundle {
    /// Feeds what is trusted, each part with its length before it, so that no two bundles feed the same bytes.
    func hash(into digest: inout SHA256) {
        func update(_ bytes: [UInt8]) {
            digest.update(data: (0..<8).map { UInt8(truncatingIfNeeded: bytes.count >> (56 - 8 * $0)) })
            digest.update(data: bytes)
        }
        func update(count: Int) {
            digest.update(data: (0..<8).map { UInt8(truncatingIfNeeded: count >> (56 - 8 * $0)) })
        }
        update(Array(trustDomain.name.utf8))
        update(count: roots.count)
        for root in roots { update(root) }
        update(count: jwtKeys.count)
        for key in jwtKeys {
            update(Array(key.identifier.utf8))
            update(Array((key.algorithm ?? "").utf8))
            update(JSON.object(JWTKey.jsonMembers(of: key.parameters)).bytes)
        }
    }
}

/// One certificate as a PEM block with a line feed at the end.
func certificatePEM(_ der: [UInt8]) -> String {
    PEMDocument(type: "CERTIFICATE", derBytes: der).pemString + "\n"
}
