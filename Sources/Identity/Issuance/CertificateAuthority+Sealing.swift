/// An authority that survives its process: sealed bytes for a disk, which only a passphrase opens.
extension CertificateAuthority {
    /// Seals certificate and key. The lifetimes are not part of it.
    ///
    /// - Parameters:
    ///   - passphrase: at least one byte; better 16 random ones from where the platform keeps secrets.
    ///   - cost: what a guess costs.
    ///   - generator: the source of salt and nonce, which must not repeat: the system's, outside tests.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidConfiguration`` for an empty passphrase,
    ///   or ``IdentityError/Code/signingFailed``.
    public func sealed(
        with passphrase: [UInt8], cost: SealingCost = .default, using generator: inout some RandomNumberGenerator
    ) throws(IdentityError) -> [UInt8] {
        try SealedAuthority(trustDomain: trustDomain, root: rootCertificate, signer: signer)
            .sealed(.authority, passphrase, cost, using: &generator)
    }

    /// Opens a sealed authority.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/cannotUnseal``, or
    ///   ``IdentityError/Code/invalidConfiguration``.
    public init(
        unsealing sealed: [UInt8], passphrase: [UInt8],
        configuration: CertificateAuthorityConfiguration = CertificateAuthorityConfiguration()
    ) throws(IdentityError) {
        try configuration.validate()
        let content = try SealedAuthority(unsealing: sealed, .authority, passphrase)
        self.init(
            trustDomain: content.trustDomain, rootCertificate: content.root, configuration: configuration,
            signer: content.signer)
    }
}

extension RootAuthority {
    /// Seals certificate and key; see ``CertificateAuthority/sealed(with:cost:using:)``.
    public func sealed(
        with passphrase: [UInt8], cost: SealingCost = .default, using generator: inout some RandomNumberGenerator
    ) throws(IdentityError) -> [UInt8] {
        try SealedAuthority(trustDomain: trustDomain, root: certificate, signer: signer)
            .sealed(.root, passphrase, cost, using: &generator)
    }

    /// Opens a sealed root.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/cannotUnseal``, or
    ///   ``IdentityError/Code/invalidConfiguration``.
    public init(
        unsealing sealed: [UInt8], passphrase: [UInt8],
        configuration: CertificateAuthorityConfiguration = CertificateAuthorityConfiguration()
    ) throws(IdentityError) {
        try configuration.validate()
        let content = try SealedAuthority(unsealing: sealed, .root, passphrase)
        self.init(trustDomain: content.trustDomain, configuration: configuration, signer: content.signer)
    }
}

/// What is inside the seal.
private struct SealedAuthority {
    let trustDomain: TrustDomain
    let root: [UInt8]
    let signer: CertificateSigner

    init(trustDomain: TrustDomain, root: [UInt8], signer: CertificateSigner) {
        self.trustDomain = trustDomain
        self.root = root
        self.signer = signer
    }

    func sealed(
        _ kind: KeySealing.Kind, _ passphrase: [UInt8], _ cost: SealingCost,
        using generator: inout some RandomNumberGenerator
    ) throws(IdentityError) -> [UInt8] {
        let content = JSON.object([
            JSON.Member("trust_domain", .string(trustDomain.name)),
            JSON.Member("root", .string(Base64.encode(root))),
            JSON.Member("certificate", .string(Base64.encode(signer.der))),
            JSON.Member("key", .string(Base64.encode(signer.privateKey))),
        ])
        return try KeySealing.seal(content.bytes, kind, passphrase: passphrase, cost: cost, using: &generator)
    }

    init(unsealing sealed: [UInt8], _ kind: KeySealing.Kind, _ passphrase: [UInt8]) throws(IdentityError) {
        let bytes = try KeySealing.open(sealed, kind, passphrase: passphrase)
        let limits = JSONParser.Limits(bytes: KeySealing.maximumBytes, values: 16)
        guard let content = try? JSONParser.parse(bytes, limits: limits),
            let domain = content["trust_domain"]?.string.flatMap({ TrustDomain($0) }),
            let root = content["root"]?.string.flatMap(Base64.decode),
            let certificate = content["certificate"]?.string.flatMap(Base64.decode),
            let key = content["key"]?.string.flatMap(Base64.decode).flatMap({ WorkloadKey(der: $0) })
        else { throw IdentityError(.cannotUnseal, "expected an authority inside the seal, found something else") }
        let signer: CertificateSigner
        do {
            signer = try CertificateSigner(der: certificate, of: domain, key: key)
            _ = try TrustDomainBundle(domain, roots: [root])
        } catch {
            throw IdentityError(.cannotUnseal, "the authority inside the seal is none", cause: error)
        }
        self.init(trustDomain: domain, root: root, signer: signer)
    }
}
