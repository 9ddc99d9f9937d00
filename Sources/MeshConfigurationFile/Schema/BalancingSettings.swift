import MeshTransport

extension BalancingConfiguration {
    /// This, with what a mapping says instead.
    func overlaid(_ setting: Setting) -> BalancingConfiguration? {
        var balancing = self
        setting.mapping { keys in
            keys.read("policy", &balancing.policy) { $0.balancingPolicy() }
            keys.read("defaultLatency", &balancing.defaultLatency) { $0.duration() }
            keys.read("decay", &balancing.decay) { $0.duration() }
            keys.read("rateLimitPenalty", &balancing.rateLimitPenalty) { $0.duration() }
            keys.read("longestRetryAfter", &balancing.longestRetryAfter) { $0.duration(orZero: true) }
            keys.read("failurePenalty", &balancing.failurePenalty) { $0.duration(orZero: true) }
            keys.readOptional("slowStart", &balancing.slowStart) { [slowStart] in
                (slowStart ?? SlowStart()).overlaid($0)
            }
            keys.readOptional("zonePreference", &balancing.zonePreference) { ZonePreference($0) }
            keys.readOptional("subset", &balancing.subset) { Subset($0) }
        }
        return balancing
    }
}

extension Setting {
    fileprivate func balancingPolicy() -> BalancingConfiguration.Policy? {
        let all: [BalancingConfiguration.Policy] = [.peakEWMA, .leastRequest, .roundRobin, .random, .consistentHash]
        let what = "one of \(all.map { "\($0)" }.joined(separator: ", "))"
        guard let word = word(what) else { return nil }
        guard let policy = all.first(where: { "\($0)" == word }) else {
            let hint = KeySuggestion.nearest(to: word, of: all.map { "\($0)" }).map { "; is \($0) meant?" } ?? ""
            note("expected \(what), found \(quoted(word))\(hint)")
            return nil
        }
        return policy
    }
}

extension BalancingConfiguration.SlowStart {
    fileprivate func overlaid(_ setting: Setting) -> BalancingConfiguration.SlowStart? {
        var slowStart = self
        setting.mapping { keys in
            keys.read("window", &slowStart.window) { $0.duration() }
            keys.read("minimumShare", &slowStart.minimumShare) { setting in
                guard let share = setting.share() else { return nil }
                guard share > 0 else {
                    setting.expected("a share above 0")
                    return nil
                }
                return share
            }
        }
        return slowStart
    }
}

extension BalancingConfiguration.ZonePreference {
    fileprivate init?(_ setting: Setting) {
        var preference = BalancingConfiguration.ZonePreference(zone: "")
        setting.mapping { keys in
            preference.zone = keys.required("zone", "the caller's zone") { $0.text() } ?? ""
            keys.read("overprovisioning", &preference.overprovisioning) {
                $0.number("a number of 1 or more") { $0 >= 1 }
            }
            keys.readOptional("spillOverRatio", &preference.spillOverRatio) {
                $0.number("a number of 1 or more, or none") { $0 >= 1 }
            }
        }
        guard !preference.zone.isEmpty else { return nil }
        self = preference
    }
}

extension BalancingConfiguration.Subset {
    fileprivate init?(_ setting: Setting) {
        var size: Int?
        var seed: UInt64?
        setting.mapping { keys in
            size = keys.required("size", "a whole number of 1 or more") { $0.count(from: 1) }
            keys.read("seed", &seed) { $0.count(from: 0).map { UInt64($0) } }
        }
        guard let size else { return nil }
        self.init(size: size, seed: seed)
    }
}
