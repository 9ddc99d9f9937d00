import Testing

@testable import Identity

@Suite struct CertificateAuthoritySealingTests {
    static let now = CertificateFactory.now
    static let passphrase = KeySealingTests.passphrase

    @Test("an authority that was sealed and opened issues as before", arguments: [KeyAlgorithm.p256, .ed25519])
    func authority(key: KeyAlgorithm) async throws {
        var generator = SeededGenerator(seed: 31)
        let root = try RootAuthorityTests.root(key)
        let plain = try CertificateAuthority(trustDomain: exampleDomain(), key: key, now: Self.now, using: &generator)
        for authority in [plain, try root.makeAuthority(key: key, now: Self.now, using: &generator)] {
            let sealed = try authority.sealed(with: Self.passphrase, cost: .low, using: &generator)
            let opened = try CertificateAuthority(unsealing: sealed, passphrase: Self.passphrase)
            #expect(opened.trustDomain == authority.trustDomain)
            #expect(opened.rootCertificate == authority.rootCertificate)
            #expect(opened.issuerCertificate == authority.issuerCertificate)
            #expect(opened.notAfter == authority.notAfter)
            let identity = try opened.makeIdentity(
                for: CertificateAuthorityTests.worker(), now: Self.now, using: &generator)
            _ = try await PeerVerifier().verify(identity.chain, against: authority.bundle(), now: Self.now)
        }
    }

    @Test("a root that was sealed and opened makes issuers as before", arguments: [KeyAlgorithm.p256, .ed25519])
    func root(key: KeyAlgorithm) async throws {
        var generator = SeededGenerator(seed: 32)
        let root = try RootAuthorityTests.root(key)
        let sealed = try root.sealed(with: Self.passphrase, cost: .low, using: &generator)
        let opened = try RootAuthority(unsealing: sealed, passphrase: Self.passphrase)
        #expect(opened.certificate == root.certificate)
        let identity = try opened.makeAuthority(now: Self.now, using: &generator).makeIdentity(
            for: CertificateAuthorityTests.worker(), now: Self.now, using: &generator)
        _ = try await PeerVerifier().verify(identity.chain, against: root.bundle(), now: Self.now)
    }

    @Test("a root is not opened as an authority, nor an authority as a root, nor either with a wrong passphrase")
    func refusals() throws {
        var generator = SeededGenerator(seed: 33)
        let root = try RootAuthorityTests.root()
        let sealedRoot = try root.sealed(with: Self.passphrase, cost: .low, using: &generator)
        let sealed = try root.makeAuthority(now: Self.now, using: &generator)
            .sealed(with: Self.passphrase, cost: .low, using: &generator)
        let errors = [
            identityError { try CertificateAuthority(unsealing: sealedRoot, passphrase: Self.passphrase) },
            identityError { try RootAuthority(unsealing: sealed, passphrase: Self.passphrase) },
            identityError { try CertificateAuthority(unsealing: sealed, passphrase: [1]) },
            identityError { try RootAuthority(unsealing: sealedRoot, passphrase: [1]) },
        ]
        #expect(errors.map { $0?.code } == Array(repeating: .cannotUnseal, count: 4))
    }

    @Test(
        "what is sealed and no authority is refused",
        arguments: ["", "{}", #"{"trust_domain":"a","root":"","certificate":"","key":""}"#])
    func noAuthority(content: String) throws {
        var generator = SeededGenerator(seed: 34)
        let sealed = try KeySealing.seal(
            Array(content.utf8), .authority, passphrase: Self.passphrase, cost: .low, using: &generator)
        #expect(
            identityError { try CertificateAuthority(unsealing: sealed, passphrase: Self.passphrase) }?.code
                == .cannotUnseal)
    }

    @Test("an authority with another's key is refused")
    func foreignKey() throws {
        var generator = SeededGenerator(seed: 35)
        let (one, other) = (try CertificateAuthorityTests.authority(), try CertificateAuthorityTests.authority())
        let content = JSON.object([
            JSON.Member("trust_domain", .string("example.org")),
            JSON.Member("root", .string(Base64.encode(one.rootCertificate))),
            JSON.Member("certificate", .string(Base64.encode(one.rootCertificate))),
            JSON.Member("key", .string(Base64.encode(other.signer.privateKey))),
        ])
        let sealed = try KeySealing.seal(
            content.bytes, .authority, passphrase: Self.passphrase, cost: .low, using: &generator)
        let error = identityError { try CertificateAuthority(unsealing: sealed, passphrase: Self.passphrase) }
        #expect(error?.code == .cannotUnseal)
        #expect((error?.cause as? IdentityError)?.code == .keyMismatch)
    }
}
