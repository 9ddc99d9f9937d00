import Identity
import MeshWire

/// Cuts a change into parts that a record or a message has room for: all but its tables and partitions is in the first.
///
/// Each part is made when it is asked for. A part has one table or partition at least, whatever its size; of a table
/// that does not fit the rest comes first in the next part, under its name and without its declaration.
struct ChangeParts: Sequence, IteratorProtocol {
    private let change: CoordinatorChange
    private let bytes: Int
    /// Where the next part begins.
    private var table = 0
    private var partitionOfTable = 0
    private var partition = 0
    private var part: Int? = 0

    /// - Parameter bytes: after how many bytes of tables and partitions a part ends.
    init(_ change: CoordinatorChange, bytes: Int) {
        self.change = change
        self.bytes = bytes
    }

    mutating func next() -> CoordinatorChange? {
        guard let part else { return nil }
        var next = CoordinatorChange()
        if part == 0 {
            next = change
            (next.tables, next.partitions) = ([], [])
        }
        (next.version, next.mapVersion, next.part) = (change.version, change.mapVersion, part)
        var room = bytes
        while table < change.tables.count, let piece = nextPiece(within: &room, isFirst: next.tables.isEmpty) {
            next.tables.append(piece)
        }
        if table == change.tables.count {
            let rest = change.partitions[partition...]
            let isFirst = next.tables.isEmpty
            next.partitions = Array(Self.fitting(rest, within: &room, takesFirst: isFirst))
            partition += next.partitions.count
        }
        next.isContinued = table < change.tables.count || partition < change.partitions.count
        self.part = next.isContinued ? part + 1 : nil
        return next
    }

    /// The next table, or as much of it as there is room for.
    private mutating func nextPiece(within room: inout Int, isFirst: Bool) -> PartitionMap.Table? {
        var piece = change.tables[table]
        if partitionOfTable > 0 { piece.declaration = [] }
        room -= piece.ownBytes
        guard room >= 0 || isFirst else { return nil }
        let rest = piece.partitions[partitionOfTable...]
        let fitting = Self.fitting(rest, within: &room, takesFirst: isFirst)
        guard !fitting.isEmpty || rest.isEmpty else { return nil }
        if fitting.endIndex == piece.partitions.endIndex {
            (table, partitionOfTable) = (table + 1, 0)
        } else {
            partitionOfTable = fitting.endIndex
        }
        // A table that is whole shares what the change has.
        if fitting.count < piece.partitions.count { piece.partitions = Array(fitting) }
        return piece
    }

    private static func fitting(
        _ partitions: ArraySlice<PartitionMap.Partition>, within room: inout Int, takesFirst: Bool
    ) -> ArraySlice<PartitionMap.Partition> {
        var end = partitions.startIndex
        while end < partitions.endIndex {
            room -= partitions[end].mostBytes
            guard room >= 0 || takesFirst && end == partitions.startIndex else { break }
            end += 1
        }
        return partitions[..<end]
    }
}

/// Puts a change together of its parts. A state machine.
///
/// Whoever was writing a change may have ended before its last part: then another begins, which is all that counts.
struct ChangeAssembler: Sendable {
    private var gathered: CoordinatorChange?
    private var parts = 0

    /// Whether a change has begun and is not whole.
    var isGathering: Bool { gathered != nil }

    /// Takes the next part; returns the change when it is whole.
    ///
    /// - Throws: ``/MeshWire/WireError/Code/malformed`` for a part that does not follow the one before.
    mutating func take(_ part: CoordinatorChange) throws(WireError) -> CoordinatorChange? {
        if part.part == 0 {
            (gathered, parts) = (part, 1)
        } else {
            guard part.part == parts, part.version == gathered?.version, part.mapVersion == gathered?.mapVersion else {
                let known = gathered.map { "part \(parts - 1) of change \($0.version), map \($0.mapVersion)" }
                throw WireError(
                    .malformed,
                    "part \(part.part) of change \(part.version), map \(part.mapVersion), follows \(known ?? "none")")
            }
            gathered?.append(part)
            parts += 1
        }
        guard !part.isContinued else { return nil }
        defer { gathered = nil }
        gathered?.part = 0
        gathered?.isContinued = false
        return gathered
    }
}

extension PartitionMap {
    /// The most bytes that the map's message takes.
    var mostBytes: Int {
        let servers = servers.reduce(0) {
            $0 + $1.name.utf8.count + $1.host.utf8.count + $1.identity.description.utf8.count + 40
        }
        return tables.reduce(16 + servers + lost.reduce(0) { $0 + $1.utf8.count + 4 }) { sum, table in
            table.partitions.reduce(sum + table.ownBytes) { $0 + $1.mostBytes }
        }
    }
}

extension PartitionMap.Table {
    /// The most bytes that the table's message takes beside its partitions.
    fileprivate var ownBytes: Int { name.utf8.count + declaration.count + 32 }
}

extension PartitionMap.Partition {
    /// The most bytes that the partition's message takes.
    fileprivate var mostBytes: Int {
        followers.reduce(72 + head.utf8.count + joining.utf8.count) { $0 + $1.utf8.count + 4 }
    }
}
