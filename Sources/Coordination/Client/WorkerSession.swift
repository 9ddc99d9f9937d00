public import MeshWire

/// One life of a slot, as the worker that opened it holds it.
public struct WorkerSession: Sendable, Hashable {
    /// What the slot's session before this one left behind. It applies nothing any more.
    public struct Predecessor: Sendable, Hashable {
        /// The earlier session.
        public var session: SessionID
        /// What it had applied, for each partition that could be asked.
        public var applied: [AppliedPushes]
    }

    /// The id that pushes carry; a slot's newer session compares greater.
    public var id: SessionID
    /// The worker's number, 0 ..< the coordinator's slots.
    public var slot: Int
    /// How long the session lives after a sign of life.
    public var lease: Duration
    /// The coordinator's count of joins and leaves when the session was opened.
    public var membershipEpoch: UInt64
    /// The slot's session before this one; `nil` for a slot's first.
    public var predecessor: Predecessor?
    /// Partitions whose server did not confirm the fence in time; it learns of this session from its first push. Also
    /// those of which no message had room for what the predecessor had applied.
    public var unconfirmed: [PartitionID]
}

extension WorkerSession {
    init(_ opened: OpenedSession) {
        self.init(
            id: opened.session, slot: opened.slot, lease: opened.lease, membershipEpoch: opened.membershipEpoch,
            predecessor: opened.predecessor.map { Predecessor(session: $0, applied: opened.applied) },
            unconfirmed: opened.unknown)
    }
}
