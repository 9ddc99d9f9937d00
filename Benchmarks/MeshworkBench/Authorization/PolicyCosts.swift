import Identity

/// What a decision costs, beside asking the same rules in their order, which is what it takes without tables.
enum PolicyCosts: Benchmark {
    static let name = "policy"
    static let summary = "a decision of policies of 10 to 10,000 rules"

    /// Nanoseconds that a decision of 10,000 rules may take.
    private static let target = 1_000.0
    private static let peer = "rules in order"

    /// A rule as the peer asks it.
    private struct OrderedRule {
        let methods: [MethodPattern]
        let identities: [IdentityPattern]

        func names(_ method: String, _ peer: SPIFFEID) -> Bool {
            methods.contains { $0.matches(method) } && identities.contains { $0.matches(peer) }
        }
    }

    static func run(isQuick: Bool, into report: inout Report) async throws {
        var rounds = Rounds(count: isQuick ? 5 : 15)
        let sizes = [10, 100, 1_000, 10_000]
        for _ in 0..<rounds.count {
            for size in sizes { try measure(size, isQuick ? 2_000 : 20_000, &rounds) }
        }
        for size in sizes {
            for (call, of) in [("allowed", "allowed"), ("denied", "refused")] {
                let ours = rounds.median("\(call) \(size)")
                report.add(
                    Figure(
                        benchmark: name, name: "a call that is \(of), \(size) rules", unit: "ns", ours: ours,
                        peer: rounds.median("\(call) \(size) in order"), peerName: peer, better: .lower, target: nil,
                        threads: 1))
                guard size == 10_000 else { continue }
                report.add(
                    Figure(
                        benchmark: name, name: "a call that is \(of), \(size) rules, by itself", unit: "ns", ours: ours,
                        peer: nil, peerName: nil, better: .lower, target: target, threads: 1))
            }
        }
    }

    /// Rules as a mesh has them: each service lets a few workloads call a method, a team call another one's prefix, and one
    /// in a hundred lets everybody below a name in.
    private static func rules(_ count: Int) -> [AuthorizationPolicy.Rule] {
        (0..<count).map { number in
            let service = "shop\(number / 4).Service"
            let callers =
                number % 100 == 99
                ? ["spiffe://shop.example/ns/team\(number % 50)/*"]
                : (0..<3).map { "spiffe://shop.example/ns/team\((number + $0) % 50)/sa/front\(number)" }
            let method = number % 4 == 3 ? "\(service)/*" : "\(service)/Method\(number % 4)"
            return AuthorizationPolicy.Rule("rule-\(number)", methods: [method], identities: callers)
        }
    }

    private static func measure(_ size: Int, _ steps: Int, _ rounds: inout Rounds) throws {
        let rules = rules(size)
        let policy = try AuthorizationPolicy(rules: rules)
        let ordered = try rules.map { rule in
            OrderedRule(
                methods: try rule.methods.map { try MethodPattern(parsing: $0) },
                identities: try rule.identities.map { try IdentityPattern(parsing: $0) })
        }
        let allowed = try calls(size) { "spiffe://shop.example/ns/team\($0 % 50)/sa/front\($0)" }
        let denied = try calls(size) { "spiffe://shop.example/ns/team\($0 % 50)/sa/other\($0)" }
        for (name, calls, isAllowed) in [("allowed", allowed, true), ("denied", denied, false)] {
            var count = 0
            rounds.add(
                StepTimer.nanoseconds(steps) { step in
                    let (method, peer) = calls[step & 63]
                    if policy.decide(method: method, peer: peer).isAllowed { count += 1 }
                }, to: "\(name) \(size)")
            precondition(count == (isAllowed ? steps : 0), "\(count) of \(steps) calls are allowed")
            // It is slow: a few times are enough.
            let few = max(64, steps * 10 / size)
            rounds.add(
                StepTimer.nanoseconds(few) { step in
                    let (method, peer) = calls[step & 63]
                    if ordered.contains(where: { $0.names(method, peer) }) { count += 1 }
                }, to: "\(name) \(size) in order")
            precondition(count == (isAllowed ? steps + few : 0), "the two do not agree")
        }
    }

    /// Calls of 64 rules, spread evenly over all but those that let everybody below a name in.
    private static func calls(
        _ size: Int, caller: (Int) -> String
    ) throws -> [(method: String, peer: SPIFFEID)] {
        try (0..<64).map { index in
            var number = index * size / 64
            if number % 100 == 99 { number -= 1 }
            let method = "shop\(number / 4).Service/" + (number % 4 == 3 ? "Other" : "Method\(number % 4)")
            return (method, try SPIFFEID(parsing: caller(number)))
        }
    }
}
