public import Identity

/// The limits of an ``IssuanceServer``.
public struct IssuanceConfiguration: Sendable, Hashable {
    /// How long a join token can be used, in whole seconds. Default 10 minutes.
    public var tokenLifetime: Duration = .seconds(600)
    /// How many workloads may join in a second, in the long run. Default 50; anybody can reach the join listener.
    public var joinsPerSecond = 50.0
    /// How many may join at once after a quiet time. Default 100.
    public var joinBurst = 100.0
    /// How many workloads are remembered for renewal. Default 100,000.
    public var workloads = 100_000

    /// Makes the defaults.
    public init() {}

    /// Checks every property.
    ///
    /// - Throws: `IdentityError` with code `invalidConfiguration` that lists every problem.
    public func validate() throws(IdentityError) {
        var problems: [String] = []
        if tokenLifetime < .seconds(1) {
            problems.append("tokenLifetime: expected 1 s or more, found \(tokenLifetime)")
        }
        if !(joinsPerSecond > 0 && joinsPerSecond.isFinite) {
            problems.append("joinsPerSecond: expected a number above 0, found \(joinsPerSecond)")
        }
        // With less than one nobody would ever be admitted.
        if !(joinBurst >= 1 && joinBurst.isFinite) {
            problems.append("joinBurst: expected 1 or more, found \(joinBurst)")
        }
        if workloads < 1 { problems.append("workloads: expected 1 or more, found \(workloads)") }
        guard problems.isEmpty else {
            throw IdentityError(.invalidConfiguration, problems.joined(separator: "; "))
        }
    }
}
