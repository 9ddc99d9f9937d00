public import MeshWire

/// Why a call, a connection or a listener failed.
public struct MeshError: Error, Sendable, CustomStringConvertible {
    /// The kind of a ``MeshError``.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's stable name.
        public let description: String

        init(_ name: String) { description = name }

        /// The peer answered with a status other than `ok`; see ``MeshError/status``.
        public static let status = Code("status")
        /// The deadline passed.
        public static let deadlineExceeded = Code("deadlineExceeded")
        /// The caller's task was cancelled.
        public static let cancelled = Code("cancelled")
        /// No connection to the peer could be made.
        public static let connectFailed = Code("connectFailed")
        /// The connection ended before the answer came.
        public static let connectionLost = Code("connectionLost")
        /// No endpoint of the service takes calls.
        public static let noEndpoint = Code("noEndpoint")
        /// The peer did not prove an identity that is trusted, or not the one that is expected.
        public static let peerNotTrusted = Code("peerNotTrusted")
        /// The destination names no identity that its server may have.
        public static let noExpectedIdentity = Code("noExpectedIdentity")
        /// The peer does not keep to the wire protocol.
        public static let protocolViolation = Code("protocolViolation")
        /// A message could not be decoded.
        public static let malformedMessage = Code("malformedMessage")
        /// The connection or the mesh takes no new calls.
        public static let draining = Code("draining")
        /// The server instance of the first attempt is gone, and no other may be asked.
        public static let instanceChanged = Code("instanceChanged")
        /// The server is too old for calls of this kind.
        public static let unsupportedByPeer = Code("unsupportedByPeer")
        /// An interceptor of this side's host did not let the call pass; see ``ClientInterceptor``.
        public static let refusedByInterceptor = Code("refusedByInterceptor")
        /// The call is over one of this side's ``MeshConfiguration/limits``.
        public static let callTooLarge = Code("callTooLarge")
        /// As many of this side's calls are under way at the destination as may be, and this one could not wait for its
        /// place; see ``AdmissionPolicy``. (Linkerd's name of it.)
        public static let loadShed = Code("loadShed")
        /// The call's metadata is nothing that the wire can carry.
        public static let invalidMetadata = Code("invalidMetadata")
        /// The address cannot be listened on.
        public static let listenFailed = Code("listenFailed")
        /// The configuration is wrong.
        public static let invalidConfiguration = Code("invalidConfiguration")
    }

    /// How far a call came before it failed.
    public enum Progress: Sendable, Hashable {
        /// The server has not run it: it can be made again anywhere.
        case notSent
        /// The server may have run it, wholly or in part.
        case mayHaveRun
        /// The server answered.
        case answered
    }

    /// The kind of failure.
    public var code: Code
    /// What was expected, what was found and where.
    public var message: String
    /// How far the call came; `nil` if the error is not about a call.
    public var progress: Progress?
    /// What the server answered, if ``progress`` is `answered`, or what an interceptor refused the call with.
    public var status: CallStatus?
    /// Whom the call or the connection was for: its verified identity, or its address before that is known.
    public var peer: String?
    /// What made it fail.
    public var cause: (any Error)?
    /// More about the server's ``status``, in a form that caller and handler agree on: an encoded `google.rpc.Status` from
    /// a gRPC server.
    public var details: [UInt8] = []
    /// What the server said beside its ``status``.
    public var trailers = Metadata()

    /// Makes an error.
    public init(
        _ code: Code, _ message: String, progress: Progress? = nil, status: CallStatus? = nil,
        peer: String? = nil, cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.progress = progress
        self.status = status
        self.peer = peer
        self.cause = cause
    }

    /// A server's answer with another status than `ok`.
    init(_ head: ReplyHead, progress: Progress, peer: String) {
        self.init(.status, head.message, progress: progress, status: head.status, peer: peer)
        details = head.details
        trailers = head.metadata
    }

    /// One line for a log.
    public var description: String {
        var line = "\(code)"
        if let status { line += "(\(status))" }
        line += ": \(message)"
        if let peer { line += " [peer \(peer)]" }
        if let progress { line += " [\(progress)]" }
        if let cause { line += " [cause: \(cause)]" }
        return line
    }
}
