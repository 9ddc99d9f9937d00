public import Coordination
public import MeshWire

/// A partition's account of its pushes, as its server gives it: three figures that are kept apart and must agree.
public struct PartitionAccount: Sendable, Hashable {
    /// One session's pushes in the ledger.
    public struct Session: Sendable, Hashable {
        /// The session.
        public var session: SessionID
        /// The sequence numbers of the pushes that were applied.
        public var applied: SequenceSet
        /// Those of the pushes that were rejected, for a NaN for example.
        public var rejected: SequenceSet
        /// Those of the pushes that the table's policy passed over.
        public var skipped: SequenceSet

        /// Makes an entry.
        public init(
            session: SessionID, applied: SequenceSet, rejected: SequenceSet, skipped: SequenceSet = SequenceSet()
        ) {
            self.session = session
            self.applied = applied
            self.rejected = rejected
            self.skipped = skipped
        }
    }

    /// The partition's number.
    public var partition: PartitionID
    /// Its table and index.
    public var name: PartitionName
    /// Its version: the count of applied pushes.
    public var version: PartitionVersion
    /// The audit counter, to which each push adds what it carries in its payload.
    public var counter: Int64
    /// The ledger, in the order of sessions.
    public var sessions: [Session]
    /// Copies of answered pushes that were not applied again.
    public var duplicatesSuppressed: UInt64

    /// Makes an account.
    public init(
        partition: PartitionID, name: PartitionName, version: PartitionVersion, counter: Int64, sessions: [Session],
        duplicatesSuppressed: UInt64
    ) {
        self.partition = partition
        self.name = name
        self.version = version
        self.counter = counter
        self.sessions = sessions
        self.duplicatesSuppressed = duplicatesSuppressed
    }

    /// Ids in the ledger whose outcome is *applied*.
    public var appliedInLedger: UInt64 { sessions.reduce(0) { $0 &+ $1.applied.count } }

    /// Ids in the ledger whose outcome is *rejected*.
    public var rejectedInLedger: UInt64 { sessions.reduce(0) { $0 &+ $1.rejected.count } }

    /// Ids in the ledger whose outcome is *skipped*.
    public var skippedInLedger: UInt64 { sessions.reduce(0) { $0 &+ $1.skipped.count } }
}

extension PartitionAccount: MeshMessage {
    /// `meshwork.parameters.PartitionAccount`.
    public static let messageName = "meshwork.parameters.PartitionAccount"

    /// Reads an account.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(
            partition: PartitionID(rawValue: 0), name: PartitionName(table: "", index: 0),
            version: PartitionVersion(epoch: 0, applied: 0), counter: 0, sessions: [], duplicatesSuppressed: 0)
        while let field = try decoder.nextField() {
            switch field {
            case 1: partition = PartitionID(rawValue: try decoder.uint64())
            case 2: name.table = try decoder.string()
            case 3: name.index = try decoder.count()
            case 4: version = try decoder.message()
            case 5: counter = try decoder.int64()
            case 6: sessions.append(try decoder.message())
            case 7: duplicatesSuppressed = try decoder.uint64()
            default: break
            }
        }
    }

    /// Writes the account.
    public func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, partition.rawValue)
        encoder.string(2, name.table)
        encoder.uint64(3, UInt64(name.index))
        encoder.message(4, version)
        encoder.int64(5, counter)
        for session in sessions { encoder.message(6, session) }
        encoder.uint64(7, duplicatesSuppressed)
    }
}

extension PartitionAccount.Session: MeshMessage {
    /// `meshwork.parameters.SessionAccount`.
    public static let messageName = "meshwork.parameters.SessionAccount"

    /// Reads an entry.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(session: SessionID(high: 0, low: 0), applied: SequenceSet(), rejected: SequenceSet())
        while let field = try decoder.nextField() {
            switch field {
            case 1: session = try decoder.message(SessionReference.self).session
            case 2: applied = try decoder.message()
            case 3: rejected = try decoder.message()
            case 4: skipped = try decoder.message()
            default: break
            }
        }
    }

    /// Writes the entry.
    public func encode(to encoder: inout MessageEncoder) {
        encoder.message(1, SessionReference(session))
        encoder.message(2, applied)
        encoder.message(3, rejected)
        if !skipped.isEmpty { encoder.message(4, skipped) }
    }
}
