import Testing

@testable import Identity

@Suite struct IdentityPatternTests {
    @Test(
        "each written form matches what it says and no more",
        arguments: [
            (
                "spiffe://d/ns/a", ["spiffe://d/ns/a"],
                ["spiffe://d/ns/ab", "spiffe://d/ns/a/b", "spiffe://d/ns/A", "spiffe://e/ns/a"]
            ),
            (
                "spiffe://d/ns/*", ["spiffe://d/ns/a", "spiffe://d/ns/a/b"],
                ["spiffe://d/ns", "spiffe://d/nsx/a", "spiffe://d", "spiffe://dd/ns/a", "spiffe://e/ns/a"]
            ),
            ("spiffe://d/*", ["spiffe://d/a", "spiffe://d/a/b"], ["spiffe://d", "spiffe://d.e/a", "spiffe://e/a"]),
            ("SPIFFE://D/ns/*", ["spiffe://d/ns/a"], ["spiffe://d/NS/a"]),
        ])
    func matches(pattern: String, matching: [String], others: [String]) throws {
        let parsed = try IdentityPattern(parsing: pattern)
        for text in matching { #expect(try parsed.matches(SPIFFEID(parsing: text)), "\(text)") }
        for text in others { #expect(try !parsed.matches(SPIFFEID(parsing: text)), "\(text)") }
        #expect(IdentityPattern(parsed.description) == parsed)
    }

    @Test("patterns made of values are the written ones")
    func values() throws {
        let id = try SPIFFEID(parsing: "spiffe://d/ns")
        #expect(try IdentityPattern.exact(id) == IdentityPattern(parsing: "spiffe://d/ns"))
        #expect(try IdentityPattern.below(id) == IdentityPattern(parsing: "spiffe://d/ns/*"))
        #expect(try IdentityPattern.trustDomain(id.trustDomain) == IdentityPattern(parsing: "spiffe://d/*"))
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", "*", "/*", "spiffe://d", "spiffe://*", "spiffe://*/a", "spiffe://d/a*", "spiffe://d/*/a",
            "spiffe://d/**",
            "spiffe://d/a/", "spiffe://d//*", "d/ns/a",
        ])
    func refuses(text: String) {
        #expect(identityError { try IdentityPattern(parsing: text) }?.code == .invalidPattern)
        #expect(IdentityPattern(text) == nil)
    }
}
