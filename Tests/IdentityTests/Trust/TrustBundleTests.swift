import Testing
import X509

@testable import Identity

@Suite struct TrustBundleTests {
    @Test("a bundle keeps each domain's roots apart, in the order of the domains")
    func perDomain() throws {
        let (a, b) = (try CertificateFactory.root(of: "a"), try CertificateFactory.root(of: "b"))
        let (domainA, domainB) = (try TrustDomain(parsing: "a"), try TrustDomain(parsing: "b"))
        let bundle = try TrustBundle([domainB: [b.der], domainA: [a.der]], generation: 7)
        #expect(bundle.generation == 7)
        #expect(bundle.trustDomains == [domainA, domainB])
        #expect(try bundle.roots(of: domainA) == [a.der])
        #expect(try bundle.roots == [a.der, b.der])
        #expect(try bundle.roots(of: exampleDomain()).isEmpty)
        #expect(bundle.pem(of: domainA).hasPrefix("-----BEGIN CERTIFICATE-----\n"))
        #expect(bundle.pem(of: domainA).hasSuffix("-----END CERTIFICATE-----\n"))
    }

    @Test("equal bundles have the same generation and roots")
    func equality() throws {
        let (domain, root) = (try exampleDomain(), try CertificateFactory.root().der)
        let bundle = try TrustBundle([domain: [root]], generation: 1)
        #expect(try bundle == TrustBundle([domain: [root]], generation: 1))
        #expect(try bundle != TrustBundle([domain: [root]], generation: 2))
        #expect(try bundle != TrustBundle([domain: [CertificateFactory.root().der]], generation: 1))
    }

    @Test("what cannot be a root is refused by name")
    func refusals() throws {
        let domain = try exampleDomain()
        func message(_ der: [UInt8]) -> String {
            let error = identityError { try TrustBundle([domain: [der]], generation: 1) }
            #expect(error?.code == .invalidTrustBundle)
            return error?.message ?? ""
        }
        #expect(message([1, 2, 3]).contains("root 1 of example.org (3 bytes) cannot be read"))
        #expect(message(Array(repeating: 0x30, count: 20_000)).contains("at most 16384"))
        #expect(message(try CertificateFactory.make(CertificateFactory.Leaf()).der).contains("cA true"))
        var withoutUsage = CertificateFactory.signerContents()
        withoutUsage.keyUsage = KeyUsage(digitalSignature: true)
        #expect(message(try CertificateFactory.make(withoutUsage).der).contains("keyCertSign"))
        #expect(message(try CertificateFactory.root(of: "other").der).contains("spiffe://example.org"))
        var twoURIs = CertificateFactory.signerContents()
        twoURIs.names.append(.uniformResourceIdentifier("spiffe://example.org"))
        #expect(message(try CertificateFactory.make(twoURIs).der).contains("at most one URI"))
    }

    @Test("a bundle has at most 256 roots")
    func count() throws {
        let root = try CertificateFactory.root().der
        let error = identityError {
            try TrustBundle([exampleDomain(): Array(repeating: root, count: 257)], generation: 1)
        }
        #expect(error?.message.contains("257") == true)
    }

    @Test("a root without a URI serves the domain that it is given for")
    func foreignRoot() throws {
        var contents = CertificateFactory.signerContents()
        contents.names = []
        let root = try CertificateFactory.make(contents)
        #expect(try TrustBundle([exampleDomain(): [root.der]], generation: 1).roots.count == 1)
    }

    @Test("a pinned root is found among what a server presents and names its own domain")
    func pinning() throws {
        let root = try CertificateFactory.root()
        let leaf = try CertificateFactory.make(CertificateFactory.Leaf(), signer: root)
        let bundle = try TrustBundle(pinning: SHA256Fingerprint(of: root.der), in: [leaf.der, root.der])
        #expect(try bundle.trustDomains == [exampleDomain()])
        #expect(try bundle.roots == [root.der])
    }

