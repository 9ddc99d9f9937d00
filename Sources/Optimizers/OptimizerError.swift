/// What was wrong with an update rule or a schedule that came from a message, a checkpoint or a program.
public struct OptimizerError: Error, Sendable, CustomStringConvertible {
    /// What kind of mistake it was, for code that reacts to it.
    public let code: Code
    /// What was expected and what was found, for people.
    public let message: String

    /// Makes an error of `code` that says `message`.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// One line fit for a log.
    public var description: String { "\(code): \(message)" }
}

extension OptimizerError {
    /// The kinds of mistakes; more may be added without breaking a host that compares.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's name, as written in logs.
        public let description: String

        private init(_ description: String) {
            self.description = description
        }

        /// A rule's number that this release does not know.
        public static let ruleUnknown = Code("ruleUnknown")
        /// A schedule's number that this release does not know.
        public static let scheduleUnknown = Code("scheduleUnknown")
        /// A hyper-parameter that is missing, surplus or out of its range.
        public static let hyperparameterInvalid = Code("hyperparameterInvalid")
    }
}

/// Runs `body` for a program's own rules: a mistake there is the host's, so its error becomes a precondition failure.
func trapping<Result>(_ body: () throws(OptimizerError) -> Result) -> Result {
    do throws(OptimizerError) {
        return try body()
    } catch {
        preconditionFailure(error.description)
    }
}
