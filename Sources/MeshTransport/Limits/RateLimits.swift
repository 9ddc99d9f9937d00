import Identity
import MeshWire
import Synchronization

/// A rate limit policy in force. Safe from any thread.
final class RateLimits: Sendable {
    /// What one caller's calls of one method count in: looked up once for a connection.
    struct Buckets: Sendable {
        fileprivate let entries: [Entry]

        fileprivate struct Entry: Sendable {
            let rule: String
            let identity: RateBucket?
            let total: RateBucket?
        }

        /// Takes a call in all of them, or in none.
        func take(now: RuntimeInstant) -> Excess? {
            for (index, entry) in entries.enumerated() {
                var wait = entry.identity?.take(now: now)
                if wait == nil, let tooEarly = entry.total?.take(now: now) {
                    entry.identity?.giveBack()
                    wait = tooEarly
                }
                guard let wait else { continue }
                for taken in entries[..<index] {
                    taken.identity?.giveBack()
                    taken.total?.giveBack()
                }
                return Excess(rule: entry.rule, wait: .nanoseconds(wait))
            }
            return nil
        }
    }

    /// A call that is too many.
    struct Excess: Equatable {
        /// The rule that says so.
        let rule: String
        /// When there will be room.
        let wait: Duration
    }

    private final class Rule: Sendable {
        /// The rule as it is written.
        let source: RateLimitRule
        let methods: [MethodPattern]
        let total: RateBucket?
        private var perIdentity: Rate? { source.perIdentity }
        /// The last of each for callers beyond the limit of those that are told apart.
        private let overrides: [(identities: [IdentityPattern], rate: Rate, others: RateBucket)]
        let most: Int
        private let known = Mutex<[SPIFFEID?: RateBucket]>([:])
        /// Of the callers beyond the limit of those that are told apart.
        private let others: RateBucket?

        init(
            _ rule: RateLimitRule, methods: [MethodPattern], overrides: [(identities: [IdentityPattern], rate: Rate)],
            most: Int
        ) {
            source = rule
            self.methods = methods
            total = rule.total.map { RateBucket($0) }
            self.overrides = overrides.map { ($0.identities, $0.rate, RateBucket($0.rate)) }
            self.most = most
            others = rule.perIdentity.map { RateBucket($0) }
        }

        func bucket(of peer: SPIFFEID?, now: RuntimeInstant) -> RateBucket? {
            let special = peer.flatMap { peer in
                overrides.first { $0.identities.contains { $0.matches(peer) } }
            }
            guard let rate = special?.rate ?? perIdentity else { return nil }
            return known.withLock { known in
                if let bucket = known[peer] { return bucket }
                if known.count >= most { known = known.filter { !$0.value.isIdle(now: now) } }
                guard known.count < most else { return special?.others ?? others }
                let bucket = RateBucket(rate)
                known[peer] = bucket
                return bucket
            }
        }
    }

    private let rules: [Rule]

    /// - Parameter old: what was in force; what has come so far counts on in rules that stay as they were.
    /// - Throws: ``MeshError/Code/invalidConfiguration`` that lists every problem.
    init(_ policy: RateLimitPolicy, keeping old: RateLimits? = nil) throws(MeshError) {
        var reader = RuleReader()
        var rules: [Rule] = []
        for rule in policy.rules {
            reader.begin(rule.name)
            for rate in [rule.total, rule.perIdentity].compactMap({ $0 }) + rule.overrides.map(\.rate)
            where !(rate.perSecond > 0 && rate.perSecond <= 1e9) || rate.burst < 1 || rate.burst > 1_000_000_000 {
                reader.note("expected a rate above 0 and a burst of at least 1, up to 1e9, found \(rate)")
            }
            let methods = reader.methods(rule.methods)
            let overrides = rule.overrides.map { (identities: reader.identities($0.identities), rate: $0.rate) }
            // A bucket is made of a rate that can be.
            guard reader.problems.isEmpty else { continue }
            if let same = old?.rules.first(where: { $0.source == rule && $0.most == policy.identities }) {
                rules.append(same)
                continue
            }
            rules.append(Rule(rule, methods: methods, overrides: overrides, most: policy.identities))
        }
        var problems = reader.problems
        if policy.identities < 1 { problems.append("identities must be at least 1, is \(policy.identities)") }
        guard problems.isEmpty else { throw MeshError(.invalidConfiguration, problems.joined(separator: "; ")) }
        self.rules = rules
    }

    /// How long a call would have to wait for each rule that it counts in. Nothing counts.
    func waits(method: String, peer: SPIFFEID?, now: RuntimeInstant) -> [String: Duration] {
        let entries = buckets(method: method, peer: peer, now: now)?.entries ?? []
        return Dictionary(
            entries.map { entry in
                let wait = max(entry.identity?.wait(now: now) ?? 0, entry.total?.wait(now: now) ?? 0)
                return (entry.rule, .nanoseconds(wait))
            }, uniquingKeysWith: { max($0, $1) })
    }

    /// What the calls of `method` by `peer` count in; `nil` if there is no limit.
    func buckets(method: String, peer: SPIFFEID?, now: RuntimeInstant) -> Buckets? {
        let entries = rules.filter { rule in rule.methods.contains { $0.matches(method) } }.map {
            Buckets.Entry(rule: $0.source.name, identity: $0.bucket(of: peer, now: now), total: $0.total)
        }
        return entries.isEmpty ? nil : Buckets(entries: entries)
    }
}
