public import Coordination
public import MeshWire

/// Notes of pushes, by session and partition: those that were sent, or those that were acknowledged. Kept by somebody
/// who is neither the worker nor the server.
public struct PushNotes: Sendable, Hashable {
    /// Whose numbers a set holds.
    public struct Key: Sendable, Hashable, Comparable {
        /// The session.
        public var session: SessionID
        /// The partition's number.
        public var partition: PartitionID

        /// Makes a key.
        public init(session: SessionID, partition: PartitionID) {
            self.session = session
            self.partition = partition
        }

        /// Orders by partition, then by session.
        public static func < (left: Key, right: Key) -> Bool {
            (left.partition, left.session) < (right.partition, right.session)
        }
    }

    /// The sequence numbers that were noted.
    public private(set) var sequences: [Key: SequenceSet] = [:]
    /// Those of them that were noted more than once. A push is noted as sent once, whatever its attempts: a number that
    /// is here was given to two pushes.
    public private(set) var repeated: [Key: SequenceSet] = [:]

    /// No notes.
    public init() {}

    /// Adds a note.
    ///
    /// - Returns: false if the push had been noted before.
    @discardableResult
    public mutating func insert(session: SessionID, partition: PartitionID, sequence: UInt64) -> Bool {
        let key = Key(session: session, partition: partition)
        let isNew = sequences[key, default: SequenceSet()].insert(sequence)
        if !isNew { repeated[key, default: SequenceSet()].insert(sequence) }
        return isNew
    }

    /// Adds a note of each push.
    public mutating func insert(_ pushes: some Sequence<PushIdentity>) {
        for push in pushes { insert(session: push.session, partition: push.partition, sequence: push.sequence) }
    }

    /// How many pushes were noted; one that was noted twice counts once.
    public var count: UInt64 { sequences.values.reduce(0) { $0 + $1.count } }
}