    @Test("a chain without the pinned root is refused, and a pinned leaf is no root")
    func pinningRefusals() throws {
        let root = try CertificateFactory.root()
        let leaf = try CertificateFactory.make(CertificateFactory.Leaf(), signer: root)
        let other = SHA256Fingerprint(of: try CertificateFactory.root().der)
        #expect(identityError { try TrustBundle(pinning: other, in: [leaf.der, root.der]) }?.code == .rootNotPinned)
        #expect(identityError { try TrustBundle(pinning: other, in: []) }?.code == .rootNotPinned)
        let pinnedLeaf = SHA256Fingerprint(of: try leaf.der)
        #expect(identityError { try TrustBundle(pinning: pinnedLeaf, in: [leaf.der]) }?.code == .invalidTrustBundle)
    }

    @Test("a federated domain is put in, replaced by what it published later, and taken out")
    func federation() throws {
        let (home, partner) = (try exampleDomain(), try TrustDomain(parsing: "partner.example"))
        let own = try TrustBundle([home: [CertificateFactory.root().der]], generation: 1)
        func published(_ sequence: UInt64?, roots: Int = 2) throws -> TrustDomainBundle {
            let roots = try (0..<roots).map { _ in try CertificateFactory.root(of: "partner.example").der }
            return try TrustDomainBundle(
                partner, roots: roots, jwtKeys: [JWTKey(JWTKeyTests.elliptic())], sequence: sequence)
        }
        let third = try published(3)
        let federated = try own.replacing(third, generation: 2)
        #expect(federated.trustDomains == [home, partner])
        #expect(federated[partner] == third)
        #expect(federated[home] == own[home])
        #expect(federated.generation == 2)
        let stale = identityError { try federated.replacing(published(2), generation: 3) }
        #expect(stale?.code == .staleTrustBundle)
        let uncounted = identityError { try federated.replacing(published(nil), generation: 3) }
        #expect(uncounted?.code == .staleTrustBundle)
        #expect(stale?.message == "expected bundle 3 of partner.example or a later one, found bundle 2")
        #expect(try federated.replacing(published(3), generation: 3)[partner]?.sequence == 3)
        #expect(try federated.replacing(published(.max), generation: 3)[partner]?.sequence == .max)
        #expect(try federated.removing(partner, generation: 3).trustDomains == [home])
        #expect(try federated.removing(partner, generation: 1) == own)
    }

    @Test("a domain has one bundle, and all together have no more roots and keys than one may have")
    func limits() throws {
        let domain = try TrustDomainBundle(exampleDomain())
        #expect(
            identityError { try TrustBundle([domain, domain], generation: 1) }?.message.contains("found two of") == true
        )
        let root = try CertificateFactory.root().der
        let full = try TrustDomainBundle(exampleDomain(), roots: Array(repeating: root, count: 200))
        var foreign = CertificateFactory.signerContents()
        foreign.names = []
        let other = try TrustDomainBundle(
            TrustDomain(parsing: "other"), roots: Array(repeating: CertificateFactory.make(foreign).der, count: 57))
        #expect(identityError { try TrustBundle([full, other], generation: 1) }?.message.contains("found 257") == true)
        let domains = try (0..<1_025).map { try TrustDomainBundle(TrustDomain(parsing: "d\($0)")) }
        #expect(
            identityError { try TrustBundle(domains, generation: 1) }?.message.contains("1024 trust domains") == true)
    }

    @Test("bundles that differ in a key of tokens are not equal")
    func keys() throws {
        let key = try JWTKey(JWTKeyTests.elliptic())
        let named = try JWTKey(key.parameters, identifier: "a")
        let limited = try JWTKey(key.parameters, algorithm: "ES256")
        let bundles = try [[], [key], [named], [limited], [key, named]].map { keys in
            try TrustBundle([TrustDomainBundle(exampleDomain(), jwtKeys: keys)], generation: 1)
        }
        #expect(Set(bundles).count == 5)
    }
}
