/// What was wrong with training data or with a model's use of its parameters.
///
/// Shapes, labels and element types that do not fit are of type `TensorError`, from the operation that found them.
public struct NeuralNetworkError: Error, Sendable, CustomStringConvertible {
    /// What kind of mistake it was, for code that reacts to it.
    public let code: Code
    /// What was expected, what was found and where, for people.
    public let message: String
    /// Where in a file of text it is, if it is at one place there; the message says it too.
    public let position: Position?

    /// A place in a file of text.
    public struct Position: Sendable, Hashable {
        /// The line, from 1 on.
        public let line: Int
        /// The byte of that line, from 1 on.
        public let column: Int
    }

    /// Makes an error of `code` that says `message`.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
        position = nil
    }

    /// Makes an error about a place in the text file `source`.
    init(_ code: Code, _ source: String, _ position: Position, _ message: String) {
        self.code = code
        self.message = "\(source):\(position.line):\(position.column): \(message)"
        self.position = position
    }

    /// One line fit for a log.
    public var description: String { "\(code): \(message)" }
}

extension NeuralNetworkError {
    /// The kinds of mistakes; more may be added without breaking a host that compares.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's name, as written in logs.
        public let description: String

        private init(_ description: String) {
            self.description = description
        }

        /// A file that cannot be opened or read.
        public static let fileUnreadable = Code("fileUnreadable")
        /// A file whose content contradicts its format.
        public static let fileMalformed = Code("fileMalformed")
        /// A value in a file, or a score or label, that is none of those which are taken there.
        public static let valueInvalid = Code("valueInvalid")
        /// A metric of too few, or too many, examples.
        public static let metricUndefined = Code("metricUndefined")
        /// Inputs and labels that cannot be trained on together.
        public static let datasetInvalid = Code("datasetInvalid")
        /// A model that asks for one parameter in two ways.
        public static let parameterConflict = Code("parameterConflict")
    }
}
