public import Identity

/// How an ``IdentityRenewal`` times itself.
public struct RenewalConfiguration: Sendable, Hashable {
    /// The share of the remaining lifetime that passes before a renewal, above 0 and below 1. Default 0.7.
    public var share = 0.7
    /// The shortest time between two renewals. Default 10 s.
    public var minimumWait: Duration = .seconds(10)
    /// The wait after a failed attempt; the old certificate stays in use. Default 10 s.
    public var retryWait: Duration = .seconds(10)
    /// The share of each wait that chance takes off, 0 or more and below 1. Default 0.1.
    public var jitter = 0.1

    /// Once another root issues, the certificate is renewed within this, at a time of chance. Default 60 s.
    public var rootChangeSpread: Duration = .seconds(60)

    /// Makes the defaults.
    public init() {}

    /// Checks every property.
    ///
    /// - Throws: `IdentityError` with code `invalidConfiguration` that lists every problem.
    public func validate() throws(IdentityError) {
        var problems: [String] = []
        if !(share > 0 && share < 1) {
            problems.append("share: expected a number above 0 and below 1, found \(share)")
        }
        for (name, wait) in [
            ("minimumWait", minimumWait), ("retryWait", retryWait), ("rootChangeSpread", rootChangeSpread),
        ] where wait <= .zero {
            problems.append("\(name): expected a time above 0 s, found \(wait)")
        }
        if !(0..<1).contains(jitter) { problems.append("jitter: expected 0 or more and below 1, found \(jitter)") }
        guard problems.isEmpty else {
            throw IdentityError(.invalidConfiguration, problems.joined(separator: "; "))
        }
    }
}
