/// Everything of a coordinator that outlives it, after some number of changes. Leases do not: they begin anew.
public struct CoordinatorSnapshot: Sendable, Hashable {
    /// How many changes have been applied.
    public private(set) var version: UInt64 = 0
    /// Rises on every join and leave of a worker or a server.
    private(set) var membershipEpoch: UInt64 = 0
    /// The number of the next partition; none is ever given again.
    private(set) var nextPartition: UInt64 = 1
    /// The upper half of the next session must not be below it.
    private(set) var nextOrdinal: UInt64 = 0
    private(set) var sessions = SessionRecords()
    /// The map as workers and servers get it.
    private(set) var map = PartitionMap()

    /// A coordinator that has done nothing.
    public init() {}

    /// Applies a change. O(what it changes).
    public mutating func apply(_ change: CoordinatorChange) {
        version = change.version
        if change.membershipEpoch != 0 { membershipEpoch = change.membershipEpoch }
        if change.nextPartition != 0 { nextPartition = change.nextPartition }
        if change.nextOrdinal != 0 { nextOrdinal = change.nextOrdinal }
        for session in change.sessions { sessions.apply(session) }
        for request in change.answered { sessions.apply(request) }
        map.apply(change)
    }

    /// The changes that make it of an empty one, each with at most one table, so that none is large.
    public var changes: [CoordinatorChange] {
        var first = CoordinatorChange()
        first.version = version
        first.membershipEpoch = membershipEpoch
        first.mapVersion = map.version
        first.nextPartition = nextPartition
        first.nextOrdinal = nextOrdinal
        first.sessions = sessions.records
        first.answered = sessions.answered
        first.servers = map.servers
        first.lost = map.lost
        let tables = map.tables.map { table in
            var change = CoordinatorChange()
            change.version = version
            change.tables = [table]
            return change
        }
        return [first] + tables
    }
}
