import Crypto
import SwiftASN1
import Synchronization
import X509

/// Turns the certificates that a peer presented into its SPIFFE ID, or says why it may not have one.
///
/// The chain must keep every rule of X.509-SVID and lead to a root of the *leaf's own* trust domain. Verified chains
/// are remembered within their validity: ``cachedPeer(_:against:denying:now:)`` is the short way for a connection's
/// handshake, and ``verify(_:against:denying:now:)`` the whole one (which suspends only because the library's verifier
/// may). A ``DenyList`` is consulted each time, for remembered chains too: what is remembered is that a chain is good,
/// not that its peer is welcome.
///
/// Safe to share between threads: its only state is the cache, behind one mutex that is never held while verifying.
/// ```swift
/// let peer = try await verifier.verify(presented, against: source.current.bundle, now: now)
/// guard policy.decide(method: "shop.Scoring/Score", peer: peer.spiffeID).isAllowed else { … }
/// ```
public final class PeerVerifier: Sendable {
    /// The limits, as given.
    public let configuration: PeerVerifierConfiguration
    private let cache: Mutex<VerifiedPeerCache>

    /// Makes a verifier with an empty cache.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidConfiguration``.
    public init(configuration: PeerVerifierConfiguration = PeerVerifierConfiguration()) throws(IdentityError) {
        try configuration.validate()
        self.configuration = configuration
        self.cache = Mutex(VerifiedPeerCache(capacity: configuration.cacheCapacity))
    }

    /// The peer of a chain that was verified before against the same bundle and is still within its validity; nil
    /// otherwise.
    ///
    /// - Parameters:
    ///   - chain: certificates in DER, leaf first, as presented.
    ///   - bundle: the roots in force; its generation and its roots are part of the key.
    ///   - denyList: what is not trusted any more; a peer that is on it is not found here.
    ///   - now: the time that validity is judged by, without the clock-skew allowance.
    public func cachedPeer(
        _ chain: [[UInt8]], against bundle: TrustBundle, denying denyList: DenyList = .empty, now: UnixTime
    ) -> VerifiedPeer? {
        guard isWithinLimits(chain) else { return nil }
        let key = Self.cacheKey(of: chain, bundle: bundle)
        guard let peer = cache.withLock({ $0.peer(key, now: now) }), denyList.entry(denying: peer) == nil else {
            return nil
        }
        return peer
    }

    /// Verifies a presented chain.
    ///
    /// - Parameters:
    ///   - chain: certificates in DER, leaf first, as presented; the root may be among them or not.
    ///   - bundle: the roots in force.
    ///   - denyList: what is not trusted any more.
    ///   - now: the time that validity is judged by, give or take ``PeerVerifierConfiguration/clockSkew``.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/chainTooLarge``,
    ///   ``IdentityError/Code/malformedCertificate``, ``IdentityError/Code/notAnSVID``, ``IdentityError/Code/expired``,
    ///   ``IdentityError/Code/notYetValid``, ``IdentityError/Code/unknownTrustDomain``,
    ///   ``IdentityError/Code/untrustedIssuer``, ``IdentityError/Code/keyNotAllowed`` or
    ///   ``IdentityError/Code/denied``.
    public func verify(
        _ chain: [[UInt8]], against bundle: TrustBundle, denying denyList: DenyList = .empty, now: UnixTime
    ) async throws(IdentityError) -> VerifiedPeer {
        try checkLimits(chain)
        let key = Self.cacheKey(of: chain, bundle: bundle)
        if let known = cache.withLock({ $0.peer(key, now: now) }) {
            try denyList.check(known)
            return known
        }
        let peer = try await verifyAnew(chain, against: bundle, now: now)
        cache.withLock { $0.insert(peer, for: key) }
        try denyList.check(peer)
        return peer
    }

