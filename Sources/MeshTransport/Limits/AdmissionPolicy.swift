import Identity

/// How many calls a mesh has under way at its destinations at a time, which of the others wait, and which are refused.
///
/// ```swift
/// var scoring = AdmissionRule("scoring", services: ["scoring"], limit: .gradient(GradientConfiguration()))
/// scoring.queue = 1_000
/// configuration.admission = AdmissionPolicy(rules: [scoring])
/// ```
/// The first rule that names a destination is for it; each destination that a rule is for has a limit of its own, which all
/// clients of the mesh share. A destination that no rule names has none, which is the default: a server's own limit knows
/// what the server can do, and one that is too low here refuses what could have run.
///
/// An attempt beyond the limit waits for its place, urgent ones before normal and background ones
/// (``/MeshWire/CallPriority``), and in their order among themselves. One whose deadline would pass before its answer
/// came, or for which the queue has no room, is not sent: it fails with ``MeshError/Code/loadShed``, and says that it
/// has not run.
public struct AdmissionPolicy: Sendable, Hashable {
    /// The rules, in the order that they are asked in. Default none: no limit.
    public var rules: [AdmissionRule]

    /// Makes a policy.
    public init(rules: [AdmissionRule] = []) { self.rules = rules }

    /// The rule for a destination, by its name.
    func rule(for destination: String) -> AdmissionRule? {
        rules.first { $0.services.isEmpty || $0.services.contains(destination) }
    }

    /// What is out of range.
    var problems: [String] {
        var reader = RuleReader("rule")
        for rule in rules {
            reader.begin(rule.name)
            for problem in rule.limit.problems { reader.note("limit \(problem)") }
            if rule.queue < 0 { reader.note("queue must not be negative, is \(rule.queue)") }
        }
        return reader.problems
    }
}

/// A rule of an ``AdmissionPolicy``.
public struct AdmissionRule: Sendable, Hashable {
    /// The rule's name; unique in its policy.
    public var name: String
    /// The destinations, by the names of services or as `host:port`. Default any; each has a limit of its own. Any
    /// includes the authority and whoever else the mesh itself calls, whose streams stay open: a limit of a few places
    /// keeps certificates from being renewed.
    public var services: [String]
    /// How many attempts are under way at a time. A fixed one counts each of them until it ends, a call of several messages
    /// as long as it is open; one that follows latency counts calls with one request and one response.
    public var limit: ConcurrencyLimit
    /// The most attempts that wait for their place; 0 for none. Default 10,000, as Linkerd's queue before its balancer: the
    /// deadlines shed far fewer than that, and this bounds the memory where there are none to speak of.
    public var queue = 10_000

    /// Makes a rule.
    public init(_ name: String, services: [String] = [], limit: ConcurrencyLimit) {
        self.name = name
        self.services = services
        self.limit = limit
    }
}
