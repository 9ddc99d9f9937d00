import Crypto
import SwiftASN1
import Testing
import X509

@testable import Identity

@Suite struct CertificateAuthorityTests {
    static let now = CertificateFactory.now

    static func authority(
        _ configuration: CertificateAuthorityConfiguration = CertificateAuthorityConfiguration()
    ) throws -> CertificateAuthority {
        var generator = SeededGenerator(seed: 1)
        return try CertificateAuthority(
            trustDomain: exampleDomain(), configuration: configuration, now: now, using: &generator)
    }

    static func worker(
        dnsNames: [String] = [], ipAddresses: [String] = [], lifetime: Duration? = nil
    ) throws -> IssuanceAuthorization {
        try IssuanceAuthorization(
            spiffeID: SPIFFEID(exampleDomain(), path: "/worker"), dnsNames: dnsNames, ipAddresses: ipAddresses,
            lifetime: lifetime)
    }

    @Test("the root says that it signs for its trust domain and nothing else")
    func root() throws {
        let authority = try Self.authority()
        let root = try Certificate(derEncoded: authority.rootCertificate)
        #expect(root.issuer == root.subject)
        #expect(root.publicKey.isValidSignature(root.signature, for: root))
        #expect(try root.extensions.basicConstraints == .isCertificateAuthority(maxPathLength: 0))
        #expect(try root.extensions.keyUsage == KeyUsage(keyCertSign: true))
        #expect(try SVIDRules.uriNames(of: root) == ["spiffe://example.org"])
        #expect(root.validFrom == Self.now - .seconds(20))
        #expect(root.validThrough == Self.now + .seconds(365 * 86_400))
        #expect(authority.rootFingerprint == SHA256Fingerprint(of: authority.rootCertificate))
        #expect(try authority.bundle().roots(of: exampleDomain()) == [authority.rootCertificate])
    }

