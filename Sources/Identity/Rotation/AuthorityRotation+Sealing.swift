/// An authority's state that survives its process: sealed bytes for a disk, which only a passphrase opens.
extension AuthorityRotation {
    /// Seals the state with all its keys.
    ///
    /// - Parameters:
    ///   - passphrase: at least one byte; better 16 random ones from where the platform keeps secrets.
    ///   - cost: what a guess costs.
    ///   - generator: the source of salt and nonce, which must not repeat: the system's, outside tests.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidConfiguration`` for an empty passphrase or a bundle
    ///   of more keys than fit, or ``IdentityError/Code/signingFailed``.
    public func sealed(
        with passphrase: [UInt8], cost: SealingCost = .default, using generator: inout some RandomNumberGenerator
    ) throws(IdentityError) -> [UInt8] {
        var members = [
            JSON.Member("trust_domain", .string(trustDomain.name)),
            JSON.Member("bundle", .string(Base64.encode(bundle.document))),
            JSON.Member("leaves_end", .number(leavesEnd.seconds)),
            JSON.Member("root_certificate", .string(Base64.encode(issuer.rootCertificate))),
            JSON.Member("issuer", issuer.signer.json),
        ]
        if let issuerRenewal { members.append(JSON.Member("issuer_renewal", .number(issuerRenewal.seconds))) }
        if let root { members.append(JSON.Member("root", root.signer.json)) }
        if let otherRoot { members.append(JSON.Member("other_root", otherRoot.signer.json)) }
        if let crossCertificate { members.append(JSON.Member("cross", .string(Base64.encode(crossCertificate)))) }
        switch phase {
        case .steady: break
        case .distributing(let since, let until): members += Self.members("distributing", since, until)
        case .issuing(let since, let until): members += Self.members("issuing", since, until)
        }
        let bytes = JSON.object(members).bytes
        guard bytes.count + 1_024 <= KeySealing.maximumBytes else {
            throw IdentityError(
                .invalidConfiguration,
                "expected a state of at most \(KeySealing.maximumBytes) bytes, found \(bytes.count): fewer keys fit")
        }
        return try KeySealing.seal(bytes, .rotation, passphrase: passphrase, cost: cost, using: &generator)
    }

    private static func members(_ name: String, _ since: UnixTime, _ until: UnixTime) -> [JSON.Member] {
        [
            JSON.Member("phase", .string(name)), JSON.Member("since", .number(since.seconds)),
            JSON.Member("until", .number(until.seconds)),
        ]
    }

    /// Opens a sealed state, to go on where it was.
    ///
    /// - Parameter configuration: the lifetimes from now on.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/cannotUnseal``, or
    ///   ``IdentityError/Code/invalidConfiguration``.
    public init(
        unsealing sealed: [UInt8], passphrase: [UInt8],
        configuration: CertificateAuthorityConfiguration = CertificateAuthorityConfiguration()
    ) throws(IdentityError) {
        try configuration.validate()
        let bytes = try KeySealing.open(sealed, .rotation, passphrase: passphrase)
        do {
            let json = try JSONParser.parse(
                bytes, limits: JSONParser.Limits(bytes: KeySealing.maximumBytes, values: 64))
            guard let domain = json["trust_domain"]?.string.flatMap({ TrustDomain($0) }),
                let document = json["bundle"]?.string.flatMap(Base64.decode),
                let leavesEnd = json["leaves_end"]?.integer(Int64.self),
                let rootCertificate = json["root_certificate"]?.string.flatMap(Base64.decode),
                let issuer = try json["issuer"].map({ try CertificateSigner(json: $0, of: domain) })
            else { throw Self.none() }
            func root(_ name: String) throws(IdentityError) -> RootAuthority? {
                guard let value = json[name] else { return nil }
                return RootAuthority(
                    trustDomain: domain, configuration: configuration,
                    signer: try CertificateSigner(json: value, of: domain))
            }
            func time(_ name: String) -> UnixTime? { json[name]?.integer(Int64.self).map(UnixTime.init(seconds:)) }
            let phase: Phase
            switch (json["phase"]?.string, time("since"), time("until")) {
            case (nil, _, _): phase = .steady
            case ("distributing", let since?, let until?): phase = .distributing(since: since, until: until)
            case ("issuing", let since?, let until?): phase = .issuing(since: since, until: until)
            default: throw Self.none()
            }
            let (current, other) = (try root("root"), try root("other_root"))
            guard (phase == .steady) == (other == nil), other == nil || current != nil else { throw Self.none() }
            self.init(
                phase: phase,
                issuer: CertificateAuthority(
                    trustDomain: domain, rootCertificate: rootCertificate, configuration: configuration,
                    signer: issuer),
                bundle: try TrustDomainBundle(document: document, of: domain), issuerRenewal: time("issuer_renewal"),
                leavesEnd: UnixTime(seconds: leavesEnd),
                crossCertificate: json["cross"]?.string.flatMap(Base64.decode), root: current, otherRoot: other)
            isResumed = true
        } catch {
            throw IdentityError(
                .cannotUnseal, "expected an authority's state inside the seal, found something else", cause: error)
        }
    }

    private static func none() -> IdentityError {
        IdentityError(.cannotUnseal, "a member is missing, or is not what it has to be")
    }
}

extension CertificateSigner {
    fileprivate var json: JSON {
        .object([
            JSON.Member("certificate", .string(Base64.encode(der))),
            JSON.Member("key", .string(Base64.encode(privateKey))),
        ])
    }

    fileprivate init(json: JSON, of domain: TrustDomain) throws(IdentityError) {
        guard let certificate = json["certificate"]?.string.flatMap(Base64.decode),
            let key = json["key"]?.string.flatMap(Base64.decode).flatMap({ WorkloadKey(der: $0) })
        else { throw IdentityError(.cannotUnseal, "expected a certificate and its key") }
        try self.init(der: certificate, of: domain, key: key)
    }
}
