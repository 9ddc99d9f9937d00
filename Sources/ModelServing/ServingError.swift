public import MeshWire

/// Why a model was not loaded or a prediction not made.
public struct ServingError: Error, Sendable, CustomStringConvertible {
    /// The kind of a ``ServingError``.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's stable name.
        public let description: String

        init(_ name: String) { description = name }

        /// A name, version or signature that cannot be served.
        public static let invalidDeclaration = Code("invalidDeclaration")
        /// The registry has this version of the model already.
        public static let alreadyLoaded = Code("alreadyLoaded")
        /// The parameters cannot be read.
        public static let parametersUnreadable = Code("parametersUnreadable")
        /// The parameters are not those of the model.
        public static let parametersMismatch = Code("parametersMismatch")
        /// No such model, or no such version of it.
        public static let unknownModel = Code("unknownModel")
        /// The request is not what the protocol says.
        public static let malformedRequest = Code("malformedRequest")
        /// The request's tensors are not those that the model declares.
        public static let invalidInput = Code("invalidInput")
        /// The model failed, or made something else than it declares.
        public static let modelFailed = Code("modelFailed")
        /// The result cannot be written in the request's protocol.
        public static let resultNotRepresentable = Code("resultNotRepresentable")
    }

    /// The kind of failure.
    public var code: Code
    /// What was expected, what was found and where.
    public var message: String
    /// What made it fail; for the operator, not for the caller.
    public var cause: (any Error)?

    /// Makes an error.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// One line for a log.
    public var description: String {
        guard let cause else { return "\(code): \(message)" }
        return "\(code): \(message) [cause: \(cause)]"
    }

    /// What a mesh call that fails so is answered with.
    public var status: CallStatus {
        switch code {
        case .unknownModel: .notFound
        case .malformedRequest, .invalidInput, .invalidDeclaration: .invalidArgument
        case .alreadyLoaded: .alreadyExists
        case .parametersUnreadable, .parametersMismatch: .failedPrecondition
        default: .internalError
        }
    }
}
