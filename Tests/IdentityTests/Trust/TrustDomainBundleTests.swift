import Testing
import X509

@testable import Identity

@Suite struct TrustDomainBundleTests {
    @Test("a domain has several roots and keys, in the order given")
    func several() throws {
        let roots = try (0..<3).map { try CertificateFactory.root(subject: "root \($0)").der }
        let keys = try (0..<2).map { try JWTKey(JWTKeyTests.elliptic(), identifier: "key \($0)") }
        let bundle = try TrustDomainBundle(exampleDomain(), roots: roots, jwtKeys: keys, sequence: 4)
        #expect(bundle.roots == roots)
        #expect(bundle.jwtKeys == keys)
        #expect(bundle.jwtKey("key 1") == keys[1])
        #expect(bundle.jwtKey("key 2") == nil)
        #expect(bundle.refreshHint == .seconds(300))
        #expect(bundle.pem.split(separator: "-----BEGIN CERTIFICATE-----\n").count == 3)
    }

    @Test("an identifier is compared by its bytes, and may be there once only")
    func identifiers() throws {
        let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
        let keys = try [composed, decomposed].map { try JWTKey(JWTKeyTests.elliptic(), identifier: $0) }
        let bundle = try TrustDomainBundle(exampleDomain(), jwtKeys: keys)
        #expect(bundle.jwtKey(decomposed)?.parameters == keys[1].parameters)
        let error = identityError { try TrustDomainBundle(exampleDomain(), jwtKeys: [keys[0], keys[0]]) }
        #expect(error?.code == .invalidTrustBundle)
        #expect(error?.message.contains("one JWT key of example.org for each kid") == true)
    }

    @Test("counts and the refresh hint have limits")
    func limits() throws {
        let root = try CertificateFactory.root().der
        let tooMany = identityError {
            try TrustDomainBundle(exampleDomain(), roots: Array(repeating: root, count: 257))
        }
        #expect(tooMany?.message.contains("at most 256 roots of example.org, found 257") == true)
        for hint in [.zero, .milliseconds(1_500), .seconds(-1), .seconds(31_536_001)] as [Duration] {
            let error = identityError { try TrustDomainBundle(exampleDomain(), refreshHint: hint) }
            #expect(error?.message.contains("refresh hint") == true)
        }
    }

    @Test("a root that cannot serve is refused by its place")
    func roots() throws {
        let good = try CertificateFactory.root().der
        let other = try CertificateFactory.root(of: "other.example").der
        let error = identityError { try TrustDomainBundle(exampleDomain(), roots: [good, other]) }
        #expect(error?.code == .invalidTrustBundle)
        #expect(error?.message.hasPrefix("root 2 of example.org: expected a signer's URI") == true)
    }
}
