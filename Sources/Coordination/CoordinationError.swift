import MeshTransport
import MeshWire

/// Why the coordinator refused something, or could not be asked.
public struct CoordinationError: Error, Sendable, CustomStringConvertible {
    /// The kind of a ``CoordinationError``.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's stable name.
        public let description: String
        /// The status that a call is answered with when it fails so.
        let status: CallStatus

        private init(_ name: String, _ status: CallStatus) {
            description = name
            self.status = status
        }

        /// A slot's number is not one of the coordinator's.
        public static let slotOutOfRange = Code("slotOutOfRange", .invalidArgument)
        /// Every slot has a living session.
        public static let noFreeSlot = Code("noFreeSlot", .resourceExhausted)
        /// The slot has a living session of another identity.
        public static let slotTaken = Code("slotTaken", .failedPrecondition)
        /// The session has made way for a newer one of its slot.
        public static let sessionFenced = Code("sessionFenced", .failedPrecondition)
        /// The session has ended: its lease ran out, or it was closed.
        public static let sessionExpired = Code("sessionExpired", .failedPrecondition)
        /// Nobody has heard of the session.
        public static let sessionUnknown = Code("sessionUnknown", .notFound)
        /// The name or the session belongs to another identity.
        public static let notOwner = Code("notOwner", .permissionDenied)
        /// The table policy does not let this identity create the table.
        public static let notAllowed = Code("notAllowed", .permissionDenied)
        /// A table is declared already, and otherwise.
        public static let conflictingDeclaration = Code("conflictingDeclaration", .alreadyExists)
        /// A declaration that cannot be placed whatever the coordinator's state.
        public static let invalidDeclaration = Code("invalidDeclaration", .invalidArgument)
        /// Fewer servers are registered than partitions are placed on.
        public static let tooFewServers = Code("tooFewServers", .unavailable)
        /// A limit of the coordinator's configuration is reached.
        public static let limitReached = Code("limitReached", .resourceExhausted)
        /// The tables of a namespace would take more than they may.
        public static let quotaExceeded = Code("quotaExceeded", .resourceExhausted)
        /// Others make the coordinator hold as much as it may; the same call may succeed later.
        public static let busy = Code("busy", .unavailable)
        /// The map takes more than a message has room for: it has to be followed in parts.
        public static let mapTooLarge = Code("mapTooLarge", .failedPrecondition)
        /// The change could not be kept, as on a full disk; nothing has changed.
        public static let storeUnavailable = Code("storeUnavailable", .unavailable)
        /// What a store holds is damaged or unknown; the message says what to do.
        public static let storeFailed = Code("storeFailed", .dataLoss)
        /// Another change was committed before, by another coordinator on the same store.
        public static let versionConflict = Code("versionConflict", .aborted)
        /// A configuration has problems; the message lists all of them.
        public static let invalidConfiguration = Code("invalidConfiguration", .invalidArgument)
        /// Nobody has registered a server of that name.
        public static let serverUnknown = Code("serverUnknown", .notFound)
        /// The server counts as lost: the coordinator has not heard of it for too long. It has to register again.
        public static let serverLost = Code("serverLost", .failedPrecondition)
        /// A later life of the server has registered.
        public static let serverSuperseded = Code("serverSuperseded", .failedPrecondition)
        /// No partition has that number.
        public static let partitionUnknown = Code("partitionUnknown", .notFound)
        /// The partition's chain has been changed before; ``CoordinationError/partition`` is what it is now.
        public static let chainChanged = Code("chainChanged", .aborted)
        /// The map has given the server a partition since it looked: it may have kept that one too, and has to look again.
        public static let mapChanged = Code("mapChanged", .aborted)
        /// The coordinator could not be reached or did not understand; ``CoordinationError/cause`` says why.
        public static let callFailed = Code("callFailed", .unavailable)

        /// The codes that a coordinator answers with.
        static let answered: [Code] = [
            slotOutOfRange, noFreeSlot, slotTaken, sessionFenced, sessionExpired, sessionUnknown, notOwner,
            notAllowed, conflictingDeclaration, invalidDeclaration, tooFewServers, limitReached, storeUnavailable,
            storeFailed, versionConflict, serverUnknown, serverLost, serverSuperseded, partitionUnknown,
            quotaExceeded, busy, mapTooLarge, mapChanged,
        ]
    }

    /// The kind of failure.
    public var code: Code
    /// What was expected, what was found and where.
    public var message: String
    /// Who is at the other end, where there is another end.
    public var peer: String?
    /// What made it fail.
    public var cause: (any Error)?
    /// The partition as it is, where a change of it came too late.
    public var partition: PartitionMap.Partition?

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

extension CoordinationError {
    /// The answer to a call that failed so. The code's name leads the text, as a status alone does not tell the codes
    /// apart.
    var callFailure: CallFailure {
        CallFailure(code.status, "\(code): \(message)", hasNotRun: code != .storeFailed && code != .mapTooLarge)
    }

    /// What a call to a coordinator failed with: what it answered, or that it could not be asked.
    init(_ error: MeshError) {
        let answered = Code.answered.first { error.message.hasPrefix("\($0): ") && error.status == $0.status }
        guard let answered else {
            self.init(.callFailed, error.message, peer: error.peer, cause: error)
            return
        }
        self.init(answered, String(error.message.dropFirst(answered.description.count + 2)), peer: error.peer)
    }
}
