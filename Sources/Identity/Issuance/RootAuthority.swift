/// The root of a trust domain when it does not sign leaves itself: it certifies issuers, and rests between.
///
/// Every peer trusts the root, so its key is the one that nobody can replace quickly. Kept sealed and opened only to
/// make the next issuer (``makeAuthority(key:now:using:)``), it is not in the memory of the process that answers
/// requests; an issuer that is lost is put on the deny list and another made, and no peer needs another root.
/// ```swift
/// let root = try RootAuthority(trustDomain: domain, now: now, using: &generator)
/// let sealed = try root.sealed(with: passphrase, using: &generator)           // to a disk, or a drawer
/// let authority = try root.makeAuthority(now: now, using: &generator)         // issues leaves for 90 days
/// ```
/// An immutable value; the key cannot be read out of it but sealed.
public struct RootAuthority: Sendable {
    /// The domain that this root vouches for.
    public let trustDomain: TrustDomain
    /// The lifetimes, as given.
    public let configuration: CertificateAuthorityConfiguration
    let signer: CertificateSigner

    /// The self-signed root in DER.
    public var certificate: [UInt8] { signer.der }
    /// The SHA-256 of ``certificate``, which join tokens carry.
    public var fingerprint: SHA256Fingerprint { SHA256Fingerprint(of: signer.der) }
    /// The last second of the root's validity.
    public var notAfter: UnixTime { signer.notAfter }

    /// What kind of key it has.
    var keyAlgorithm: KeyAlgorithm { signer.keyAlgorithm }

    /// Makes a key of the system's random generator and a root certificate for it, under which one issuer may stand
    /// between root and leaf.
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
        self.init(
            trustDomain: trustDomain, configuration: configuration,
            signer: try CertificateSigner(
                "root", of: trustDomain, key: key, pathLength: 1, notBefore: now - configuration.clockSkew,
                notAfter: min(now + configuration.rootLifetime, .lastOfX509), using: &generator))
    }

    init(trustDomain: TrustDomain, configuration: CertificateAuthorityConfiguration, signer: CertificateSigner) {
        self.trustDomain = trustDomain
        self.configuration = configuration
        self.signer = signer
    }

    /// Makes an authority below this root: a fresh key, and a certificate for it that can sign leaves alone.
    ///
    /// - Parameters:
    ///   - key: the kind of key.
    ///   - now: the issuer is valid from `now` less the clock skew for
    ///     ``CertificateAuthorityConfiguration/issuerLifetime``, and no longer than the root.
    ///   - generator: the source of the issuer's serial number.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/authorityNotValid`` or
    ///   ``IdentityError/Code/signingFailed``.
    public func makeAuthority(
        key: KeyAlgorithm = .p256, now: UnixTime, using generator: inout some RandomNumberGenerator
    ) throws(IdentityError) -> CertificateAuthority {
        guard signer.notBefore <= now, now <= signer.notAfter else {
            throw IdentityError(
                .authorityNotValid,
                "the root of \(trustDomain) is valid from \(signer.notBefore) through \(notAfter), and it is \(now)")
        }
        let issuer = try CertificateSigner(
            "issuer", of: trustDomain, key: key, pathLength: 0,
            notBefore: max(now - configuration.clockSkew, signer.notBefore),
            notAfter: min(now + configuration.issuerLifetime, notAfter), parent: signer, using: &generator)
        return CertificateAuthority(
            trustDomain: trustDomain, rootCertificate: certificate, configuration: configuration, signer: issuer)
    }

    /// The bundle that trusts this root and nothing else.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidTrustBundle``, which a root made here does not
    ///   cause.
    public func bundle(generation: UInt64 = 1) throws(IdentityError) -> TrustBundle {
        try TrustBundle([trustDomain: [certificate]], generation: generation)
    }
}

extension RootAuthority: CustomStringConvertible, CustomReflectable {
    /// Says whose root it is, and nothing of the key.
    public var description: String { "root authority of \(trustDomain), \(fingerprint)" }
    /// Shows the trust domain and the root, and nothing of the key.
    public var customMirror: Mirror {
        Mirror(self, children: ["trustDomain": trustDomain, "fingerprint": fingerprint, "notAfter": notAfter])
    }
}
