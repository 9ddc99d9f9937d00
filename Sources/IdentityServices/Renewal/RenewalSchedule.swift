/// When a certificate is renewed. A pure function of time.
///
/// At 70 % of the remaining lifetime, as Linkerd's proxies do, or somewhat sooner, so that workloads that started together
/// do not come together; never sooner than ``RenewalConfiguration/minimumWait``; after a failure, soon again.
struct RenewalSchedule {
    let configuration: RenewalConfiguration

    /// How long to wait before the next renewal.
    ///
    /// - Parameters:
    ///   - remaining: the validity that is left.
    ///   - failures: how many attempts have failed since the last success.
    ///   - chance: uniform in 0 ..< 1; 0 for the longest wait.
    func wait(remaining: Duration, failures: Int, chance: Double) -> Duration {
        let share = 1 - configuration.jitter * chance
        guard failures == 0 else { return configuration.retryWait * share }
        return max(configuration.minimumWait, remaining * (configuration.share * share))
    }
}
