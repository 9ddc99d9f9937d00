import Identity
import MeshTransport

extension RateLimitPolicy {
    /// This, with what a mapping says instead.
    func overlaid(_ setting: Setting) -> RateLimitPolicy? {
        var policy = self
        setting.mapping { keys in
            keys.read("identities", &policy.identities) { $0.count(from: 1) }
            keys.read("rules", &policy.rules) { setting in
                let rules = setting.list("a list of rules")?.compactMap { RateLimitRule($0) }
                setting.noteDuplicates(of: rules?.map(\.name) ?? [])
                return rules
            }
        }
        return policy
    }
}

extension RateLimitRule {
    fileprivate init?(_ setting: Setting) {
        var rule = RateLimitRule("")
        setting.mapping { keys in
            rule.name = keys.required("name", "a text") { $0.text() } ?? ""
            keys.read("methods", &rule.methods) { $0.methods() }
            keys.readOptional("total", &rule.total) { Rate($0) }
            keys.readOptional("perIdentity", &rule.perIdentity) { Rate($0) }
            keys.read("overrides", &rule.overrides) { $0.list()?.compactMap { Override($0) } }
        }
        guard !rule.name.isEmpty else { return nil }
        self = rule
    }
}

extension RateLimitRule.Override {
    fileprivate init?(_ setting: Setting) {
        var identities: [String] = []
        var rate: Rate?
        setting.mapping { keys in
            identities = keys.required("identities", "a list of identities") { $0.identities() } ?? []
            rate = keys.required("rate", "a rate") { Rate($0) }
        }
        guard let rate else { return nil }
        self.init(identities: identities, rate)
    }
}

extension Rate {
    /// Reads a rate: the calls a second, or a mapping with `perSecond` and `burst`.
    fileprivate init?(_ setting: Setting) {
        let what = "calls a second, above 0 and at most 1000000000"
        func isRate(_ value: Double) -> Bool { value > 0 && value <= 1e9 }
        guard setting.isMapping else {
            guard let perSecond = setting.number("\(what), or perSecond and burst", isRate) else { return nil }
            self.init(perSecond: perSecond)
            return
        }
        var perSecond: Double?
        var burst: Int?
        setting.mapping { keys in
            perSecond = keys.required("perSecond", what) { $0.number(what, isRate) }
            keys.read("burst", &burst) { $0.count(1...1_000_000_000) }
        }
        guard let perSecond else { return nil }
        self.init(perSecond: perSecond, burst: burst)
    }
}

extension ConcurrencyLimit {
    /// Reads a limit: a number of calls, or a mapping for one that follows latency.
    init?(_ setting: Setting, over base: ConcurrencyLimit?) {
        guard setting.isMapping else {
            guard let count = setting.count(from: 1) else { return nil }
            self = .fixed(count)
            return
        }
        var gradient = GradientConfiguration()
        if case .gradient(let known) = base { gradient = known }
        setting.mapping { keys in
            keys.read("least", &gradient.least) { $0.count(1...GradientConfiguration.highest) }
            keys.read("most", &gradient.most) { $0.count(1...GradientConfiguration.highest) }
            keys.read("measuring", &gradient.measuring) { $0.count(from: 1) }
            keys.read("measurements", &gradient.measurements) { $0.count(from: 1) }
            keys.read("measuringTime", &gradient.measuringTime) { $0.duration() }
            keys.read("interval", &gradient.interval) { $0.duration() }
            keys.read("window", &gradient.window) { $0.duration() }
            keys.read("allowance", &gradient.allowance) { $0.number("a number of 0 or more") { $0 >= 0 } }
        }
        self = .gradient(gradient)
    }
}
