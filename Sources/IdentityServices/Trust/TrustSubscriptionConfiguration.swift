public import Identity

/// How a ``TrustSubscription`` times itself.
public struct TrustSubscriptionConfiguration: Sendable, Hashable {
    /// How long one call to the authority lasts until the next follows, which says anew what the workload has. Default
    /// 10 minutes.
    public var callLifetime: Duration = .seconds(600)
    /// The wait after a call that failed; it doubles with each further one. Default 1 s.
    public var retryWait: Duration = .seconds(1)
    /// The longest wait. Default 60 s.
    public var longestWait: Duration = .seconds(60)
    /// The share of each wait, and of each call's lifetime, that chance takes off: peers that lose their authority at
    /// once do not come back at once. Default 0.2.
    public var jitter = 0.2

    /// Makes the defaults.
    public init() {}

    /// Checks every property.
    ///
    /// - Throws: `IdentityError` with code `invalidConfiguration` that lists every problem.
    public func validate() throws(IdentityError) {
        var problems: [String] = []
        for (name, time) in [("callLifetime", callLifetime), ("retryWait", retryWait)] where time <= .zero {
            problems.append("\(name): expected a time above 0 s, found \(time)")
        }
        if longestWait < retryWait {
            problems.append("longestWait: expected \(retryWait) or more, found \(longestWait)")
        }
        if !(0..<1).contains(jitter) { problems.append("jitter: expected 0 or more and below 1, found \(jitter)") }
        guard problems.isEmpty else {
            throw IdentityError(.invalidConfiguration, problems.joined(separator: "; "))
        }
    }

    /// How long to wait after so many failures in a row, at least 1; `chance` is uniform in 0 ..< 1.
    func wait(after failures: Int, chance: Double) -> Duration {
        var (wait, doublings) = (retryWait, failures - 1)
        while doublings > 0, wait < longestWait {
            wait *= 2
            doublings -= 1
        }
        return min(wait, longestWait) * (1 - jitter * chance)
    }
}
