import Testing

@testable import Identity

@Suite struct TrustDomainTests {
    @Test(
        "a trust domain has lower-case letters, digits, dots, hyphens and underscores",
        arguments: ["a", "example.org", "1.2.3.4", "a_b-c.d", "cluster.local"])
    func accepts(name: String) throws {
        let domain = try TrustDomain(parsing: name)
        #expect(domain.name == name)
        #expect(domain.description == name)
        #expect(domain.id.description == "spiffe://\(name)")
    }

    @Test("upper-case letters are read as lower case, so two spellings are one domain")
    func caseInsensitive() throws {
        #expect(try TrustDomain(parsing: "Example.ORG") == TrustDomain(parsing: "example.org"))
    }

    @Test("a trust domain has at most 255 bytes")
    func length() throws {
        #expect(try TrustDomain(parsing: String(repeating: "a", count: 255)).name.count == 255)
        let error = identityError { try TrustDomain(parsing: String(repeating: "a", count: 256)) }
        #expect(error?.code == .invalidTrustDomain)
        #expect(error?.message.contains("256") == true)
    }

    @Test(
        "anything else is refused and the offender named",
        arguments: [
            ("", "none"), ("a b", "0x20"), ("a:80", "':'"), ("u@d", "'@'"), ("a%2e", "'%'"), ("a/b", "'/'"),
            ("é", "0xc3"),
            ("a\u{0}", "0x0"), ("[::1]", "'['"),
        ])
    func refuses(name: String, offender: String) {
        let error = identityError { try TrustDomain(parsing: name) }
        #expect(error?.code == .invalidTrustDomain)
        #expect(error?.message.contains(offender) == true)
        #expect(TrustDomain(name) == nil)
    }

    @Test("domains are ordered by their bytes")
    func order() throws {
        #expect(try TrustDomain(parsing: "a.b") < TrustDomain(parsing: "a.c"))
        #expect(try TrustDomain(parsing: "a-b") < TrustDomain(parsing: "a.b"))
    }
}
