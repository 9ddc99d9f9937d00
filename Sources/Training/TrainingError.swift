public import ParameterServer

/// Why training stopped.
public struct TrainingError: Error, Sendable, CustomStringConvertible {
    /// The kind of a ``TrainingError``.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's stable name.
        public let description: String

        private init(_ name: String) { description = name }

        /// The loss of a batch is NaN or infinite; nothing of that step was pushed.
        public static let lossNotFinite = Code("lossNotFinite")
        /// Some partitions did not apply their share of a step; ``TrainingError/report`` says which.
        public static let stepIncomplete = Code("stepIncomplete")
        /// What was asked for is not to be had together; the message says what to do without.
        public static let notSupported = Code("notSupported")
    }

    /// The kind of failure.
    public var code: Code
    /// What was expected, what was found and in which step.
    public var message: String
    /// What became of the step that failed, partition by partition.
    public var report: PushReport?
    /// What made it fail.
    public var cause: (any Error)?

    /// Makes an error.
    public init(_ code: Code, _ message: String, report: PushReport? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.report = report
        self.cause = cause
    }

    /// One line for a log.
    public var description: String {
        guard let cause else { return "\(code): \(message)" }
        return "\(code): \(message) [cause: \(cause)]"
    }
}
