import Testing

@testable import Identity

@Suite struct SPIFFEIDTests {
    @Test(
        "a good ID is kept as it is written",
        arguments: [
            "spiffe://example.org", "spiffe://example.org/a", "spiffe://example.org/ns/prod/sa/api",
            "spiffe://a/A-z_0.9", "spiffe://a/...", "spiffe://a/.a", "spiffe://1.2.3.4/a..b",
        ])
    func accepts(text: String) throws {
        let id = try SPIFFEID(parsing: text)
        #expect(id.description == text)
        #expect(SPIFFEID(id.description) == id)
        #expect(id.isTrustDomain == id.path.isEmpty)
    }

    @Test("scheme and trust domain are read in any case, the path is not changed")
    func caseRules() throws {
        let id = try SPIFFEID(parsing: "SPIFFE://Example.ORG/Worker")
        #expect(id.description == "spiffe://example.org/Worker")
        #expect(try id != SPIFFEID(parsing: "spiffe://example.org/worker"))
    }

    @Test(
        "each rule of the standard is enforced",
        arguments: [
            ("", "begin with spiffe://"),
            ("https://example.org/a", "begin with spiffe://"),
            ("spiffe:/example.org/a", "begin with spiffe://"),
            ("spiffe//example.org", "begin with spiffe://"),
            (" spiffe://example.org/a", "begin with spiffe://"),
            ("spiffe://example.org/", "no '/' at the end"),
            ("spiffe://example.org/a/", "no '/' at the end"),
            ("spiffe://example.org//a", "not empty"),
            ("spiffe://example.org/a//b", "not empty"),
            ("spiffe://example.org/.", "no '.' or '..'"),
            ("spiffe://example.org/a/../b", "no '.' or '..'"),
            ("spiffe://example.org/a?b", "found '?'"),
            ("spiffe://example.org/a#b", "found '#'"),
            ("spiffe://example.org/a%20b", "found '%'"),
            ("spiffe://example.org/a b", "found byte 0x20"),
            ("spiffe://example.org/ä", "found byte 0xc3"),
            ("spiffe://example.org/a\u{0}", "found byte 0x0"),
            ("spiffe://example.org/*", "found '*'"),
        ])
    func refusesPath(text: String, rule: String) {
        let error = identityError { try SPIFFEID(parsing: text) }
        #expect(error?.code == .invalidSPIFFEID)
        #expect(error?.message.contains(rule) == true)
        #expect(SPIFFEID(text) == nil)
    }

    @Test(
        "user, port, query and fragment are no part of a trust domain",
        arguments: ["spiffe://", "spiffe:///a", "spiffe://u@d/a", "spiffe://d:80/a", "spiffe://d?q", "spiffe://d#f"])
    func refusesDomain(text: String) {
        #expect(identityError { try SPIFFEID(parsing: text) }?.code == .invalidTrustDomain)
    }

    @Test("an ID has at most 2048 bytes")
    func length() throws {
        let start = "spiffe://example.org/"
        let longest = start + String(repeating: "a", count: 2_048 - start.utf8.count)
        #expect(try SPIFFEID(parsing: longest).description.utf8.count == 2_048)
        #expect(identityError { try SPIFFEID(parsing: longest + "a") }?.message.contains("2049") == true)
        let domain = try exampleDomain()
        #expect(identityError { try SPIFFEID(domain, path: longest) }?.code == .invalidSPIFFEID)
    }

    @Test("an ID made of parts keeps the same rules")
    func parts() throws {
        let domain = try exampleDomain()
        #expect(try SPIFFEID(domain, path: "/worker/0").description == "spiffe://example.org/worker/0")
        #expect(try SPIFFEID(domain, path: "") == domain.id)
        #expect(identityError { try SPIFFEID(domain, path: "worker") }?.message.contains("begin with '/'") == true)
        #expect(identityError { try SPIFFEID(domain, path: "/") }?.code == .invalidSPIFFEID)
    }

    @Test("IDs are ordered by domain, then path")
    func order() throws {
        let sorted = ["spiffe://a/z", "spiffe://b", "spiffe://b/A", "spiffe://b/a"]
        #expect(try sorted.shuffled().map { try SPIFFEID(parsing: $0) }.sorted().map(\.description) == sorted)
    }

    @Test("text from outside is quoted and cut in messages")
    func quoting() {
        let error = identityError { try SPIFFEID(parsing: "x\n" + String(repeating: "y", count: 500)) }
        #expect(error?.message.contains("\\n") == true)
        #expect((error?.message.count ?? 999) < 200)
    }
}
