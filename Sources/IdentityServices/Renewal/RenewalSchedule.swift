import Identity
import MeshWire

/// When a certificate is renewed. A pure function of time.
///
/// At 70 % of the remaining lifetime, as Linkerd's proxies do, and never sooner than ``RenewalConfiguration/minimumWait``;
/// after a failure, soon again.
struct RenewalSchedule {
    let configuration: RenewalConfiguration

    /// How long to wait before the next renewal.
    ///
    /// - Parameters:
    ///   - remaining: the validity that is left.
    ///   - failures: how many attempts have failed since the last success.
    func wait(remaining: Duration, failures: Int) -> Duration {
        guard failures == 0 else { return configuration.retryWait }
        return max(configuration.minimumWait, remaining * configuration.share)
    }
}

/// How an ``IdentityRenewal`` times itself.
public struct RenewalConfiguration: Sendable, Hashable {
    /// The share of the remaining lifetime that passes before a renewal. Default 0.7.
    public var share = 0.7
    /// The shortest time between two renewals. Default 10 s.
    public var minimumWait: Duration = .seconds(10)
    /// The wait after a failed attempt; the old certificate stays in use. Default 10 s.
    public var retryWait: Duration = .seconds(10)

    /// Makes the defaults.
    public init() {}
}
