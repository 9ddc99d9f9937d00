/// What went wrong in a tensor operation, a tensor file or a random initialisation.
///
/// The untyped core (``AnyTensor``, ``NamedTensors``, ``Safetensors``) throws it; the typed face (``Tensor``) turns it
/// into a precondition failure with the same text.
public struct TensorError: Error, Sendable, CustomStringConvertible {
    /// What kind of mistake it was, for code that reacts to it.
    public let code: Code
    /// What was expected, what was found and where, for people.
    public let message: String
    /// The error of a lower layer that led to this one, when there is one.
    public let cause: (any Error)?

    /// Makes an error of `code` that says `message`.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// One line fit for a log: the code, the message and the cause.
    public var description: String {
        guard let cause else { return "\(code): \(message)" }
        return "\(code): \(message) (\(cause))"
    }
}

extension TensorError {
    /// The kinds of mistakes; more may be added without breaking a host that compares.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's name, as written in logs.
        public let description: String

        private init(_ description: String) {
            self.description = description
        }

        /// Shapes do not fit each other, or a shape does not fit the number of elements.
        public static let shapeMismatch = Code("shapeMismatch")
        /// An index, an axis, a range or a label lies outside what it indexes.
        public static let indexOutOfRange = Code("indexOutOfRange")
        /// A value for which an operation is not defined (an integer divisor 0, a negative integer exponent), or that an
        /// element type does not hold.
        public static let valueOutOfRange = Code("valueOutOfRange")
        /// The operation is not defined for this element type, or two element types differ.
        public static let dtypeMismatch = Code("dtypeMismatch")
        /// An element type that a format knows and this package does not.
        public static let dtypeUnsupported = Code("dtypeUnsupported")
        /// More axes than ``Shape/maximumRank``.
        public static let rankTooLarge = Code("rankTooLarge")
        /// More bytes than the address space or the allocator can give.
        public static let outOfMemory = Code("outOfMemory")
        /// A name that the collection does not hold.
        public static let unknownName = Code("unknownName")
        /// A name that the collection holds already.
        public static let duplicateName = Code("duplicateName")
        /// A file whose content contradicts its format.
        public static let fileMalformed = Code("fileMalformed")
        /// A file whose content would take more memory than the host allows it.
        public static let fileTooLarge = Code("fileTooLarge")
        /// A file that cannot be opened or read.
        public static let fileUnreadable = Code("fileUnreadable")
        /// A file that cannot be written or put in its place.
        public static let fileUnwritable = Code("fileUnwritable")
        /// A differentiated value reached a primitive whose derivative is not written yet.
        public static let derivativePending = Code("derivativePending")
        /// The values of an abstract tensor (shape only) were asked for.
        public static let valuesUnknown = Code("valuesUnknown")
        /// A row-sparse tensor where one of all elements is needed.
        public static let notDense = Code("notDense")
        /// A matrix has no inverse: a pivot of its factorisation is exactly 0.
        public static let singularMatrix = Code("singularMatrix")
        /// A matrix has no Cholesky factor.
        public static let notPositiveDefinite = Code("notPositiveDefinite")
        /// An iteration did not come to an end; a matrix with a NaN or an infinity has no eigenvalues.
        public static let notConverged = Code("notConverged")
        /// An expression (of `einsum`) that cannot be read.
        public static let malformedExpression = Code("malformedExpression")
        /// A traced value was used after its trace had ended.
        public static let traceEnded = Code("traceEnded")
    }
}

/// Runs `body` for the typed face: a mistake there is the host's own, so its error stops the program with its text.
@inline(__always)
func trapping<Result>(_ body: () throws(TensorError) -> Result) -> Result {
    do throws(TensorError) {
        return try body()
    } catch {
        stop(error)
    }
}

/// Not `preconditionFailure`, whose text a release build leaves out.
@inline(never)
func stop(_ error: TensorError) -> Never {
    fatalError(error.description)
}