    private func verifyAnew(
        _ chain: [[UInt8]], against bundle: TrustBundle, now: UnixTime
    ) async throws(IdentityError) -> VerifiedPeer {

        let certificates = try Self.parse(chain)
        let leaf = certificates[0]
        let id = try SVIDRules.identity(ofLeaf: leaf)
        let roots = bundle.certificates(of: id.trustDomain)
        guard !roots.isEmpty else {
            throw IdentityError(
                .unknownTrustDomain, "no root is trusted for \(id.trustDomain), expected one of \(bundle.trustDomains)",
                peer: id)
        }
        if var problem = SVIDPolicy.validityProblem(
            of: leaf, named: "the leaf", now: now, clockSkew: configuration.clockSkew)
        {
            problem.peer = id
            throw problem
        }
        let policy = SVIDPolicy(trustDomain: id.trustDomain, now: now, clockSkew: configuration.clockSkew)
        // A named function, not a closure literal: the library's result builder would hide the policy's type and its
        // `failure`.
        func makePolicy() -> SVIDPolicy { policy }
        var verifier = Verifier(rootCertificates: CertificateStore(roots), policy: makePolicy)
        let result = await verifier.validate(leaf: leaf, intermediates: CertificateStore(certificates.dropFirst()))
        guard case .validCertificate(let verified) = result else {
            var problem =
                verifier.policy.failure
                ?? IdentityError(
                    .untrustedIssuer,
                    "the chain of \(chain.count) does not lead to a root trusted for \(id.trustDomain)")
            problem.peer = id
            throw problem
        }
        // Each of the verified certificates was presented or is a root, where its bytes are.
        let known = Array(zip(certificates, chain)) + Array(zip(roots, bundle.roots(of: id.trustDomain)))
        var marks: [CertificateMarks] = []
        for certificate in verified {
            guard let der = known.first(where: { $0.0 == certificate })?.1 else {
                throw IdentityError(
                    .untrustedIssuer, "the verified chain has a certificate of unknown origin", peer: id)
            }
            marks.append(try CertificateMarks(der: der))
        }
        return VerifiedPeer(
            spiffeID: id, notBefore: verified.map(\.validFrom).max() ?? leaf.validFrom,
            notAfter: verified.map(\.validThrough).min() ?? leaf.validThrough,
            leafFingerprint: SHA256Fingerprint(of: chain[0]), issuedAt: leaf.validFrom, certificates: marks)
    }

    /// How many verified chains are remembered.
    public var cachedPeers: Int { cache.withLock { $0.count } }

    private func isWithinLimits(_ chain: [[UInt8]]) -> Bool {
        (1...configuration.maximumCertificates).contains(chain.count)
            && chain.reduce(0) { $0 + $1.count } <= configuration.maximumChainBytes
    }

    private func checkLimits(_ chain: [[UInt8]]) throws(IdentityError) {
        guard !chain.isEmpty else {
            throw IdentityError(.malformedCertificate, "expected a certificate from the peer, found none")
        }
        guard isWithinLimits(chain) else {
            let bytes = chain.reduce(0) { $0 + $1.count }
            throw IdentityError(
                .chainTooLarge,
                "expected at most \(configuration.maximumCertificates) certificates of "
                    + "\(configuration.maximumChainBytes) bytes together, found \(chain.count) of \(bytes)")
        }
    }

    private static func parse(_ chain: [[UInt8]]) throws(IdentityError) -> [Certificate] {
        var certificates: [Certificate] = []
        for (index, der) in chain.enumerated() {
            do {
                certificates.append(try Certificate(derEncoded: der))
            } catch {
                throw IdentityError(
                    .malformedCertificate,
                    "certificate \(index + 1) of \(chain.count) (\(der.count) bytes) cannot be read", cause: error)
            }
        }
        return certificates
    }

    /// SHA-256 over the bundle's digest and each certificate with its length, so that no two chains share a preimage.
    private static func cacheKey(of chain: [[UInt8]], bundle: TrustBundle) -> SHA256Fingerprint {
        var hash = SHA256()
        hash.update(data: bundle.digest.bytes)
        for der in chain {
            hash.update(data: (0..<8).map { UInt8(truncatingIfNeeded: der.count >> (56 - 8 * $0)) })
            hash.update(data: der)
        }
        return SHA256Fingerprint(hash.finalize())
    }
}
