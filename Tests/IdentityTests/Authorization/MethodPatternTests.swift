import Testing

@testable import Identity

@Suite struct MethodPatternTests {
    @Test(
        "each written form matches what it says and no more",
        arguments: [
            ("*", ["a.B/C", "/metrics", ""], []),
            ("a.B/C", ["a.B/C"], ["a.B/D", "a.B/c", "a.B/C/", "A.B/C", "a.B"]),
            ("a.B/*", ["a.B/C", "a.B/"], ["a.BB/C", "a.B", "xa.B/C"]),
            ("/metrics", ["/metrics"], ["/metrics/", "/metricsx", "/metrics?x", "metrics"]),
            ("/v2/*", ["/v2/models", "/v2/models/a/infer", "/v2/"], ["/v2", "/v2x/a", "/V2/models"]),
            ("/*", ["/", "/a", "/a/b"], ["a.B/C"]),
        ])
    func matches(pattern: String, matching: [String], others: [String]) throws {
        let parsed = try MethodPattern(parsing: pattern)
        for text in matching { #expect(parsed.matches(text), "\(text)") }
        for text in others { #expect(!parsed.matches(text), "\(text)") }
        #expect(MethodPattern(parsed.description) == parsed)
        #expect(parsed.description == pattern)
    }

    @Test(
        "a path that a router may read in another way matches no prefix",
        arguments: [
            "/v2/../admin", "/v2/./a", "/v2//a", "/v2/%2e%2e/admin", "/v2/a%2Fb", "/v2/..", "/v2/a\\..\\b", "/v2//",
        ])
    func ambiguousPaths(path: String) throws {
        #expect(try !MethodPattern(parsing: "/v2/*").matches(path))
        #expect(try !MethodPattern(parsing: "/*").matches(path))
        #expect(try MethodPattern(parsing: "*").matches(path))
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", " ", "a", "a/", "/a/../b", "a/b/c", "a/b/*", "**", "a/**", "a*/b", "a/b*", "/v2/*/infer", "a b/c",
            "ä/b", "//a",
            "/a%20", String(repeating: "a", count: 2_000) + "/b",
        ])
    func refuses(text: String) {
        #expect(identityError { try MethodPattern(parsing: text) }?.code == .invalidPattern)
        #expect(MethodPattern(text) == nil)
    }
}