    @Test("a leaf carries the authorization's names, and the verifier accepts it")
    func leaf() async throws {
        let authority = try Self.authority()
        var generator = SeededGenerator(seed: 2)
        let authorization = try Self.worker(
            dnsNames: ["localhost", "worker-0.example.org"], ipAddresses: ["127.0.0.1", "::1"])
        let identity = try authority.makeIdentity(for: authorization, now: Self.now, using: &generator)
        #expect(identity.spiffeID.description == "spiffe://example.org/worker")
        #expect(identity.chain.count == 1)
        #expect(identity.notAfter == Self.now + .seconds(86_400))
        let leaf = try Certificate(derEncoded: identity.chain[0])
        let names = try #require(try leaf.extensions.subjectAlternativeNames)
        #expect(
            Array(names) == [
                .uniformResourceIdentifier("spiffe://example.org/worker"), .dnsName("localhost"),
                .dnsName("worker-0.example.org"), .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
                .ipAddress(ASN1OctetString(contentBytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])),
            ])
        #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
        #expect(try leaf.extensions.keyUsage == KeyUsage(digitalSignature: true))
        #expect(leaf.extensions[oid: .X509ExtensionID.keyUsage]?.critical == true)
        #expect(try leaf.extensions.extendedKeyUsage == ExtendedKeyUsage([.serverAuth, .clientAuth]))
        let peer = try await PeerVerifier().verify(identity.chain, against: authority.bundle(), now: Self.now)
        #expect(peer.spiffeID == identity.spiffeID)
    }

    @Test("names that a request asks for are ignored")
    func requestedNames() throws {
        let authority = try Self.authority()
        var generator = SeededGenerator(seed: 3)
        let request = try VerifiedCertificateRequest(der: OpenSSLFixtures.requestForOtherNames)
        let issued = try authority.issue(request, for: Self.worker(), now: Self.now, using: &generator)
        let leaf = try Certificate(derEncoded: issued.chain[0])
        #expect(
            try leaf.extensions.subjectAlternativeNames.map(Array.init) == [
                .uniformResourceIdentifier("spiffe://example.org/worker")
            ])
        #expect(!leaf.subject.description.contains("evil"))
        #expect(issued.spiffeID.path == "/worker")
    }

    @Test("an Ed25519 key is certified, and its chain verifies")
    func ed25519() async throws {
        let authority = try Self.authority()
        var generator = SeededGenerator(seed: 4)
        let request = try VerifiedCertificateRequest(der: OpenSSLFixtures.requestWithEd25519Key)
        let issued = try authority.issue(request, for: Self.worker(), now: Self.now, using: &generator)
        _ = try await PeerVerifier().verify(issued.chain, against: authority.bundle(), now: Self.now)
    }

    @Test("an authority with an Ed25519 key certifies both kinds of keys")
    func ed25519Authority() async throws {
        var generator = SeededGenerator(seed: 9)
        let authority = try CertificateAuthority(
            trustDomain: exampleDomain(), key: .ed25519, now: Self.now, using: &generator)
        #expect(authority.issuerCertificate == nil)
        for key in [KeyAlgorithm.p256, .ed25519] {
            let identity = try authority.makeIdentity(for: Self.worker(), key: key, now: Self.now, using: &generator)
            _ = try await PeerVerifier().verify(identity.chain, against: authority.bundle(), now: Self.now)
        }
    }

    @Test("a leaf lives as long as its authorization says, and never longer than the root")
    func lifetime() throws {
        var configuration = CertificateAuthorityConfiguration()
        configuration.rootLifetime = .seconds(1_000)
        let authority = try Self.authority(configuration)
        var generator = SeededGenerator(seed: 5)
        let short = try authority.makeIdentity(
            for: Self.worker(lifetime: .seconds(60)), now: Self.now, using: &generator)
        #expect(short.notAfter == Self.now + .seconds(60))
        #expect(short.notBefore == Self.now - .seconds(20))
        let long = try authority.makeIdentity(for: Self.worker(), now: Self.now, using: &generator)
        #expect(long.notAfter == authority.notAfter)
        let late = identityError {
            try authority.makeIdentity(for: Self.worker(), now: Self.now + .seconds(1_001), using: &generator)
        }
        #expect(late?.code == .authorityNotValid)
        let early = identityError {
            try authority.makeIdentity(for: Self.worker(), now: Self.now - .seconds(21), using: &generator)
        }
        #expect(early?.code == .authorityNotValid)
    }

    @Test("an authority certifies nobody of another trust domain")
    func otherDomain() throws {
        let authority = try Self.authority()
        var generator = SeededGenerator(seed: 6)
        let foreign = try IssuanceAuthorization(spiffeID: SPIFFEID(parsing: "spiffe://other.example/worker"))
        let error = identityError { try authority.makeIdentity(for: foreign, now: Self.now, using: &generator) }
        #expect(error?.code == .invalidAuthorization)
        #expect(error?.peer == foreign.spiffeID)
    }

    @Test("serial numbers are positive, 16 bytes long and come from the generator")
    func serialNumbers() throws {
        let authority = try Self.authority()
        let request = try VerifiedCertificateRequest(der: CertificateRequest().der)
        func serialNumbers(seed: UInt64) throws -> [[UInt8]] {
            var generator = SeededGenerator(seed: seed)
            return try (0..<20).map { _ in
                try authority.issue(request, for: Self.worker(), now: Self.now, using: &generator).serialNumber
            }
        }
        let numbers = try serialNumbers(seed: 7)
        #expect(Set(numbers).count == 20)
        #expect(numbers.allSatisfy { $0.count == 16 && $0[0] < 0x80 && $0[0] >= 0x40 })
        #expect(try numbers == serialNumbers(seed: 7))
        #expect(try numbers != serialNumbers(seed: 8))
    }

    @Test("neither description nor reflection shows a key")
    func secrecy() throws {
        let authority = try Self.authority()
        var output = ""
        dump(authority, to: &output)
        #expect(!output.contains("key"))
        #expect(!"\(authority)".contains("key"))
    }

    @Test("a lifetime that reaches past the last year of X.509 ends with it")
    func farFuture() throws {
        var configuration = CertificateAuthorityConfiguration()
        configuration.rootLifetime = .seconds(Int64.max)
        #expect(try Self.authority(configuration).notAfter.description == "9999-12-31T23:59:59Z")
    }

    @Test("every problem of a configuration is reported at once")
    func configuration() {
        var configuration = CertificateAuthorityConfiguration()
        configuration.rootLifetime = .zero
        configuration.issuerLifetime = .milliseconds(10)
        configuration.leafLifetime = .seconds(-5)
        configuration.clockSkew = .seconds(4_000)
        let error = identityError { try Self.authority(configuration) }
        #expect(error?.code == .invalidConfiguration)
        for name in ["rootLifetime", "issuerLifetime", "leafLifetime", "clockSkew"] {
            #expect(error?.message.contains(name) == true)
        }
    }
}
