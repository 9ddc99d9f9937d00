import Testing

@testable import Identity

@Suite struct AuthorizationPolicyTests {
    typealias Rule = AuthorizationPolicy.Rule

    static func policy() throws -> AuthorizationPolicy {
        try AuthorizationPolicy(rules: [
            Rule("first worker", methods: ["p.Tables/Push"], identities: ["spiffe://d/worker/0"]),
            Rule("workers", methods: ["p.Tables/*"], identities: ["spiffe://d/worker/*", "spiffe://d/replay"]),
            Rule("operators", methods: ["/metrics", "/v2/*"], identities: ["spiffe://d/operator"]),
            Rule("root", methods: ["*"], identities: ["spiffe://admin/*"]),
        ])
    }

    @Test(
        "the first rule that allows a call is named, and what none allows is denied",
        arguments: [
            ("p.Tables/Push", "spiffe://d/worker/0", "first worker"),
            ("p.Tables/Pull", "spiffe://d/worker/0", "workers"),
            ("p.Tables/Push", "spiffe://d/worker/1", "workers"), ("p.Tables/Push", "spiffe://d/replay", "workers"),
            ("p.Tables/Push", "spiffe://d/operator", nil), ("/metrics", "spiffe://d/operator", "operators"),
            ("/v2/models/a", "spiffe://d/operator", "operators"), ("/v2", "spiffe://d/operator", nil),
            ("/metrics", "spiffe://d/worker/0", nil), ("p.Tables/Push", "spiffe://e/worker/0", nil),
            ("anything/At", "spiffe://admin/x", "root"),
        ] as [(String, String, String?)])
    func decides(method: String, peer: String, rule: String?) throws {
        let decision = try Self.policy().decide(method: method, peer: SPIFFEID(parsing: peer))
        #expect(decision == rule.map { .allow(rule: $0) } ?? .deny)
        #expect(decision.isAllowed == (rule != nil))
    }

    @Test("a policy without rules denies everything")
    func denyAll() throws {
        let peer = try SPIFFEID(parsing: "spiffe://d/a")
        #expect(AuthorizationPolicy.denyAll.decide(method: "a/b", peer: peer) == .deny)
        #expect(try AuthorizationPolicy(rules: []) == .denyAll)
    }

    @Test("callers without an identity are allowed what a rule names for them, and nothing else")
    func withoutIdentity() throws {
        let policy = try AuthorizationPolicy(rules: [
            Rule("workers", methods: ["*"], identities: ["spiffe://d/*"]),
            Rule("probes", methods: ["/healthz"], callersWithoutIdentity: true),
        ])
        #expect(policy.decide(method: "/healthz", peer: nil) == .allow(rule: "probes"))
        #expect(policy.decide(method: "/metrics", peer: nil) == .deny)
        #expect(policy.decide(method: "/healthz", peer: try SPIFFEID(parsing: "spiffe://e/a")) == .deny)
        #expect(try Self.policy().decide(method: "p.Tables/Push", peer: nil) == .deny)
    }

    @Test("every problem of every rule is reported at once")
    func problems() {
        let error = identityError {
            try AuthorizationPolicy(rules: [
                Rule("", methods: ["a"], identities: []), Rule("x", methods: [], identities: ["spiffe://d", "nobody"]),
                Rule("x", methods: ["a/b"], identities: ["spiffe://d/a"]),
            ])
        }
        #expect(error?.code == .invalidPolicy)
        let expected = [
            "rule 1 (\"\"): expected a name", "rule 1 (\"\"): expected at least one identity", "found \"a\"",
            "rule 2 (\"x\"): expected at least one method", "\"spiffe://d\"", "\"nobody\"",
            "rule 3 (\"x\"): the name is taken",
        ]
        for part in expected { #expect(error?.message.contains(part) == true, "\(part)") }
    }
}
