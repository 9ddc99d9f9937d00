import Crypto
import SwiftASN1
import X509

/// The roots that vouch for each trust domain, never merged across domains.
///
/// A value: a new bundle is a new value with a higher `generation`, which whoever distributes bundles counts up.
public struct TrustBundle: Sendable {
    /// The bundle's place in the order of bundles that were in force.
    public let generation: UInt64
    /// SHA-256 over generation, trust domains and roots: equal only for bundles that trust the same.
    let digest: SHA256Fingerprint
    /// In the order of the trust domains' names.
    private let entries: [Entry]

    private struct Entry: Sendable {
        let trustDomain: TrustDomain
        let certificates: [Certificate]
        let der: [[UInt8]]
    }

    /// The most roots of one bundle, over all domains.
    static let maximumRoots = 256
    /// The most bytes of one root.
    static let maximumRootBytes = 16_384

    /// Makes a bundle from each trust domain's roots in DER.
    ///
    /// A root must be a CA with `keyCertSign`; where it carries a URI, that is the trust domain's own SPIFFE ID.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidTrustBundle`` that says which root and why.
    public init(_ roots: [TrustDomain: [[UInt8]]], generation: UInt64) throws(IdentityError) {
        let count = roots.values.reduce(0) { $0 + $1.count }
        guard count <= Self.maximumRoots else {
            throw IdentityError(.invalidTrustBundle, "expected at most \(Self.maximumRoots) roots, found \(count)")
        }
        var entries: [Entry] = []
        for (domain, der) in roots.sorted(by: { $0.key < $1.key }) {
            var certificates: [Certificate] = []
            for (index, bytes) in der.enumerated() {
                certificates.append(try Self.readRoot(bytes, of: domain, place: "root \(index + 1) of \(domain)"))
            }
            entries.append(Entry(trustDomain: domain, certificates: certificates, der: der))
        }
        self.init(entries: entries, generation: generation)
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
        let certificate = try Self.parseRoot(der, place: "the pinned root")
        guard let uri = try? SVIDRules.uriNames(of: certificate).first, let id = SPIFFEID(uri), id.isTrustDomain else {
            throw IdentityError(
                .invalidTrustBundle, "the pinned root: expected the SPIFFE ID of a trust domain, found none")
        }
        let root = try Self.readRoot(der, of: id.trustDomain, place: "the pinned root")
        self.init(
            entries: [Entry(trustDomain: id.trustDomain, certificates: [root], der: [der])], generation: generation)
    }

    private init(entries: [Entry], generation: UInt64) {
        self.entries = entries
        self.generation = generation
        var hash = SHA256()
        func update(_ number: UInt64) {
            hash.update(data: (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) })
        }
        update(generation)
        for entry in entries {
            update(UInt64(entry.trustDomain.name.utf8.count))
            hash.update(data: Array(entry.trustDomain.name.utf8))
            update(UInt64(entry.der.count))
            for root in entry.der {
                update(UInt64(root.count))
                hash.update(data: root)
            }
        }
        self.digest = SHA256Fingerprint(hash.finalize())
    }

    private static func parseRoot(_ der: [UInt8], place: String) throws(IdentityError) -> Certificate {
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

    /// The trust domains that have an entry, in the order of their names.
    public var trustDomains: [TrustDomain] {
        entries.map(\.trustDomain)
    }

    /// The roots of a trust domain in DER, in the order given; empty where the bundle has none.
    public func roots(of domain: TrustDomain) -> [[UInt8]] {
        entries.first { $0.trustDomain == domain }?.der ?? []
    }

    /// Every root in DER, by trust domain.
    public var roots: [[UInt8]] {
        entries.flatMap(\.der)
    }

    /// The roots of a trust domain as a PEM file, for programs outside the mesh.
    public func pem(of domain: TrustDomain) -> String {
        roots(of: domain).map { certificatePEM($0) }.joined()
    }

    func certificates(of domain: TrustDomain) -> [Certificate] {
        entries.first { $0.trustDomain == domain }?.certificates ?? []
    }
}

extension TrustBundle: Hashable {
    /// Whether both have the same generation and trust the same roots for the same domains.
    public static func == (left: TrustBundle, right: TrustBundle) -> Bool {
        left.digest == right.digest
    }

    /// Feeds the digest.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(digest)
    }
}

/// One certificate as a PEM block with a line feed at the end.
func certificatePEM(_ der: [UInt8]) -> String {
    PEMDocument(type: "CERTIFICATE", derBytes: der).pemString + "\n"
}
