import MeshTransport

extension FailureAccrualConfiguration {
    /// This, with what a mapping says instead.
    func overlaid(_ setting: Setting) -> FailureAccrualConfiguration? {
        var accrual = self
        setting.mapping { keys in
            keys.readOptional("consecutiveFailures", &accrual.consecutiveFailures) { $0.count(from: 1) }
            keys.readOptional("successRate", &accrual.successRate) { [successRate] in
                (successRate ?? SuccessRate()).overlaid($0)
            }
            keys.read("minimumPenalty", &accrual.minimumPenalty) { $0.duration() }
            keys.read("maximumPenalty", &accrual.maximumPenalty) { $0.duration() }
            keys.read("jitter", &accrual.jitter) { $0.share() }
            keys.read("maximumEjectedShare", &accrual.maximumEjectedShare) { $0.share() }
        }
        return accrual
    }
}

extension FailureAccrualConfiguration.SuccessRate {
    fileprivate func overlaid(_ setting: Setting) -> FailureAccrualConfiguration.SuccessRate? {
        var rate = self
        setting.mapping { keys in
            keys.read("threshold", &rate.threshold) { $0.share() }
            keys.read("window", &rate.window) { $0.duration() }
            keys.read("minimumRequests", &rate.minimumRequests) { $0.count(from: 1) }
        }
        return rate
    }
}
