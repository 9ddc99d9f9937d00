import Identity

extension AuthorizationPolicy {
    /// Reads a policy; `nil` if it cannot be one.
    init?(_ setting: Setting) {
        var rules: [Rule] = []
        var mode = Mode.enforce
        setting.mapping { keys in
            keys.read("mode", &mode) { $0.mode() }
            rules =
                keys.required("rules", "a list of rules") { $0.list("a list of rules") }?.compactMap { Rule($0) } ?? []
        }
        do throws(IdentityError) {
            try self.init(rules: rules, mode: mode)
        } catch {
            // What is wrong with one rule has been told at its place; names are of several.
            setting.noteDuplicates(of: rules.map(\.name))
            return nil
        }
    }
}

extension AuthorizationPolicy.Rule {
    fileprivate init?(_ setting: Setting) {
        var rule = AuthorizationPolicy.Rule("", methods: [])
        setting.mapping { keys in
            rule.name = keys.required("name", "a text") { $0.text() } ?? ""
            rule.methods = keys.required("methods", "a list of methods") { $0.methods() } ?? []
            keys.read("identities", &rule.identities) { $0.identities() }
            keys.read("callersWithoutIdentity", &rule.callersWithoutIdentity) { $0.truth() }
            keys.read("networks", &rule.networks) { $0.networks() }
            keys.read("claims", &rule.claims) { $0.claims() }
            if rule.identities.isEmpty, !rule.callersWithoutIdentity, keys.isComplete {
                keys.note("expected identities, or callersWithoutIdentity: true")
            }
        }
        guard !rule.name.isEmpty, !rule.methods.isEmpty else { return nil }
        self = rule
    }
}

extension Setting {
    fileprivate func mode() -> AuthorizationPolicy.Mode? {
        switch word("enforce or audit") {
        case nil: return nil
        case "enforce": return .enforce
        case "audit": return .audit
        default:
            expected("enforce or audit")
            return nil
        }
    }

    /// An empty list would mean any network, which nobody writes in that way.
    fileprivate func networks() -> [String]? {
        guard let found = list("a list of networks") else { return nil }
        if found.isEmpty { note("expected at least one network: any is meant where there is no such key") }
        return found.compactMap { $0.pattern(NetworkPattern.init(parsing:)) }
    }

    fileprivate func claims() -> [String: [String]]? {
        guard let entries = entries("a mapping of claims to their values") else { return nil }
        if entries.isEmpty { note("expected at least one claim: none is asked for where there is no such key") }
        var claims: [String: [String]] = [:]
        for (name, value) in entries {
            guard let values = value.texts("a list of values") else { continue }
            if values.isEmpty || name.isEmpty { value.note("expected a name, and at least one value, or * for any") }
            claims[name] = values
        }
        return claims
    }

    /// Notes the names that come twice, which only the whole can tell.
    func noteDuplicates(of names: [String]) {
        var seen: Set<String> = []
        for name in names where !seen.insert(name).inserted {
            note("expected each name once, found another called \(quoted(name))")
        }
    }
}
