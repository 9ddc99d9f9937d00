import SwiftASN1
import Testing
import X509

@testable import Identity

@Suite struct RootAuthorityTests {
    static let now = CertificateFactory.now

    static func root(
        _ key: KeyAlgorithm = .p256, _ change: (inout CertificateAuthorityConfiguration) -> Void = { _ in }
    ) throws -> RootAuthority {
        var generator = SeededGenerator(seed: 11)
        var configuration = CertificateAuthorityConfiguration()
        change(&configuration)
        return try RootAuthority(
            trustDomain: exampleDomain(), key: key, configuration: configuration, now: now, using: &generator)
    }

    @Test("root and issuer are certificates of their own, and the issuer can sign leaves alone")
    func certificates() throws {
        var generator = SeededGenerator(seed: 12)
        let root = try Self.root()
        let authority = try root.makeAuthority(now: Self.now, using: &generator)
        let issuerDER = try #require(authority.issuerCertificate)
        let (rootCertificate, issuer) = (
            try Certificate(derEncoded: root.certificate), try Certificate(derEncoded: issuerDER)
        )
        #expect(rootCertificate.issuer == rootCertificate.subject)
        #expect(issuer.issuer == rootCertificate.subject)
        #expect(issuer.subject != rootCertificate.subject)
        #expect(issuer.publicKey != rootCertificate.publicKey)
        #expect(rootCertificate.publicKey.isValidSignature(issuer.signature, for: issuer))
        #expect(try rootCertificate.extensions.basicConstraints == .isCertificateAuthority(maxPathLength: 1))
        #expect(try issuer.extensions.basicConstraints == .isCertificateAuthority(maxPathLength: 0))
        #expect(try issuer.extensions.keyUsage == KeyUsage(keyCertSign: true))
        #expect(try SVIDRules.uriNames(of: issuer) == ["spiffe://example.org"])
        #expect(
            try issuer.extensions.authorityKeyIdentifier?.keyIdentifier
                == rootCertificate.extensions.subjectKeyIdentifier?.keyIdentifier)
        #expect(authority.rootCertificate == root.certificate)
        #expect(authority.rootFingerprint == root.fingerprint)
        #expect(authority.notAfter == Self.now + .seconds(90 * 86_400))
    }

    @Test(
        "leaves of every pair of keys verify against the root alone, with the issuer behind the leaf",
        arguments: [KeyAlgorithm.p256, .ed25519], [KeyAlgorithm.p256, .ed25519])
    func verifies(rootKey: KeyAlgorithm, issuerKey: KeyAlgorithm) async throws {
        var generator = SeededGenerator(seed: 13)
        let root = try Self.root(rootKey)
        let authority = try root.makeAuthority(key: issuerKey, now: Self.now, using: &generator)
        for key in [KeyAlgorithm.p256, .ed25519] {
            let identity = try authority.makeIdentity(
                for: CertificateAuthorityTests.worker(), key: key, now: Self.now, using: &generator)
            #expect(identity.chain.count == 2)
            let peer = try await PeerVerifier().verify(identity.chain, against: root.bundle(), now: Self.now)
            #expect(peer.spiffeID == identity.spiffeID)
            let alone = await identityError {
                try await PeerVerifier().verify([identity.chain[0]], against: root.bundle(), now: Self.now)
            }
            #expect(alone?.code == .untrustedIssuer)
        }
    }

    @Test("an issuer that is lost is denied and another made, and no peer needs another root")
    func lostIssuer() async throws {
        var generator = SeededGenerator(seed: 14)
        let root = try Self.root()
        let (lost, next) = (
            try root.makeAuthority(now: Self.now, using: &generator),
            try root.makeAuthority(now: Self.now, using: &generator)
        )
        let identities = try [lost, next].map {
            try $0.makeIdentity(for: CertificateAuthorityTests.worker(), now: Self.now, using: &generator)
        }
        let issuer = try #require(lost.issuerCertificate)
        let list = try DenyList(version: 1, entries: [.key(CertificateMarks(der: issuer).key)])
        let verifier = try PeerVerifier()
        let error = await identityError {
            try await verifier.verify(identities[0].chain, against: root.bundle(), denying: list, now: Self.now)
        }
        #expect(error?.code == .denied)
        _ = try await verifier.verify(identities[1].chain, against: root.bundle(), denying: list, now: Self.now)
    }

    @Test("an issuer does not sign signers, and a root with one below does not let it")
    func pathLength() async throws {
        var generator = SeededGenerator(seed: 15)
        let root = try Self.root()
        let authority = try root.makeAuthority(now: Self.now, using: &generator)
        let below = try CertificateSigner(
            "issuer", of: exampleDomain(), key: .p256, pathLength: 0, notBefore: Self.now,
            notAfter: Self.now + .seconds(60),
            parent: authority.signer, using: &generator)
        let third = CertificateAuthority(
            trustDomain: try exampleDomain(), rootCertificate: root.certificate,
            configuration: CertificateAuthorityConfiguration(), signer: below)
        let identity = try third.makeIdentity(for: CertificateAuthorityTests.worker(), now: Self.now, using: &generator)
        let error = await identityError {
            try await PeerVerifier().verify(
                identity.chain + [authority.signer.der], against: root.bundle(), now: Self.now)
        }
        #expect(error?.code == .untrustedIssuer)
    }

    @Test("an issuer lives no longer than its root, and a leaf no longer than its issuer")
    func lifetimes() throws {
        var generator = SeededGenerator(seed: 16)
        let short = try Self.root(.p256) { $0.rootLifetime = .seconds(1_000) }
        let authority = try short.makeAuthority(now: Self.now, using: &generator)
        #expect(authority.notAfter == short.notAfter)
        let identity = try authority.makeIdentity(
            for: CertificateAuthorityTests.worker(), now: Self.now, using: &generator)
        #expect(identity.notAfter == short.notAfter)
        for offset in [-21, 1_001] as [Int64] {
            let error = identityError { try short.makeAuthority(now: Self.now + .seconds(offset), using: &generator) }
            #expect(error?.code == .authorityNotValid)
        }
    }

    @Test("neither description nor reflection shows a key")
    func secrecy() throws {
        let root = try Self.root()
        var output = ""
        dump(root, to: &output)
        #expect(!output.contains("key") && !"\(root)".contains("key"))
    }
}
