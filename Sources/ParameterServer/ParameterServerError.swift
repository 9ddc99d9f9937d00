import Coordination
import MeshTransport
import MeshWire

/// Why a table could not be declared, pulled or pushed to. No parameter has changed where a push was refused, but
/// for the codes that say otherwise.
public struct ParameterServerError: Error, Sendable, CustomStringConvertible {
    /// The kind of a ``ParameterServerError``; its number is what travels.
    public struct Code: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        /// The number on the wire.
        public let rawValue: UInt32

        /// The code of this number, known here or not.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        private init(_ rawValue: UInt32) { self.rawValue = rawValue }

        /// A table or partition that is not declared.
        public static let unknownParameter = Code(1)
        /// Another number of elements, or another shape, than the table was declared with.
        public static let shapeMismatch = Code(2)
        /// An element type other than the table's.
        public static let dtypeMismatch = Code(3)
        /// A NaN or an infinity in a gradient.
        public static let nonFinite = Code(4)
        /// The session has made way for a newer one of its slot.
        public static let sessionFenced = Code(5)
        /// The session has ended: its lease ran out, or it was closed.
        public static let sessionExpired = Code(6)
        /// Neither the server nor the coordinator knows the session.
        public static let sessionUnknown = Code(7)
        /// The session belongs to another identity.
        public static let notOwner = Code(8)
        /// The session has more pushes without acknowledgement, or more gaps, than the ledger keeps; or the ledger
        /// knows as many sessions as it may. Gaps stay: after ``ParameterServerConfiguration/ledgerRuns`` of them every
        /// further push of the session is refused so, and the worker has to open a new session.
        public static let ledgerFull = Code(9)
        /// The partition's queue is full.
        public static let busy = Code(10)
        /// What the partition held has gone back since the session pulled from it.
        public static let rolledBack = Code(11)
        /// The push's number was acknowledged or given up by its own session before.
        public static let acknowledged = Code(12)
        /// A request that contradicts itself.
        public static let malformedRequest = Code(13)
        /// The update could not be computed.
        public static let applyFailed = Code(14)
        /// A pull's version was not reached in time.
        public static let versionNotReached = Code(15)
        /// A table's declaration has problems.
        public static let invalidDeclaration = Code(16)
        /// The coordinator refused; ``ParameterServerError/cause`` is its error.
        public static let coordination = Code(17)
        /// A server could not be reached, or its answer is not one; ``ParameterServerError/cause`` says why.
        public static let callFailed = Code(18)
        /// A configuration has problems; the message lists all of them.
        public static let invalidConfiguration = Code(19)
        /// The server is not the one in the partition map: it has not registered yet, or a later life of it has.
        /// Nothing was done; the same request may come again.
        public static let notRegistered = Code(20)

