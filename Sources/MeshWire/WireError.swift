/// What was wrong with bytes that a peer sent: malformed, too large, or out of order.
///
/// A `WireError` that is thrown by a connection's state machine ends that connection; one that is thrown while a
/// single message is decoded ends only its call.
public struct WireError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of a ``WireError``.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's stable name.
        public let description: String

        /// Bytes that are not what the format says.
        public static let malformed = Code(description: "malformed")
        /// A length or a count that is over its limit.
        public static let tooLarge = Code(description: "tooLarge")
        /// The bytes ended before the value did.
        public static let truncated = Code(description: "truncated")
        /// A frame that the connection's state does not allow.
        public static let unexpectedFrame = Code(description: "unexpectedFrame")
        /// A frame whose checksum is of other bytes.
        public static let corrupted = Code(description: "corrupted")
        /// More bytes than the peer was given credit for, or more credit than there is.
        public static let flowControl = Code(description: "flowControl")
        /// The peer speaks no version of the protocol that this side speaks.
        public static let unsupportedVersion = Code(description: "unsupportedVersion")
    }

    /// The kind of fault.
    public var code: Code
    /// What was expected, what was found and where.
    public var message: String

    /// Makes an error of `code` that says `message`.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// One line for a log.
    public var description: String { "\(code): \(message)" }
}
