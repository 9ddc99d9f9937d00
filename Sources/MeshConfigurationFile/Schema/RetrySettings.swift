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
