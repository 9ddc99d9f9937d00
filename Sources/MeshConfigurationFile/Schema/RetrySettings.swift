import MeshTransport

extension RetryConfiguration {
    /// This, with what a mapping says instead.
    func overlaid(_ setting: Setting) -> RetryConfiguration? {
        var retry = self
        setting.mapping { keys in
            keys.read("maximumAttempts", &retry.maximumAttempts) { $0.count(from: 1) }
            keys.read("attemptTimeout", &retry.attemptTimeout) { $0.duration() }
            keys.read("backoffBase", &retry.backoffBase) { $0.duration() }
            keys.read("backoffLimit", &retry.backoffLimit) { $0.duration() }
            keys.read("jitter", &retry.jitter) { $0.share() }
            keys.read("statuses", &retry.statuses) { $0.statuses() }
            keys.readOptional("budget", &retry.budget) { [budget] in
                (budget ?? RetryBudgetConfiguration()).overlaid($0)
            }
            keys.readOptional("hedging", &retry.hedging) { [hedging] in
                (hedging ?? HedgingConfiguration()).overlaid($0)
            }
        }
        return retry
    }
}

extension RetryBudgetConfiguration {
    fileprivate func overlaid(_ setting: Setting) -> RetryBudgetConfiguration? {
        var budget = self
        setting.mapping { keys in
            keys.read("ratio", &budget.ratio) { $0.number("a number of 0 to 1000") { $0 <= 1_000 } }
            keys.read("floor", &budget.floor) { $0.number("retries a second, at most 1000000000") { $0 <= 1e9 } }
            keys.read("ttl", &budget.ttl) { setting in
                guard let ttl = setting.duration() else { return nil }
                guard ttl >= .milliseconds(10) else {
                    setting.expected("a time of at least 10ms")
                    return nil
                }
                return ttl
            }
        }
        return budget
    }
}

extension HedgingConfiguration {
    /// This, with what a mapping says instead.
    func overlaid(_ setting: Setting) -> HedgingConfiguration? {
        var hedging = self
        setting.mapping { keys in
            keys.read("percentile", &hedging.percentile) { setting in
                guard let share = setting.share() else { return nil }
                guard share > 0, share < 1 else {
                    setting.expected("a share above 0 and below 1, such as 95%")
                    return nil
                }
                return share
            }
            keys.read("samples", &hedging.samples) { $0.count(1...1_000) }
            keys.readOptional("initialDelay", &hedging.initialDelay) { $0.duration() }
            keys.read("minimumDelay", &hedging.minimumDelay) { $0.duration() }
        }
        return hedging
    }
}

extension ConnectBackoff {
    /// This, with what a mapping says instead.
    func overlaid(_ setting: Setting) -> ConnectBackoff? {
        var backoff = self
        setting.mapping { keys in
            keys.read("base", &backoff.base) { $0.duration() }
            keys.read("limit", &backoff.limit) { $0.duration() }
            keys.read("jitter", &backoff.jitter) { $0.share() }
        }
        return backoff
    }
}
