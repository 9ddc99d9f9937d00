import SwiftASN1
import X509

/// A trust domain's certificate authority with its key in memory: the embedded one of a mesh without outside PKI.
///
/// It is a root that signs leaves itself, or stands below one that rests elsewhere (``RootAuthority``). The names in a
/// leaf come from an ``IssuanceAuthorization`` and never from the request, whose public key and proof of possession are
/// all that is used of it. An immutable value; the key cannot be read out of it but sealed.
public struct CertificateAuthority: Sendable {
    /// The domain that this authority vouches for.
    public let trustDomain: TrustDomain
    /// The self-signed root in DER.
    public let rootCertificate: [UInt8]
    /// The SHA-256 of ``rootCertificate``, which join tokens carry.
    public let rootFingerprint: SHA256Fingerprint
    /// The lifetimes, as given.
    public let configuration: CertificateAuthorityConfiguration
    let signer: CertificateSigner

    /// The last second in which this authority can issue.
    public var notAfter: UnixTime { signer.notAfter }
    /// The certificate in DER that stands between root and leaf, which each issued chain has behind its leaf; nil where
    /// the root signs itself.
    public var issuerCertificate: [UInt8]? { signer.der == rootCertificate ? nil : signer.der }

    /// Makes a key of the system's random generator and a root certificate for it, which signs leaves itself.
    ///
    /// - Parameters:
    ///   - trustDomain: the domain; the root's only alternative name is its SPIFFE ID.
    ///   - key: the kind of key. Default P-256, which every TLS library reads.
    ///   - configuration: lifetimes.
    ///   - now: the root is valid from `now` less the clock skew.
    ///   - generator: the source of the root's serial number.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidConfiguration`` or
    ///   ``IdentityError/Code/signingFailed``.
    public init(
        trustDomain: TrustDomain, key: KeyAlgorithm = .p256,
        configuration: CertificateAuthorityConfiguration = CertificateAuthorityConfiguration(),
        now: UnixTime, using generator: inout some RandomNumberGenerator
    ) throws(IdentityError) {
        try configuration.validate()
        let root = try CertificateSigner(
            "root", of: trustDomain, key: key, pathLength: 0, notBefore: now - configuration.clockSkew,
            notAfter: min(now + configuration.rootLifetime, .lastOfX509), using: &generator)
        self.init(
            trustDomain: trustDomain, rootCertificate: root.der, configuration: configuration, signer: root)
    }

    init(
        trustDomain: TrustDomain, rootCertificate: [UInt8], configuration: CertificateAuthorityConfiguration,
        signer: CertificateSigner
    ) {
        self.trustDomain = trustDomain
        self.rootCertificate = rootCertificate
        self.rootFingerprint = SHA256Fingerprint(of: rootCertificate)
        self.configuration = configuration
        self.signer = signer
    }

    /// Issues a leaf for a request's public key.
    ///
    /// The leaf says: exactly one URI, the authorization's SPIFFE ID, beside its DNS names and addresses; cA false;
    /// digitalSignature, critical; server and client authentication.
    ///
    /// - Parameters:
    ///   - request: the request, whose signature has been checked.
    ///   - authorization: the names and perhaps the lifetime; its ID belongs to this authority's trust domain.
    ///   - now: the leaf is valid from `now` less the clock skew, and no longer than the authority.
    ///   - generator: the source of the serial number, 126 random bits.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidAuthorization``,
    ///   ``IdentityError/Code/authorityNotValid`` or ``IdentityError/Code/signingFailed``.
    public func issue(
        _ request: VerifiedCertificateRequest, for authorization: IssuanceAuthorization, now: UnixTime,
        using generator: inout some RandomNumberGenerator
    ) throws(IdentityError) -> IssuedCertificate {
        let id = authorization.spiffeID
        guard id.trustDomain == trustDomain else {
            throw IdentityError(
                .invalidAuthorization, "the authority of \(trustDomain) was asked to certify \(id)", peer: id)
        }
        guard signer.notBefore <= now, now <= notAfter else {
            throw IdentityError(
                .authorityNotValid,
                "the authority of \(trustDomain) is valid from \(signer.notBefore) through \(notAfter), and it is "
                    + "\(now)", peer: id)
        }
        let leafNotBefore = max(now - configuration.clockSkew, signer.notBefore)
        let leafNotAfter = min(now + (authorization.lifetime ?? configuration.leafLifetime), notAfter)
        let serialNumber = CertificateSigner.makeSerialNumber(using: &generator)
        var names: [GeneralName] = [.uniformResourceIdentifier(id.description)]
        names += authorization.dnsNames.map { .dnsName($0) }
        names += authorization.ipAddresses.map { .ipAddress(ASN1OctetString(contentBytes: $0.bytes[...])) }
        let der: [UInt8]
        do {
            der = try signer.leaf(
                request.publicKey, names: names, serialNumber: serialNumber, notBefore: leafNotBefore,
                notAfter: leafNotAfter)
        } catch {
            throw IdentityError(.signingFailed, "the leaf of \(id) could not be made", peer: id, cause: error)
        }
        return IssuedCertificate(
            chain: [der] + (issuerCertificate.map { [$0] } ?? []), spiffeID: id, notBefore: leafNotBefore,
            notAfter: leafNotAfter, serialNumber: serialNumber)
    }

    /// Makes a key and its certificate in one step, for the process that holds the authority and for tests.
    ///
    /// - Throws: as ``issue(_:for:now:using:)``.
    public func makeIdentity(
        for authorization: IssuanceAuthorization, key: KeyAlgorithm = .p256, now: UnixTime,
        using generator: inout some RandomNumberGenerator
    ) throws(IdentityError) -> WorkloadIdentity {
        let request = try CertificateRequest(key)
        let verified = try VerifiedCertificateRequest(der: request.der)
        let issued = try issue(verified, for: authorization, now: now, using: &generator)
        return try request.identity(chain: issued.chain)
    }

    /// The bundle that trusts this authority's root and nothing else.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidTrustBundle``, which a root made here does not
    ///   cause.
    public func bundle(generation: UInt64 = 1) throws(IdentityError) -> TrustBundle {
        try TrustBundle([trustDomain: [rootCertificate]], generation: generation)
    }
}

extension CertificateAuthority: CustomStringConvertible, CustomReflectable {
    /// Says whose authority it is, and nothing of the key.
    public var description: String { "certificate authority of \(trustDomain), root \(rootFingerprint)" }
    /// Shows the trust domain and the root, and nothing of the key.
    public var customMirror: Mirror {
        Mirror(self, children: ["trustDomain": trustDomain, "rootFingerprint": rootFingerprint, "notAfter": notAfter])
    }
}
