import MeshWire
import Optimizers
import Tensor
import Testing

@testable import ParameterServer

@Suite struct RowSnapshotTests {
    /// A partition of 40 slabs, of 4 rows each.
    private static func partition() throws -> RowPartition {
        var partition = try RowPartition(RowPartition.table(width: 1_000))
        _ = try partition.push(Array(0..<160), Array(repeating: 1, count: 160_000))
        return partition
    }

    private static func step(_ partition: inout RowPartition, _ keys: some Sequence<UInt64>) throws {
        let keys = Array(keys)
        _ = try partition.push(keys, Array(repeating: 1, count: 1_000 * keys.count))
    }

    @Test("a snapshot costs nothing when it is taken, and a slab for each that is changed while it is held")
    func cost() throws {
        var partition = try Self.partition()
        let slab = partition.state.table.rowLayout.slabBytes
        let snapshot = partition.state.snapshot
        let before = RowPartition.bytes(snapshot)
        #expect(partition.state.rowSnapshots.cost == (1, 0))
        for _ in 0..<3 { try Self.step(&partition, [0, 1, 2, 3, 8]) }
        #expect(partition.state.rowSnapshots.cost == (1, 2 * slab))
        #expect(RowPartition.bytes(snapshot) == before)
        #expect(RowPartition.bytes(partition.state.snapshot) != before)
    }

    @Test("what nobody holds any more costs nothing; an older snapshot may still need what a newer one did")
    func letGo() throws {
        var partition = try Self.partition()
        let slab = partition.state.table.rowLayout.slabBytes
        var older: PartitionSnapshot? = partition.state.snapshot
        var newer: PartitionSnapshot? = partition.state.snapshot
        try Self.step(&partition, [0])
        newer = nil
        #expect(partition.state.rowSnapshots.cost == (1, slab))
        older = nil
        #expect(partition.state.rowSnapshots.cost == (0, 0))
        try Self.step(&partition, [0, 40])
        #expect(partition.state.rowSnapshots.cost == (0, 0))
        #expect(newer == nil && older == nil)
    }

    @Test("the oldest snapshot is revoked where there are too many, and says so")
    func tooMany() async throws {
        let partition = try Self.partition()
        var held = (0..<4).map { _ in partition.state.snapshot }
        #expect(partition.state.rowSnapshots.cost.count == 4)
        _ = try held[0].pinned()
        held.append(partition.state.snapshot)
        #expect(partition.state.rowSnapshots.cost.count == 4)
        for (index, snapshot) in held.enumerated() {
            let error = await parameterServerError { _ = try snapshot.pinned() }
            #expect(error?.code == (index == 0 ? .snapshotRevoked : nil))
        }
    }

    @Test("snapshots that cost too much are revoked, oldest first; one that is pinned stays whole")
    func tooLarge() async throws {
        var partition = try Self.partition()
        let slab = partition.state.table.rowLayout.slabBytes
        var limits = RowSnapshotLimits()
        limits.bytes = 5 * slab
        partition.state.rowSnapshots.limit(limits)
        let first = partition.state.snapshot
        let bytes = RowPartition.bytes(first)
        let pinned = try first.pinned()
        try Self.step(&partition, stride(from: 0, to: 20, by: 4))
        _ = try first.pinned()
        let second = partition.state.snapshot
        try Self.step(&partition, [24])
        // The first one alone does not free what the second needs too.
        let error = await parameterServerError { _ = try first.pinned() }
        #expect(error?.code == .snapshotRevoked)
        _ = try second.pinned()
        #expect(partition.state.rowSnapshots.cost == (1, slab))
        #expect(RowPartition.bytes(pinned) == bytes)
        let table = partition.state.table
        let then = try RowPartition.restored(pinned, of: table)
        #expect(then.version.applied == 1)
    }

    @Test("a snapshot that was revoked before it was written is refused where it is read")
    func revokedOnTheWay() async throws {
        let partition = try Self.partition()
        let first = partition.state.snapshot
        let others = (0..<4).map { _ in partition.state.snapshot }
        let table = partition.state.table
        let error = await parameterServerError { _ = try RowPartition.restored(first, of: table) }
        #expect(error?.code == .snapshotRevoked)
        #expect(others.count == 4)
    }

    /// What is wrong with a snapshot.
    enum Damage: CaseIterable, Sendable {
        case slabSize, foreignKey, keyTwice, tooManyRows, counters, dense
    }

    @Test("a snapshot of rows that contradicts itself is refused", arguments: Damage.allCases)
    func damaged(_ damage: Damage) async throws {
        let table = try RowPartition.table(width: 2, partitions: 2) { $0.keyLimit = 1_000 }
        let keys = Array((0..<1_000 as Range<UInt64>).filter { table.partition(ofRow: $0) == 0 }.prefix(5))
        let foreign = try #require((0..<1_000 as Range<UInt64>).first { table.partition(ofRow: $0) == 1 })
        var partition = try RowPartition(table)
        _ = try partition.push(keys, Array(repeating: 1, count: 10))
        let payload = Payload(partition.state.snapshot)
        var segments = payload.segments
        var target = table
        let place = try #require(segments.firstIndex { $0.number == 4 })
        var slab = unsafe segments[place].segment.withUnsafeBytes { unsafe Array($0) }
        let first = table.rowLayout.offset(ofPlace: 0)
        func put(_ key: UInt64, at place: Int) {
            for byte in 0..<8 {
                slab[table.rowLayout.offset(ofPlace: place) + byte] = UInt8(truncatingIfNeeded: key >> (8 * byte))
            }
        }
        switch damage {
        case .slabSize: slab.removeLast()
        case .foreignKey: put(foreign, at: 0)
        case .keyTwice: put(keys[1], at: 0)
        case .tooManyRows: slab[first - 1] |= 0x80
        case .counters: segments.append(SegmentField(number: 5, segment: Segment(copying: [1])))
        case .dense: target = try Example.table("rows", shape: [2])
        }
        segments[place] = SegmentField(number: 4, segment: Segment(copying: slab))
        let read: PartitionSnapshot = try Payload(head: payload.head, segments: segments).decode()
        let (id, name, of) = (partition.state.id, partition.state.name, target)
        let error = await parameterServerError {
            _ = try PartitionState(
                read, id: id, name: name, of: of, epoch: 1, intactSince: 1, limits: PushLedger.Limits())
        }
        #expect(error?.code == .snapshotInvalid, "\(String(describing: error))")
    }
}
