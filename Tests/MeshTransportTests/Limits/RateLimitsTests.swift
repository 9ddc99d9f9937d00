import Identity
import MeshWire
import TestSupport
import Testing

@testable import MeshTransport

@Suite struct RateLimitsTests {
    private func peer(_ name: String) throws -> SPIFFEID { try SPIFFEID(parsing: "spiffe://d/\(name)") }

    /// How many of `count` calls pass at once, and the rule that the next is over.
    private func passing(
        _ limits: RateLimits, _ method: String, _ peer: SPIFFEID?, of count: Int = 100, at time: Double = 1
    ) -> (count: Int, rule: String?) {
        guard let buckets = limits.buckets(method: method, peer: peer, now: .at(.seconds(time))) else {
            return (count, nil)
        }
        for passed in 0..<count {
            if let excess = buckets.take(now: .at(.seconds(time))) { return (passed, excess.rule) }
        }
        return (count, nil)
    }

    @Test("each caller has its own limit, some a special one, and all together one")
    func rules() throws {
        let limits = try RateLimits(
            RateLimitPolicy(rules: [
                RateLimitRule(
                    "s", methods: ["s/*"], total: Rate(perSecond: 20), perIdentity: Rate(perSecond: 5),
                    overrides: [.init(identities: ["spiffe://d/batch/*"], Rate(perSecond: 2))])
            ]))
        #expect(passing(limits, "s/a", try peer("x")) == (5, "s"))
        // The method is not what is counted by.
        #expect(passing(limits, "s/b", try peer("x")) == (0, "s"))
        #expect(passing(limits, "s/a", try peer("batch/1")) == (2, "s"))
        #expect(passing(limits, "s/a", nil) == (5, "s"))
        #expect(passing(limits, "s/a", try peer("y")) == (5, "s"))
        // Of twenty, seventeen are gone; what the total refuses costs the caller nothing.
        #expect(passing(limits, "s/a", try peer("z")) == (3, "s"))
        #expect(passing(limits, "s/a", try peer("z"), at: 1.11) == (2, "s"))
        #expect(passing(limits, "t/a", try peer("x")) == (100, nil))
    }

    @Test("a call counts in every rule that names it, or in none")
    func severalRules() throws {
        let limits = try RateLimits(
            RateLimitPolicy(rules: [
                RateLimitRule("all", perIdentity: Rate(perSecond: 10)),
                RateLimitRule("slow", methods: ["s/slow"], total: Rate(perSecond: 1)),
            ]))
        #expect(passing(limits, "s/slow", try peer("x")) == (1, "slow"))
        #expect(passing(limits, "s/fast", try peer("x")) == (9, "all"))
    }

    @Test("callers beyond those that are told apart share a limit, until others are idle")
    func manyCallers() throws {
        var policy = RateLimitPolicy(rules: [RateLimitRule("each", perIdentity: Rate(perSecond: 1))])
        policy.identities = 2
        let limits = try RateLimits(policy)
        for name in ["a", "b", "c"] { #expect(passing(limits, "m/m", try peer(name)).count == 1) }
        #expect(passing(limits, "m/m", try peer("d")).count == 0)
        #expect(passing(limits, "m/m", try peer("d"), at: 10).count == 1)
        #expect(passing(limits, "m/m", try peer("e"), at: 10).count == 1)
    }

    @Test("every problem of a policy is named")
    func problems() async {
        var policy = RateLimitPolicy(rules: [
            RateLimitRule("", methods: [], total: Rate(perSecond: 0)),
            RateLimitRule("x", methods: ["a"], perIdentity: Rate(perSecond: 1, burst: 0)),
            RateLimitRule("x", overrides: [.init(identities: ["nobody"], Rate(perSecond: .nan))]),
        ])
        policy.identities = 0
        let error = await meshError { [policy] in _ = try RateLimits(policy) }
        for part in [
            "identities must be at least 1", "rule 1 (\"\"): expected a name", "expected at least one method",
            "rule 1 (\"\"): expected a rate", "found \"a\"", "rule 2 (\"x\"): expected a rate",
            "rule 3 (\"x\"): the name",
            "\"nobody\"", "rule 3 (\"x\"): expected a rate",
        ] { #expect(error?.message.contains(part) == true, "\(part)") }
    }
}
