import Testing

@testable import Identity

/// A policy's decisions beside those of its rules, asked one by one.
@Suite struct AuthorizationIndexTests {
    typealias Rule = AuthorizationPolicy.Rule

    /// The first rule that allows a call, found the long way.
    private static func first(_ rules: [Rule], _ method: String, _ peer: SPIFFEID?, _ address: IPAddress?) -> String? {
        rules.first { rule in
            let isMeant =
                peer.map { peer in
                    rule.identities.contains { (try? IdentityPattern(parsing: $0))?.matches(peer) == true }
                } ?? rule.callersWithoutIdentity
            let isFrom =
                rule.networks.isEmpty
                || rule.networks.contains { network in
                    address.map { (try? NetworkPattern(parsing: network))?.matches($0) == true } ?? false
                }
            return isMeant && isFrom
                && rule.methods.contains { (try? MethodPattern(parsing: $0))?.matches(method) == true }
        }?.name
    }

    @Test("decisions are those of the rules in order", arguments: 1...40 as ClosedRange<UInt64>)
    func sameAsRules(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        func pick(_ choices: [String]) -> String { choices.randomElement(using: &generator) ?? "" }
        let methods = [
            "a/b", "a/c", "a.b/c", "/", "/v2", "/v2/", "/v2/models", "/v2/models/x", "/v2//x", "/v2/../x", "ab/c",
        ]
        let patterns = ["*", "a/*", "a.b/*", "/v2/*", "/v2/models/*", "a/b", "/v2/", "/v2", "/*", "ab/c"]
        let peers = ["d/w", "d/w/1", "d/w/1/2", "d/wx", "e/w/1", "d/w-1"]
        let callers = ["d/*", "d/w/*", "d/w", "d/w/1", "e/*", "d/wx", "d/w/1/*"].map { "spiffe://" + $0 }
        let rules = (0..<Int.random(in: 1...30, using: &generator)).map { number in
            Rule(
                "\(number)", methods: (0...Int.random(in: 0...3, using: &generator)).map { _ in pick(patterns) },
                identities: (0...Int.random(in: 0...3, using: &generator)).map { _ in pick(callers) },
                callersWithoutIdentity: Bool.random(using: &generator),
                networks: Bool.random(using: &generator) ? [] : [pick(["10.0.0.0/8", "192.0.2.0/24"])])
        }
        let policy = try AuthorizationPolicy(rules: rules)
        for method in methods {
            for peer in [nil] + peers.map({ try? SPIFFEID(parsing: "spiffe://" + $0) }) {
                for address in [nil, IPAddress("10.1.1.1"), IPAddress("192.0.2.1")] {
                    let expected = Self.first(rules, method, peer, address)
                    let decision = policy.decide(method: method, peer: peer, address: address)
                    #expect(
                        decision == expected.map { .allow(rule: $0) } ?? .deny,
                        "seed \(seed): \(method) of \(peer as Any)"
                    )
                }
            }
        }
    }

    @Test("a rule with more pairs than are listed decides like the others, in its place")
    func wide() throws {
        let many = (0..<100).map { "s\($0)/m" }
        let callers = (0..<100).map { "spiffe://d/c\($0)" }
        let policy = try AuthorizationPolicy(rules: [
            Rule("before", methods: ["s1/m"], identities: ["spiffe://d/c1"]),
            Rule("wide", methods: many, identities: callers),
            Rule("after", methods: ["*"], identities: ["spiffe://d/*"]),
        ])
        func rule(_ method: String, _ peer: String) throws -> AuthorizationPolicy.Decision {
            policy.decide(method: method, peer: try SPIFFEID(parsing: "spiffe://d/\(peer)"))
        }
        #expect(try rule("s1/m", "c1") == .allow(rule: "before"))
        #expect(try rule("s2/m", "c1") == .allow(rule: "wide"))
        #expect(try rule("s2/m", "other") == .allow(rule: "after"))
    }

    @Test("a rule asks for claims and networks, and a policy that is tried out refuses nothing")
    func conditions() throws {
        let rules = [
            Rule(
                "team", methods: ["a/*"], identities: ["spiffe://d/*"], networks: ["10.0.0.0/8"],
                claims: ["team": ["red", "blue"], "mfa": ["*"]])
        ]
        let policy = try AuthorizationPolicy(rules: rules)
        #expect(policy.looksAtClaims)
        let peer = try SPIFFEID(parsing: "spiffe://d/x")
        let inside = IPAddress("10.0.0.1")
        for (address, claims, isAllowed) in [
            (inside, ["team": ["green", "blue"], "mfa": ["totp"]], true), (inside, ["team": ["blue"]], false),
            (inside, ["team": ["blue"], "mfa": []], false), (nil, ["team": ["blue"], "mfa": ["x"]], false),
            (IPAddress("11.0.0.1"), ["team": ["blue"], "mfa": ["x"]], false), (inside, [:], false),
        ] as [(IPAddress?, [String: [String]], Bool)] {
            let decision = policy.decide(method: "a/b", peer: peer, address: address, claims: claims)
            #expect(decision == (isAllowed ? .allow(rule: "team") : .deny))
        }
        #expect(policy.mayAllow(method: "a/b", peer: peer, address: inside))
        #expect(
            !policy.mayAllow(method: "a/b", peer: peer) && !policy.mayAllow(method: "b/b", peer: peer, address: inside))
        let trial = try AuthorizationPolicy(rules: rules, mode: .audit)
        #expect(trial.decide(method: "a/b", peer: peer) == .audit)
        #expect(trial.decide(method: "a/b", peer: peer).isAllowed && trial != policy)
    }
}
