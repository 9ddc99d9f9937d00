/// All that is wrong with a document, as far as it has been read. One task's.
final class ProblemList {
    private(set) var problems: [ConfigurationProblem] = []
    /// How many values have been looked at.
    private var values = 0

    /// The most values that a document may have.
    static let mostValues = 100_000

    /// Notes a problem.
    func note(line: Int = 1, column: Int = 1, path: String = "", _ message: String) {
        guard problems.count < ConfigurationFileError.mostProblems else { return }
        problems.append(ConfigurationProblem(line: line, column: column, path: path, message: message))
    }

    /// Whether one more value may be looked at.
    func takesValue() -> Bool {
        values += 1
        if values == Self.mostValues + 1 {
            note("expected at most \(Self.mostValues) values, found more")
        }
        return values <= Self.mostValues
    }

    /// In the order of the lines.
    var inOrder: [ConfigurationProblem] {
        problems.enumerated().sorted {
            ($0.element.line, $0.element.column, $0.offset) < ($1.element.line, $1.element.column, $1.offset)
        }.map(\.element)
    }
}
