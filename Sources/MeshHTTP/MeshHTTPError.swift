/// Why an HTTP front end was not set up or did not take a connection.
///
/// What a *request* is answered when something is wrong with it is Hummingbird's `HTTPError`, which handlers throw and
/// the front end writes as JSON.
public struct MeshHTTPError: Error, Sendable, CustomStringConvertible {
    /// The kind of a ``MeshHTTPError``.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's stable name.
        public let description: String

        init(_ name: String) { description = name }

        /// The configuration is wrong.
        public static let invalidConfiguration = Code("invalidConfiguration")
        /// There are as many connections as the configuration allows.
        public static let tooManyConnections = Code("tooManyConnections")
        /// A connection's channel could not be set up for HTTP.
        public static let channelSetUpFailed = Code("channelSetUpFailed")
    }

    /// The kind of failure.
    public var code: Code
    /// What was expected, what was found and where.
    public var message: String
    /// The verified identity of the connection's peer, or its address.
    public var peer: String?
    /// What made it fail.
    public var cause: (any Error)?

    /// Makes an error.
    public init(_ code: Code, _ message: String, peer: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.peer = peer
        self.cause = cause
    }

    /// One line for a log.
    public var description: String {
        var line = "\(code): \(message)"
        if let peer { line += " [peer \(peer)]" }
        if let cause { line += " [cause: \(cause)]" }
        return line
    }
}