        /// A snapshot or a log that is not of this partition, or that contradicts itself.
        public static let snapshotInvalid = Code(21)
        /// A log cannot be read or written: damaged, in use by another process, or the disk is full. What was
        /// acknowledged is on disk; the message says where and what to do.
        public static let logFailed = Code(22)
        /// The push is applied, and its record is not yet as safe as the server's log is to be. The same push may come
        /// again, and is answered then.
        public static let unconfirmed = Code(23)
        /// The table policy does not let this identity do so with the table; the message names all three.
        public static let notAllowed = Code(24)
        /// The server that headed the partitions is gone, or heads them no more, and nobody had taken its place in
        /// time. The message names it with its part and the epoch; whether a push was applied is open, and its copy
        /// finds out.
        public static let peerLost = Code(25)
        /// The chain of a partition's servers is in a later epoch than the caller's, who has to look at the map.
        public static let staleEpoch = Code(26)
        /// What is in a checkpoint's folder is not what was written, or not for this job; the message names the file,
        /// the place in it and what to do. Nothing has changed.
        public static let checkpointInvalid = Code(27)
        /// A checkpoint could not be written, read or gone back to; the message says why, and what holds now. A
        /// checkpoint that was there before is whole.
        public static let checkpointFailed = Code(28)
        /// A push names rows that do not exist yet, and the partition has as many as its table allows; the message
        /// names both figures.
        public static let rowsFull = Code(29)
        /// A snapshot of rows was let go of, because keeping it cost more than its partition may: take another.
        public static let snapshotRevoked = Code(30)
        /// The key of a row that is not below the table's limit.
        public static let rowOutOfRange = Code(31)
        /// The round that the push belongs to was closed without it; the message says which round stands. Its number is
        /// used up: pull, and compute a gradient for the next round.
        public static let late = Code(34)
        /// A round was not closed in time; the message names whom it waits for. The push is not applied yet, and may be
        /// when they come.
        public static let roundStalled = Code(35)
        /// The push is with its partition, and is answered when its round is closed. Clients wait for that.
        public static let held = Code(36)
        /// The partition has no answer to a push that waits for a round, and not the push: a client sends it again.
        public static let notHeld = Code(37)
        /// A pull of bounded staleness waited for another worker in vain; the message names its slot, session and
        /// identity, and how far it is. The same request may come again.
        public static let staleClock = Code(38)
        /// A snapshot for readers is larger than its server keeps; the message names both figures.
        public static let snapshotTooLarge = Code(40)
        /// A function has thrown, has left parameters of another shape, or comes to other bits at one server than at
        /// another; the message has what it threw. Nothing has changed.
        public static let functionFailed = Code(41)
        /// The server, or another of the partition's chain, has no function of this name and version; the message names
        /// both. Register it with every server.
        public static let unknownFunction = Code(42)
        /// A function's answer has more bytes than ``ParameterServerConfiguration/functionAnswerBytes``. Nothing has
        /// changed.
        public static let answerTooLarge = Code(43)

        /// In the order of the numbers; empty for those that have no code here.
        static let names = [
            "unknownParameter", "shapeMismatch", "dtypeMismatch", "nonFinite", "sessionFenced", "sessionExpired",
            "sessionUnknown", "notOwner", "ledgerFull", "busy", "rolledBack", "acknowledged", "malformedRequest",
            "applyFailed", "versionNotReached", "invalidDeclaration", "coordination", "callFailed",
            "invalidConfiguration", "notRegistered", "snapshotInvalid", "logFailed", "unconfirmed", "notAllowed",
            "peerLost", "staleEpoch", "checkpointInvalid", "checkpointFailed", "rowsFull", "snapshotRevoked",
            "rowOutOfRange", "", "", "late", "roundStalled", "held", "notHeld", "staleClock", "", "snapshotTooLarge",
            "functionFailed", "unknownFunction", "answerTooLarge",
        ]

        /// The code's name, or its number where it has none here.
        public var description: String {
            guard (1...UInt32(Self.names.count)).contains(rawValue), !Self.names[Int(rawValue) - 1].isEmpty else {
                return "code \(rawValue)"
            }
            return Self.names[Int(rawValue) - 1]
        }

        /// The code of this name.
        init?(named name: some StringProtocol) {
            guard !name.isEmpty, let index = Self.names.firstIndex(where: { $0 == name }) else { return nil }
            self.init(UInt32(index) + 1)
        }
    }

    /// The kind of failure.
    public var code: Code
    /// What was expected, what was found, and in which table or partition.
    public var message: String
    /// Who is at the other end, where there is another end.
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

extension ParameterServerError {
    /// Whether it is about a function of the host.
    var isOfFunction: Bool { code == .functionFailed || code == .unknownFunction }

    /// A coordinator's refusal.
    init(_ error: CoordinationError) {
        self.init(.coordination, error.message, peer: error.peer, cause: error)
    }

    /// What a call to a server failed with: the server's own code, which leads the answer's text, or that of the call.
    init(_ error: MeshError) {
        let parts = error.message.split(separator: ":", maxSplits: 1)
        guard error.status != nil, parts.count == 2, let code = Code(named: parts[0]) else {
            self.init(.callFailed, error.message, peer: error.peer, cause: error)
            return
        }
        self.init(code, String(parts[1].dropFirst()), peer: error.peer, cause: error)
    }

    /// The answer to a call that failed so.
    func callFailure(_ status: CallStatus) -> CallFailure {
        CallFailure(status, "\(code): \(message)", hasNotRun: true)
    }
}
