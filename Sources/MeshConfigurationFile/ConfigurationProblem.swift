/// One thing that is wrong with a configuration file: where it is, what was expected there, and what was found.
public struct ConfigurationProblem: Sendable, Hashable, CustomStringConvertible {
    /// The line, the first being 1.
    public let line: Int
    /// The column in it, in Unicode scalars, the first being 1.
    public let column: Int
    /// The setting, such as `routes[2].backends[0].weight`; empty for the document as a whole.
    public let path: String
    /// What was expected and what was found.
    public let message: String

    /// `line:column: path: message`.
    public var description: String { "\(line):\(column): \(path.isEmpty ? "" : "\(path): ")\(message)" }
}

/// Why a configuration file was not taken: all that is wrong with it.
public struct ConfigurationFileError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file.
    public let file: String
    /// What is wrong, in the order of the lines. At most ``mostProblems``.
    public let problems: [ConfigurationProblem]

    /// The most problems that are told of a file.
    public static let mostProblems = 100

    init(file: String, problems: [ConfigurationProblem]) {
        self.file = file
        self.problems = problems
    }

    /// What is wrong with a file as a whole.
    init(file: String, _ message: String) {
        self.init(file: file, problems: [ConfigurationProblem(line: 1, column: 1, path: "", message: message)])
    }

    /// One line for a log: `file:line:column: path: message`, for each problem.
    public var description: String { problems.map { "\(file):\($0)" }.joined(separator: "; ") }
}
