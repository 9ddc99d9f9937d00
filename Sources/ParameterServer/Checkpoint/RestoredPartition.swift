public import Coordination
public import MeshWire

/// What became of one partition that went back to a checkpoint.
public struct RestoredPartition: Sendable, Hashable {
    /// What became of a session's pushes.
    public struct Session: Sendable, Hashable {
        /// The session.
        public var session: SessionID
        /// The worker's number; `nil` for a session that has made way for another.
        public var slot: Int?
        /// Its pushes that stand.
        public var stands: SequenceSet
        /// Its pushes that had been applied, and are not any more: all that were acknowledged and do not stand are
        /// among them.
        public var lost: SequenceSet
    }

    /// The partition's number.
    public var partition: PartitionID
    /// Its table and index.
    public var name: PartitionName
    /// Its version now.
    public var version: PartitionVersion
    /// The sessions that may push, and those that lost something, in the order of sessions.
    public var sessions: [Session]

    init(partition: PartitionID, name: PartitionName, version: PartitionVersion, sessions: [Session]) {
        self.partition = partition
        self.name = name
        self.version = version
        self.sessions = sessions
    }

    /// What lies between two accounts of a partition.
    init(from before: PartitionAccount, to after: PartitionAccount, fence: SessionFence) {
        self.init(partition: after.partition, name: after.name, version: after.version, sessions: [])
        let slots = Dictionary(fence.entries.filter { !$0.hasEnded }.map { ($0.session, $0.slot) }) { first, _ in first
        }
        let stood = Dictionary(before.sessions.map { ($0.session, $0.applied) }) { first, _ in first }
        let stands = Dictionary(after.sessions.map { ($0.session, $0.applied) }) { first, _ in first }
        for session in Set(stood.keys).union(slots.keys).sorted() {
            let kept = stands[session] ?? SequenceSet()
            let lost = (stood[session] ?? SequenceSet()).subtracting(kept)
            guard slots[session] != nil || !lost.isEmpty else { continue }
            sessions.append(Session(session: session, slot: slots[session], stands: kept, lost: lost))
        }
    }
}

/// What became of a job that went back to a checkpoint.
public struct RollBackReport: Sendable, Hashable {
    /// The checkpoint.
    public var step: UInt64
    /// Every partition of it, in the order of their numbers.
    public var partitions: [RestoredPartition]
    /// Tables that the checkpoint does not have; they are as they were.
    public var untouched: [String]

    /// How many pushes each session has lost, over all partitions: the work that its worker has to do again. Sessions
    /// that lost nothing are not in it.
    public var lost: [SessionID: UInt64] {
        var lost: [SessionID: UInt64] = [:]
        for session in partitions.flatMap(\.sessions) where !session.lost.isEmpty {
            lost[session.session, default: 0] += session.lost.count
        }
        return lost
    }
}

extension RestoredPartition: MeshMessage {
    /// `meshwork.parameters.RestoredPartition`.
    public static let messageName = "meshwork.parameters.RestoredPartition"

    /// Reads the entry.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(
            partition: PartitionID(rawValue: 0), name: PartitionName(table: "", index: 0),
            version: PartitionVersion(epoch: 0, applied: 0), sessions: [])
        while let field = try decoder.nextField() {
            switch field {
            case 1: partition = PartitionID(rawValue: try decoder.uint64())
            case 2: name.table = try decoder.string()
            case 3: name.index = try decoder.count()
            case 4: version = try decoder.message()
            case 5: sessions.append(try decoder.message())
            default: break
            }
        }
    }

    /// Writes the entry.
    public func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, partition.rawValue)
        encoder.string(2, name.table)
        encoder.uint64(3, UInt64(name.index))
        encoder.message(4, version)
        for session in sessions { encoder.message(5, session) }
    }
}

extension RestoredPartition.Session: MeshMessage {
    /// `meshwork.parameters.RestoredSession`.
    public static let messageName = "meshwork.parameters.RestoredSession"

    /// Reads the entry.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(session: SessionID(high: 0, low: 0), slot: nil, stands: SequenceSet(), lost: SequenceSet())
        while let field = try decoder.nextField() {
            switch field {
            case 1: session = try decoder.message(SessionReference.self).session
            // One more than the slot, so that slot 0 and no slot differ.
            case 2:
                let number = try decoder.count()
                slot = number == 0 ? nil : number - 1
            case 3: stands = try decoder.message()
            case 4: lost = try decoder.message()
            default: break
            }
        }
    }

    /// Writes the entry.
    public func encode(to encoder: inout MessageEncoder) {
        encoder.message(1, SessionReference(session))
        encoder.uint64(2, slot.map { UInt64($0) + 1 } ?? 0)
        encoder.message(3, stands)
        encoder.message(4, lost)
    }
}
