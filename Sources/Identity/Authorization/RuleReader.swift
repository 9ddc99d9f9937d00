/// Reads the named rules of a policy, of whatever kind, and gathers all that is wrong with them: each problem is told with
/// the rule that it is of.
package struct RuleReader {
    /// What is wrong so far.
    package private(set) var problems: [String] = []
    private let kind: String
    private var names: Set<String> = []
    private var count = 0
    private var place = ""

    /// - Parameter kind: what a rule is called.
    package init(_ kind: String = "rule") { self.kind = kind }

    /// Begins the next rule, whose name nothing before it may have.
    package mutating func begin(_ name: String) {
        count += 1
        place = "\(kind) \(count) (\(quoted(name)))"
        if name.isEmpty { note("expected a name") }
        if !names.insert(name).inserted { note("the name is taken by an earlier \(kind)") }
    }

    /// Says what is wrong with the rule.
    package mutating func note(_ problem: String) { problems.append("\(place): \(problem)") }

    /// The rule's methods, of which it has to name one.
    package mutating func methods(_ texts: [String]) -> [MethodPattern] {
        if texts.isEmpty { note("expected at least one method") }
        return read(texts, MethodPattern.init(parsing:))
    }

    /// The identities that are written so.
    package mutating func identities(_ texts: [String]) -> [IdentityPattern] {
        read(texts, IdentityPattern.init(parsing:))
    }

    /// The patterns that are written so; what is none is a problem.
    package mutating func read<Pattern>(
        _ texts: [String], _ parse: (String) throws(IdentityError) -> Pattern
    ) -> [Pattern] {
        var patterns: [Pattern] = []
        for text in texts {
            do throws(IdentityError) {
                patterns.append(try parse(text))
            } catch {
                note(error.message)
            }
        }
        return patterns
    }
}
