import Crypto
import SwiftASN1
import X509

/// A trust domain's certificate authority with its P-256 key in memory: the embedded one of a mesh without outside PKI.
///
/// The names in a leaf come from an ``IssuanceAuthorization`` and never from the request, whose public key and proof of
/// possession are all that is used of it. An immutable value; the key cannot be read out of it.
public struct CertificateAuthority: Sendable {
    /// The domain that this authority vouches for.
    public let trustDomain: TrustDomain
    /// The self-signed root in DER.
    public let rootCertificate: [UInt8]
    /// The SHA-256 of ``rootCertificate``, which join tokens carry.
    public let rootFingerprint: SHA256Fingerprint
    /// The last second of the root's validity.
    public let notAfter: UnixTime
    /// The lifetimes, as given.
    public let configuration: CertificateAuthorityConfiguration
    private let notBefore: UnixTime
    private let name: DistinguishedName
    private let key: P256.Signing.PrivateKey

    /// Makes a key of the system's random generator and a root certificate for it.
    ///
    /// - Parameters:
    ///   - trustDomain: the domain; the root's only alternative name is its SPIFFE ID.
    ///   - configuration: lifetimes.
    ///   - now: the root is valid from `now` less the clock skew.
    ///   - generator: the source of the root's serial number.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidConfiguration`` or
    ///   ``IdentityError/Code/signingFailed``.
    public init(
        trustDomain: TrustDomain,
        configuration: CertificateAuthorityConfiguration = CertificateAuthorityConfiguration(),
        now: UnixTime, using generator: inout some RandomNumberGenerator
    ) throws(IdentityError) {
        try configuration.validate()
        let key = P256.Signing.PrivateKey()
        let publicKey = Certificate.PublicKey(key.publicKey)
        // The key's name in the subject keeps the roots of one domain apart, so that chains are built by name alone.
        let keyName = SHA256Fingerprint(of: Array(publicKey.subjectPublicKeyInfoBytes)).description.prefix(16)
        let notBefore = now - configuration.clockSkew
        let notAfter = min(now + configuration.rootLifetime, .lastOfX509)
        let serialNumber = Self.makeSerialNumber(using: &generator)
        let name: DistinguishedName
        let root: Certificate
        do {
            name = try DistinguishedName {
                OrganizationName("Meshwork")
                CommonName("Meshwork root \(keyName)")
            }
            root = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(bytes: serialNumber), publicKey: publicKey,
                notValidBefore: notBefore.date, notValidAfter: notAfter.date, issuer: name, subject: name,
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                    Critical(KeyUsage(keyCertSign: true))
                    SubjectKeyIdentifier(hash: publicKey)
                    SubjectAlternativeNames([.uniformResourceIdentifier(trustDomain.id.description)])
                },
                issuerPrivateKey: Certificate.PrivateKey(key))
            var serializer = DER.Serializer()
            try serializer.serialize(root)
            self.rootCertificate = serializer.serializedBytes
        } catch {
            throw IdentityError(.signingFailed, "the root of \(trustDomain) could not be made", cause: error)
        }
        self.trustDomain = trustDomain
        self.rootFingerprint = SHA256Fingerprint(of: rootCertificate)
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.configuration = configuration
        self.name = name
        self.key = key
    }

    /// Issues a leaf for a request's public key.
    ///
    /// The leaf says: exactly one URI, the authorization's SPIFFE ID, beside its DNS names and addresses; cA false;
    /// digitalSignature, critical; server and client authentication.
    ///
    /// - Parameters:
    ///   - request: the request, whose signature has been checked.
    ///   - authorization: the names and perhaps the lifetime; its ID belongs to this authority's trust domain.
    ///   - now: the leaf is valid from `now` less the clock skew, and no longer than the root.
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
        guard notBefore <= now, now <= notAfter else {
            throw IdentityError(
                .authorityNotValid,
                "the root of \(trustDomain) is valid from \(notBefore) through \(notAfter), and it is \(now)",
                peer: id)
        }
        let leafNotBefore = max(now - configuration.clockSkew, notBefore)
        let leafNotAfter = min(now + (authorization.lifetime ?? configuration.leafLifetime), notAfter)
        let serialNumber = Self.makeSerialNumber(using: &generator)
        var names: [GeneralName] = [.uniformResourceIdentifier(id.description)]
        names += authorization.dnsNames.map { .dnsName($0) }
        names += authorization.ipAddresses.map { .ipAddress(ASN1OctetString(contentBytes: $0.bytes[...])) }
        let der: [UInt8]
        do {
            let signer = Certificate.PublicKey(key.publicKey)
            let leaf = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(bytes: serialNumber), publicKey: request.publicKey,
                notValidBefore: leafNotBefore.date, notValidAfter: leafNotAfter.date, issuer: name,
                // Names that mean anything are alternative names; this one only keeps programs happy that expect a
                // subject.
                subject: DistinguishedName { OrganizationName("Meshwork") },
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.notCertificateAuthority)
                    Critical(KeyUsage(digitalSignature: true))
                    try ExtendedKeyUsage([.serverAuth, .clientAuth])
                    SubjectKeyIdentifier(hash: request.publicKey)
                    AuthorityKeyIdentifier(keyIdentifier: SubjectKeyIdentifier(hash: signer).keyIdentifier)
                    SubjectAlternativeNames(names)
                },
                issuerPrivateKey: Certificate.PrivateKey(key))
            var serializer = DER.Serializer()
            try serializer.serialize(leaf)
            der = serializer.serializedBytes
        } catch {
            throw IdentityError(.signingFailed, "the leaf of \(id) could not be made", peer: id, cause: error)
        }
        return IssuedCertificate(
            chain: [der], spiffeID: id, notBefore: leafNotBefore, notAfter: leafNotAfter, serialNumber: serialNumber)
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

    /// 16 random bytes, positive as RFC 5280, 4.1.2.2 asks: the top bit is clear, and the next one set keeps the length
    /// constant.
    private static func makeSerialNumber(using generator: inout some RandomNumberGenerator) -> [UInt8] {
        let words = [generator.next(), generator.next()] as [UInt64]
        var bytes = words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) } }
        bytes[0] = bytes[0] & 0x3F | 0x40
        return bytes
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
