public import Identity
public import MeshWire
public import NIOCore

/// Which call it is that must run once, however often it arrives.
public struct DeduplicatedCall: Sendable, Hashable {
    /// Who calls: sessions of different peers are different sessions.
    public var peer: SPIFFEID?
    /// The caller's session.
    public var session: SessionID
    /// The call's number in the session, from 1 on.
    public var sequence: UInt64
    /// The caller holds the answers of all numbers up to this one, or will never ask for them.
    public var acknowledgedThrough: UInt64
    /// `service/method`.
    public var method: String
    /// When the caller stops to wait: it sends no copy of the call after that.
    public var deadline: RuntimeInstant
}

/// How a call ended, as a store remembers it.
public struct RememberedOutcome: Sendable {
    package let reply: Reply

    package init(_ reply: Reply) { self.reply = reply }

    /// Reads what ``encoded()`` has written.
    ///
    /// - Throws: ``/MeshWire/WireError`` if it was not.
    public init(encoded bytes: ByteBuffer) throws(WireError) {
        let record: OutcomeRecord = try Payload(head: bytes).decode()
        reply = record.reply
    }

    /// The outcome as bytes, for a store outside the process.
    public func encoded() -> ByteBuffer { Payload(OutcomeRecord(reply)).head }

    /// About the memory that it takes.
    public var byteCount: Int { 256 + reply.message.utf8.count + reply.details.count + reply.payload.count }
}

/// What a store says of a call that has arrived.
public enum DeduplicationVerdict: Sendable {
    /// It has not been seen: it runs, and ``DeduplicationStore/end(_:_:)`` is told how it ended.
    case run
    /// It has run before: its caller gets the same answer.
    case replay(RememberedOutcome)
    /// It does not run.
    case refuse(CallFailure)
}

/// Remembers how the calls of deduplicated methods ended, for callers that ask again because the answer was lost.
///
/// A mesh has one in memory (``MemoryDeduplicationStore``). Servers whose stores have the same ``id`` answer for each
/// other: a call that was lost at one is repeated at another, and runs once. A service whose state outlives the process
/// remembers its calls with that state, as a parameter server's ledger does.
public protocol DeduplicationStore: Sendable {
    /// The same for all stores that know of each other's calls, which must know before a call runs; `nil` if there are no
    /// others. Servers tell it to their clients.
    var id: DeduplicationStoreID? { get }
    /// A call has arrived. One that is running already waits here for how it ends.
    func begin(_ call: DeduplicatedCall) async -> DeduplicationVerdict
    /// A call that ``begin(_:)`` let run has ended; `nil` if it has changed nothing and may run again.
    func end(_ call: DeduplicatedCall, _ outcome: RememberedOutcome?) async
}

/// Who remembers the calls of a deduplicated method.
public enum DeduplicatedBy: Sendable, Hashable {
    /// The mesh, in its ``DeduplicationStore``.
    case mesh
    /// The handler itself, which finds session and numbers in its ``CallContext/deduplication``.
    case handler
}
