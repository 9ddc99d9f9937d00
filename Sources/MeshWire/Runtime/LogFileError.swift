/// Why a log file, or a log made of such files, refused something.
public struct LogFileError: Error, Sendable, CustomStringConvertible {
    /// The kind of a ``LogFileError``.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's stable name.
        public let description: String

        private init(_ name: String) { description = name }

        /// There is no such file or folder.
        public static let notFound = Code("notFound")
        /// The file is open elsewhere, in this process or in another.
        public static let inUse = Code("inUse")
        /// The disk, or the user's share of it, has no room; what was there is intact.
        public static let diskFull = Code("diskFull")
        /// Bytes are not what was written; the message says where.
        public static let damaged = Code("damaged")
        /// What was written needs something else of the program than this one has; the files are intact.
        public static let mismatched = Code("mismatched")
        /// The system could not read, write or sync; after a failed sync nobody knows what the disk holds.
        public static let ioFailure = Code("ioFailure")
        /// The log has reached the size that it may have.
        public static let limitReached = Code("limitReached")
        /// A wait's deadline came first.
        public static let deadlineExceeded = Code("deadlineExceeded")
        /// The file or the log has been closed.
        public static let closed = Code("closed")
    }

    /// The kind of failure.
    public var code: Code
    /// The file or folder.
    public var path: String
    /// What was expected, what was found, and what to do.
    public var message: String

    /// Makes an error.
    public init(_ code: Code, path: String, _ message: String) {
        self.code = code
        self.path = path
        self.message = message
    }

    /// One line for a log.
    public var description: String { "\(code): \(path): \(message)" }
}
