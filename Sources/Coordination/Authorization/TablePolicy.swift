public import Identity

/// Who may do what with which tables: an ordered list of named rules that allow; what no rule allows is refused.
///
/// ```swift
/// var configuration = ParameterServerConfiguration()
/// configuration.tablePolicy = try TablePolicy(rules: [
///     .init("trainers", tables: ["model/*"], verbs: [.pull, .push], identities: ["spiffe://digits.example/worker/*"]),
///     .init("readers", tables: ["*"], verbs: [.pull], identities: ["spiffe://digits.example/*"]),
/// ])
/// ```
/// It narrows what the mesh's `AuthorizationPolicy` lets through, which knows methods and no tables. A parameter server
/// asks it for pulls, pushes, calls, audits and checkpoints, a coordinator for declarations; each has its own, and both
/// may be the same. An immutable value. A decision looks at the rules in turn.
public struct TablePolicy: Sendable, Hashable {
    /// What somebody does with a table.
    public enum Verb: String, Sendable, Hashable, CaseIterable {
        /// Reads parameters.
        case pull
        /// Sends gradients.
        case push
        /// Calls functions that the host of its servers has registered: see ``Rule/functions``.
        case call
        /// Creates the table. One that exists is declared again, the same, by whoever uses it: that takes no rule.
        case declare
        /// Reads the accounts of its partitions. An audit is of all tables of a server, and refused if one of them is.
        case audit
        /// Writes checkpoints of it, and has it go back to one.
        case administer
    }

    /// One rule as it is written: any of the identities may do any of the verbs with any of the tables.
    public struct Rule: Sendable, Hashable {
        /// The rule's name in problems; unique in its policy.
        public var name: String
        /// Names of tables; `*` at the end of one stands for anything, and alone for every table.
        public var tables: [String]
        /// What the rule allows.
        public var verbs: Set<Verb>
        /// Of ``Verb/call`` the names of the functions; `*` as in ``tables``. Default: every function.
        public var functions: [String]
        /// `IdentityPattern`s as text.
        public var identities: [String]

        /// Makes a rule; ``TablePolicy/init(rules:)`` checks it.
        public init(
            _ name: String, tables: [String], verbs: Set<Verb>, functions: [String] = ["*"], identities: [String]
        ) {
            self.name = name
            self.tables = tables
            self.verbs = verbs
            self.functions = functions
            self.identities = identities
        }
    }

    /// The policy that leaves everything to the mesh's: whoever may call a method may do so with every table.
    public static let unrestricted = TablePolicy(rules: nil, patterns: [])

    /// The rules as they were written, in order; `nil` for ``unrestricted``.
    public let rules: [Rule]?
    /// The identities of each rule.
    private let patterns: [[IdentityPattern]]

    private init(rules: [Rule]?, patterns: [[IdentityPattern]]) {
        self.rules = rules
        self.patterns = patterns
    }

    /// Reads rules in the order that they are asked in; none of them allows nothing.
    ///
    /// - Throws: ``CoordinationError/Code/invalidConfiguration`` that lists every problem of every rule.
    public init(rules: [Rule]) throws(CoordinationError) {
        var reader = RuleReader()
        var patterns: [[IdentityPattern]] = []
        for rule in rules {
            reader.begin(rule.name)
            if rule.tables.isEmpty { reader.note("expected at least one table") }
            for table in rule.tables where table.isEmpty || table.dropLast().contains("*") {
                reader.note("expected a table's name with '*' at its end at most, found \(quoted(table))")
            }
            if rule.verbs.isEmpty { reader.note("expected at least one verb") }
            if rule.functions.isEmpty { reader.note("expected at least one function, or '*'") }
            for function in rule.functions where function.isEmpty || function.dropLast().contains("*") {
                reader.note("expected a function's name with '*' at its end at most, found \(quoted(function))")
            }
            if rule.identities.isEmpty { reader.note("expected at least one identity") }
            patterns.append(reader.identities(rule.identities))
        }
        guard reader.problems.isEmpty else {
            throw CoordinationError(
                .invalidConfiguration, "the table policy: " + reader.problems.joined(separator: "; "))
        }
        self.init(rules: rules, patterns: patterns)
    }

    /// Whether `peer` may do `verb` with the table of this name.
    ///
    /// - Parameters:
    ///   - function: of ``Verb/call`` the function's name; default `nil`, where only rules for every function count.
    ///   - peer: who calls; `nil`, a caller that has proved nothing, is allowed by no rule.
    public func allows(_ verb: Verb, table: String, function: String? = nil, peer: SPIFFEID?) -> Bool {
        guard let rules else { return true }
        guard let peer else { return false }
        return rules.indices.contains { index in
            rules[index].verbs.contains(verb) && patterns[index].contains { $0.matches(peer) }
                && rules[index].tables.contains { Self.matches($0, table) }
                && (verb != .call || rules[index].functions.contains { Self.matches($0, function ?? "*") })
        }
    }

    private static func matches(_ pattern: String, _ table: String) -> Bool {
        pattern.utf8.last == UInt8(ascii: "*")
            ? table.utf8.starts(with: pattern.utf8.dropLast()) : table == pattern
    }
}
