/// How many calls may come in a time, and how many of them at once.
public struct Rate: Sendable, Hashable {
    /// The calls a second, in the long run. Above 0.
    public var perSecond: Double
    /// The most that may come at once after a pause. At least 1; default as many as in a second, as Linkerd's.
    public var burst: Int

    /// Makes a rate.
    public init(perSecond: Double, burst: Int? = nil) {
        self.perSecond = perSecond
        self.burst = burst ?? (perSecond >= 1 ? Int(min(perSecond, 1e9)) : 1)
    }
}

/// How many calls a server takes, in all and of each caller.
///
/// ```swift
/// RateLimitPolicy(rules: [
///     RateLimitRule(
///         "scoring", methods: ["shop.Scoring/*"], total: Rate(perSecond: 5_000), perIdentity: Rate(perSecond: 100),
///         overrides: [.init(identities: ["spiffe://shop.example/batch/*"], Rate(perSecond: 10))])
/// ])
/// ```
/// A call counts in every rule that names its method, and runs if all of them let it. One that does not is answered
/// ``/MeshWire/CallStatus/resourceExhausted`` before it runs, with the time after which it may come again, which clients of
/// the mesh obey and their balancers mind; over HTTP that is 429 with `Retry-After`.
public struct RateLimitPolicy: Sendable, Hashable {
    /// The rules. Default none: no limit.
    public var rules: [RateLimitRule]
    /// The most callers that each rule tells apart at a time; further ones share one limit. Default 10,000.
    public var identities = 10_000

    /// Makes a policy.
    public init(rules: [RateLimitRule] = []) { self.rules = rules }
}

/// A rule of a ``RateLimitPolicy``.
public struct RateLimitRule: Sendable, Hashable {
    /// What some callers have in place of ``RateLimitRule/perIdentity``.
    public struct Override: Sendable, Hashable {
        /// `IdentityPattern`s as text.
        public var identities: [String]
        /// What each of them may.
        public var rate: Rate

        /// Makes an override.
        public init(identities: [String], _ rate: Rate) {
            self.identities = identities
            self.rate = rate
        }
    }

    /// The rule's name in logs and metrics; unique in its policy.
    public var name: String
    /// `MethodPattern`s as text. Default all.
    public var methods: [String]
    /// What all callers together may; `nil` for any number.
    public var total: Rate?
    /// What each caller may; `nil` for any number. Callers without an identity count as one.
    public var perIdentity: Rate?
    /// What some may instead; the first that names a caller counts.
    public var overrides: [Override]

    /// Makes a rule.
    public init(
        _ name: String, methods: [String] = ["*"], total: Rate? = nil, perIdentity: Rate? = nil,
        overrides: [Override] = []
    ) {
        self.name = name
        self.methods = methods
        self.total = total
        self.perIdentity = perIdentity
        self.overrides = overrides
    }
}
