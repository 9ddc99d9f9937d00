/// Who may call what on a server: an ordered list of named rules that allow; what no rule allows is denied.
///
/// ```swift
/// let policy = try AuthorizationPolicy(rules: [
///     Rule("workers push", methods: ["meshwork.Parameters/*"], identities: ["spiffe://digits.example/worker/*"]),
///     Rule("operators look", methods: ["/metrics", "/v2/*"], identities: ["spiffe://digits.example/operator"]),
///     Rule("probes", methods: ["/healthz"], callersWithoutIdentity: true),      // for a listener in plain text
/// ])
/// ```
/// A rule may also ask where a call comes from (``Rule/networks``) and what its caller's token says (``Rule/claims``).
///
/// An immutable value. A decision takes as long as the call's own names are, not as there are rules (the index behind
/// it says where that ends).
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
        /// ``NetworkPattern``s as text: where the connection must come from. Default none: from anywhere. A Unix domain
        /// socket is in no network.
        public var networks: [String]
        /// Claims that the caller must have, by name, with one of these values; `*` stands for any. Default none.
        public var claims: [String: [String]]

        /// Makes a rule; ``AuthorizationPolicy/init(rules:mode:)`` checks it.
        public init(
            _ name: String, methods: [String], identities: [String] = [], callersWithoutIdentity: Bool = false,
            networks: [String] = [], claims: [String: [String]] = [:]
        ) {
            self.name = name
            self.methods = methods
            self.identities = identities
            self.callersWithoutIdentity = callersWithoutIdentity
            self.networks = networks
            self.claims = claims
        }
    }

    /// What happens to a call that no rule allows.
    public enum Mode: Sendable, Hashable {
        /// It is refused.
        case enforce
        /// It runs, and is counted and logged as one that would be refused: to try a policy out.
        case audit
    }

    /// What a policy says about one call.
    public enum Decision: Sendable, Hashable {
        /// The call is allowed by the rule of this name, the first that allows it.
        case allow(rule: String)
        /// No rule allows the call, and it runs all the same: the policy is being tried out.
        case audit
        /// No rule allows the call.
        case deny

        /// Whether the call may run.
        public var isAllowed: Bool { self != .deny }
    }

    /// A rule that names a call's method or its caller, and does not allow the call all the same.
    public struct NearMiss: Sendable, Hashable, CustomStringConvertible {
        /// What a rule asks for.
        public enum Part: String, Sendable, Hashable, CaseIterable {
            /// It names other methods.
            case method
            /// It names other callers.
            case identity
            /// It names other networks.
            case network
            /// It asks for other claims.
            case claims = "set of claims"
        }

        /// The rule's name.
        public let rule: String
        /// What of the call it does not allow.
        public let missing: Set<Part>

        /// One line for people.
        public var description: String {
            let parts = Part.allCases.filter { missing.contains($0) }.map(\.rawValue).joined(separator: " and ")
            return "the rule \"\(rule)\", which is for another \(parts)"
        }
    }

    private struct Compiled: Sendable {
        let name: String
        let methods: [MethodPattern]
        let identities: [IdentityPattern]
        let callersWithoutIdentity: Bool
        let networks: [NetworkPattern]
        let claims: [(name: String, values: [String])]

        func names(_ method: String, _ peer: SPIFFEID?) -> Bool {
            let isMeant = peer.map { peer in identities.contains { $0.matches(peer) } } ?? callersWithoutIdentity
            return isMeant && methods.contains { $0.matches(method) }
        }

        /// What of a call it does not allow.
        func missing(
            _ method: String, _ peer: SPIFFEID?, _ address: IPAddress?, _ claims: [String: [String]]
        ) -> Set<NearMiss.Part> {
            var parts: Set<NearMiss.Part> = []
            if !methods.contains(where: { $0.matches(method) }) { parts.insert(.method) }
            let isMeant = peer.map { peer in identities.contains { $0.matches(peer) } } ?? callersWithoutIdentity
            if !isMeant { parts.insert(.identity) }
            if !isFrom(address) { parts.insert(.network) }
            if !isMet(from: address, claims: claims), isFrom(address) { parts.insert(.claims) }
            return parts
        }

        func isFrom(_ address: IPAddress?) -> Bool {
            if networks.isEmpty { return true }
            guard let address else { return false }
            return networks.contains { $0.matches(address) }
        }

        func isMet(from address: IPAddress?, claims found: [String: [String]]) -> Bool {
            guard isFrom(address) else { return false }
            return claims.allSatisfy { claim in
                guard let values = found[claim.name], !values.isEmpty else { return false }
                return claim.values.contains { $0 == "*" || values.contains($0) }
            }
        }
    }

    /// The rules as they were written, in order.
    public let rules: [Rule]
    /// What happens to a call that none of them allows.
    public let mode: Mode
    /// Whether a decision may depend on the caller's claims, and so differ from call to call.
    public let looksAtClaims: Bool
    private let compiled: [Compiled]
    private let index: AuthorizationIndex

    /// The policy that allows nothing.
    public static let denyAll = AuthorizationPolicy([], [], .enforce)

    private init(_ rules: [Rule], _ compiled: [Compiled], _ mode: Mode) {
        self.rules = rules
        self.compiled = compiled
        self.mode = mode
        looksAtClaims = compiled.contains { !$0.claims.isEmpty }
        var index = AuthorizationIndex()
        for (number, rule) in compiled.enumerated() {
            index.add(
                Int32(number), methods: rule.methods, identities: rule.identities,
                callersWithoutIdentity: rule.callersWithoutIdentity)
        }
        self.index = index
    }

    /// Reads rules in the order that they are asked in.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidPolicy`` that lists every problem of every rule.
    public init(rules: [Rule], mode: Mode = .enforce) throws(IdentityError) {
        var reader = RuleReader()
        var compiled: [Compiled] = []
        for rule in rules {
            reader.begin(rule.name)
            if rule.identities.isEmpty, !rule.callersWithoutIdentity { reader.note("expected at least one identity") }
            let claims = rule.claims.sorted { $0.key < $1.key }
            for (claim, values) in claims where claim.isEmpty || values.isEmpty {
                reader.note("expected a name and at least one value of the claim \(quoted(claim))")
            }
            compiled.append(
                Compiled(
                    name: rule.name, methods: reader.methods(rule.methods),
                    identities: reader.identities(rule.identities),
                    callersWithoutIdentity: rule.callersWithoutIdentity,
                    networks: reader.read(rule.networks, NetworkPattern.init(parsing:)),
                    claims: claims.map { (name: $0.key, values: $0.value) }))
        }
        guard reader.problems.isEmpty else {
            throw IdentityError(.invalidPolicy, reader.problems.joined(separator: "; "))
        }
        self.init(rules, compiled, mode)
    }

    /// Whether `peer` may call `method`: `Service/Method`, or an HTTP path without its query.
    ///
    /// - Parameters:
    ///   - peer: who calls; `nil` for a caller that has proved nothing.
    ///   - address: where the connection comes from; `nil` if that has no address.
    ///   - claims: what the caller's token says, by claim, if it has shown one that was verified.
    public func decide(
        method: String, peer: SPIFFEID?, address: IPAddress? = nil, claims: [String: [String]] = [:]
    ) -> Decision {
        let rule = index.first(
            method: method, peer: peer, isNamed: { compiled[Int($0)].names(method, peer) },
            isMet: { compiled[Int($0)].isMet(from: address, claims: claims) })
        if let rule { return .allow(rule: compiled[Int(rule)].name) }
        return mode == .audit ? .audit : .deny
    }

    /// The rules that name a call's method or its caller and do not allow it, those that miss least first, and of those the
    /// first written; at most `limit`. Looks at every rule: for people who ask why.
    public func nearMisses(
        method: String, peer: SPIFFEID?, address: IPAddress? = nil, claims: [String: [String]] = [:], limit: Int = 8
    ) -> [NearMiss] {
        compiled.enumerated().compactMap { index, rule -> (index: Int, miss: NearMiss)? in
            let missing = rule.missing(method, peer, address, claims)
            guard !missing.isEmpty, !missing.isSuperset(of: [.method, .identity]) else { return nil }
            return (index, NearMiss(rule: rule.name, missing: missing))
        }
        .sorted { ($0.miss.missing.count, $0.index) < ($1.miss.missing.count, $1.index) }
        .prefix(max(0, limit)).map(\.miss)
    }

    /// Whether there are claims with which `peer` may call `method`.
    public func mayAllow(method: String, peer: SPIFFEID?, address: IPAddress? = nil) -> Bool {
        if mode == .audit { return true }
        let rule = index.first(
            method: method, peer: peer, isNamed: { compiled[Int($0)].names(method, peer) },
            isMet: { compiled[Int($0)].isFrom(address) })
        return rule != nil
    }
}

extension AuthorizationPolicy {
    /// Whether two policies are written alike.
    public static func == (left: AuthorizationPolicy, right: AuthorizationPolicy) -> Bool {
        left.rules == right.rules && left.mode == right.mode
    }

    /// Hashes what is written.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(rules)
        hasher.combine(mode)
    }
}
