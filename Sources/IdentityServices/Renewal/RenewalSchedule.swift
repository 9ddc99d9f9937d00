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
