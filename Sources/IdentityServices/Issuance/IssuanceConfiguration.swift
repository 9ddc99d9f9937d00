/// The limits of an ``IssuanceServer``.
public struct IssuanceConfiguration: Sendable, Hashable {
    /// How long a join token can be used. Default 10 minutes.
    public var tokenLifetime: Duration = .seconds(600)
    /// How many workloads may join in a second, in the long run. Default 50; anybody can reach the join listener.
    public var joinsPerSecond = 50.0
    /// How many may join at once after a quiet time. Default 100.
    public var joinBurst = 100.0
    /// How many workloads are remembered for renewal. Default 100,000.
    public var workloads = 100_000

    /// Makes the defaults.
    public init() {}
}
