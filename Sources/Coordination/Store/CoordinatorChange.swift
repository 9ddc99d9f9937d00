public import MeshWire

/// What one step of a coordinator changes, by its effects: applied to what was there before, it gives what is there after,
/// whatever rule made it.
///
/// A store keeps changes as they are and reads nothing in them but ``version``. A field that this version does not know
/// is skipped.
public struct CoordinatorChange: Sendable, Hashable {
    /// Counts the changes; each is one more than the one before.
    public internal(set) var version: UInt64 = 0
    /// The new count of joins and leaves; 0 where it stays.
    var membershipEpoch: UInt64 = 0
    /// The new version of the partition map; 0 where it stays.
    var mapVersion: UInt64 = 0
    /// The number of the next partition; 0 where it stays.
    var nextPartition: UInt64 = 0
    /// The upper half of the next session; 0 where it stays.
    var nextOrdinal: UInt64 = 0
    /// Sessions that began or ended.
    var sessions: [SessionTable.Record] = []
    /// Requests that were answered with a session.
    var answered: [AnsweredRequest] = []
    /// Servers that came, or came back otherwise.
    var servers: [ServerRecord] = []
    /// Tables that were declared.
    var tables: [PartitionMap.Table] = []
    /// Partitions that have changed.
    var partitions: [PartitionMap.Partition] = []
    /// Servers that were lost, and did not come back since.
    var lost: [String] = []
    /// Which part of a change it is that is told in several, from 0; see ``ChangeParts``.
    var part = 0
    /// Whether the part after this one belongs to the change too.
    var isContinued = false

    /// A change of nothing.
    init() {}

    /// Whether it changes nothing.
    var isEmpty: Bool { self == CoordinatorChange() }

    /// Adds what is changed after this.
    mutating func append(_ next: CoordinatorChange) {
        if next.membershipEpoch != 0 { membershipEpoch = next.membershipEpoch }
        if next.mapVersion != 0 { mapVersion = next.mapVersion }
        if next.nextPartition != 0 { nextPartition = next.nextPartition }
        if next.nextOrdinal != 0 { nextOrdinal = next.nextOrdinal }
        sessions += next.sessions
        answered += next.answered
        servers += next.servers
        tables += next.tables
        partitions += next.partitions
        if !lost.isEmpty, !next.servers.isEmpty {
            let returned = Set(next.servers.map(\.name))
            lost.removeAll { returned.contains($0) }
        }
        lost += next.lost
    }
}

extension CoordinatorChange: MeshMessage {
    /// `meshwork.coordination.CoordinatorChange`.
    public static let messageName = "meshwork.coordination.CoordinatorChange"

    /// Reads the change.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init()
        while let field = try decoder.nextField() {
            switch field {
            case 1: version = try decoder.uint64()
            case 2: membershipEpoch = try decoder.uint64()
            case 3: mapVersion = try decoder.uint64()
            case 4: nextPartition = try decoder.uint64()
            case 5: nextOrdinal = try decoder.uint64()
            case 6: sessions.append(try decoder.message())
            case 7: answered.append(try decoder.message())
            case 8: servers.append(try decoder.message())
            case 9: tables.append(try decoder.message())
            case 10: partitions.append(try decoder.message())
            case 11: lost.append(try decoder.string())
            case 12: part = try decoder.count()
            case 13: isContinued = try decoder.bool()
            default: break
            }
        }
    }

    /// Writes the change.
    public func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, version)
        encoder.uint64(2, membershipEpoch)
        encoder.uint64(3, mapVersion)
        encoder.uint64(4, nextPartition)
        encoder.uint64(5, nextOrdinal)
        for session in sessions { encoder.message(6, session) }
        for request in answered { encoder.message(7, request) }
        for server in servers { encoder.message(8, server) }
        for table in tables { encoder.message(9, table) }
        for partition in partitions { encoder.message(10, partition) }
        for server in lost { encoder.string(11, server) }
        encoder.uint64(12, UInt64(part))
        encoder.bool(13, isContinued)
    }
}
