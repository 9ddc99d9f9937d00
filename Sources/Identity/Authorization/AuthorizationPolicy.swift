/// Who may call what on a server: an ordered list of named rules that allow; what no rule allows is denied.
///
/// ```swift
/// let policy = try AuthorizationPolicy(rules: [
///     Rule("workers push", methods: ["meshwork.Parameters/*"], identities: ["spiffe://digits.example/worker/*"]),
///     Rule("operators look", methods: ["/metrics", "/v2/*"], identities: ["spiffe://digits.example/operator"]),
///     Rule("probes", methods: ["/healthz"], callersWithoutIdentity: true),      // for a listener in plain text
/// ])
/// ```
/// An immutable value. Deciding is linear in the number of patterns.
public struct AuthorizationPolicy: Sendable, Hashable {
    /// One rule as it is written: any of the identities may call any of the methods.
    public struct Rule: Sendable, Hashable {
        /// The rule's name in decisions, logs and metrics; unique in its policy.
        public var name: String
        /// ``MethodPattern``s as text.
        public var methods: [String]
        /// ``IdentityPattern``s as text.
        public var identities: [String]
        /// Whether callers that prove no identity may call the methods too, who are anybody that can reach a listener
        /// in plain text. Default false.
        public var callersWithoutIdentity: Bool

        /// Makes a rule; ``AuthorizationPolicy/init(rules:)`` checks it.
        public init(
            _ name: String, methods: [String], identities: [String] = [], callersWithoutIdentity: Bool = false
        ) {
            self.name = name
            self.methods = methods
            self.identities = identities
            self.callersWithoutIdentity = callersWithoutIdentity
        }
    }

    /// What a policy says about one call.
    public enum Decision: Sendable, Hashable {
        /// The call is allowed by the rule of this name, the first that allows it.
        case allow(rule: String)
        /// No rule allows the call.
        case deny

        /// Whether the call may run.
        public var isAllowed: Bool { self != .deny }
    }

    private struct Compiled: Hashable {
        let name: String
        let methods: [MethodPattern]
        let identities: [IdentityPattern]
        let callersWithoutIdentity: Bool

        func includes(_ peer: SPIFFEID?) -> Bool {
            guard let peer else { return callersWithoutIdentity }
            return identities.contains { $0.matches(peer) }
        }
    }

    private let compiled: [Compiled]

    /// The policy that allows nothing.
    public static let denyAll = AuthorizationPolicy(compiled: [])

    private init(compiled: [Compiled]) {
        self.compiled = compiled
    }

    /// Reads rules in the order that they are asked in.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidPolicy`` that lists every problem of every rule.
    public init(rules: [Rule]) throws(IdentityError) {
        var problems: [String] = []
        var names: Set<String> = []
        var compiled: [Compiled] = []
        for (index, rule) in rules.enumerated() {
            let place = "rule \(index + 1) (\(quoted(rule.name)))"
            if rule.name.isEmpty { problems.append("\(place): expected a name") }
            if !names.insert(rule.name).inserted { problems.append("\(place): the name is taken by an earlier rule") }
            if rule.methods.isEmpty { problems.append("\(place): expected at least one method") }
            if rule.identities.isEmpty, !rule.callersWithoutIdentity {
                problems.append("\(place): expected at least one identity")
            }
            var methods: [MethodPattern] = []
            var identities: [IdentityPattern] = []
            for text in rule.methods {
                do {
                    methods.append(try MethodPattern(parsing: text))
                } catch {
                    problems.append("\(place): \(error.message)")
                }
            }
            for text in rule.identities {
                do {
                    identities.append(try IdentityPattern(parsing: text))
                } catch {
                    problems.append("\(place): \(error.message)")
                }
            }
            compiled.append(
                Compiled(
                    name: rule.name, methods: methods, identities: identities,
                    callersWithoutIdentity: rule.callersWithoutIdentity))
        }
        guard problems.isEmpty else {
            throw IdentityError(.invalidPolicy, problems.joined(separator: "; "))
        }
        self.init(compiled: compiled)
    }

    /// Whether `peer` may call `method`: `Service/Method`, or an HTTP path without its query.
    ///
    /// - Parameter peer: who calls; `nil` for a caller that has proved nothing.
    public func decide(method: String, peer: SPIFFEID?) -> Decision {
        for rule in compiled where rule.includes(peer) && rule.methods.contains(where: { $0.matches(method) }) {
            return .allow(rule: rule.name)
        }
        return .deny
    }
}
