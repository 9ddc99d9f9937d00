import Coordination
import MeshWire
import Tensor
import Testing

@testable import ParameterServer

@Suite struct SnapshotTableTests {
    private static func at(_ seconds: Int64) -> RuntimeInstant { RuntimeInstant(nanoseconds: seconds * 1_000_000_000) }

    private static func key(_ number: UInt64, of path: String = "reader") -> SnapshotTable.Key {
        SnapshotTable.Key(owner: Example.identity(path), number: number)
    }

    private static func table(count: Int = 3, bytes: Int = 1 << 20) -> SnapshotTable {
        var limits = SnapshotConfiguration()
        (limits.count, limits.bytes) = (count, bytes)
        return SnapshotTable(limits)
    }

    /// A partition of 4 elements, 16 bytes, in its first version or after so many pushes.
    private static func partition(_ id: UInt64 = 1, after pushes: UInt64 = 0) throws -> KeptPartition {
        let table = try Example.table()
        var state = try PartitionState(
            id: PartitionID(rawValue: id), name: PartitionName(table: table.name, index: 0), of: table, epoch: 1,
            intactSince: 1, parameters: table.initialValues(ofPartition: 0),
            fence: Example.fence(Example.session(1)), limits: PushLedger.Limits())
        for sequence in 0..<pushes {
            guard case .record(let record) = state.decide(try Example.push(sequence + 1), fault: nil) else {
                preconditionFailure("a push that is refused")
            }
            try state.execute(record)
        }
        return KeptPartition(state)
    }

    @Test("a version that several snapshots have counts once, for as long as one of them has it")
    func sharedVersions() throws {
        var table = Self.table()
        for number in 1...3 as ClosedRange<UInt64> {
            _ = try table.keep([Self.partition()], in: Self.key(number), until: Self.at(60))
        }
        #expect((table.snapshotCount, table.byteCount) == (3, 16))
        _ = table.release(Self.key(1))
        _ = table.release(Self.key(2))
        #expect((table.snapshotCount, table.byteCount) == (1, 16))
        _ = try table.keep([Self.partition(after: 2)], in: Self.key(4), until: Self.at(60))
        #expect(table.byteCount == 32)
        _ = table.release(Self.key(3))
        #expect(table.byteCount == 16)
        let again = table.release(Self.key(3))
        #expect(again == nil)
    }

    @Test("where there are too many, or too many bytes, the oldest makes way, and never the newest")
    func limits() throws {
        var table = Self.table(count: 2)
        for number in 1...4 as ClosedRange<UInt64> {
            let kept = try table.keep([Self.partition()], in: Self.key(number), until: Self.at(60))
            #expect(kept.revoked.count == (number > 2 ? 1 : 0))
        }
        let id = PartitionID(rawValue: 1)
        #expect((1...4).map { table.kept(id, in: Self.key($0), at: Self.at(0)) != nil } == [false, false, true, true])
        var small = Self.table(count: 9, bytes: 40)
        for number in 1...3 as ClosedRange<UInt64> {
            _ = try small.keep([Self.partition(after: number)], in: Self.key(number), until: Self.at(60))
        }
        #expect((small.snapshotCount, small.byteCount) == (2, 32))
        #expect([1, 3].map { small.kept(id, in: Self.key($0), at: Self.at(0)) != nil } == [false, true])
    }

    @Test("one that is larger than the limit by itself is refused with both figures, and no other makes way for it")
    func tooLarge() throws {
        var table = Self.table(bytes: 40)
        _ = try table.keep([Self.partition()], in: Self.key(1), until: Self.at(60))
        let large = try (2...4).map { try Self.partition($0) }
        var error: ParameterServerError?
        do throws(ParameterServerError) {
            _ = try table.keep(large, in: Self.key(2), until: Self.at(60))
        } catch let failure {
            error = failure
        }
        #expect(error?.code == .snapshotTooLarge)
        #expect(error?.message.hasPrefix("a snapshot of 48 bytes, and the server keeps at most 40: ") == true)
        #expect((table.snapshotCount, table.byteCount) == (1, 16))
        #expect(table.kept(PartitionID(rawValue: 1), in: Self.key(1), at: Self.at(0)) != nil)
    }

    @Test("a lease that is over ends a snapshot, one that was renewed does not, and a renewal never shortens it")
    func leases() throws {
        var table = Self.table()
        _ = try table.keep([Self.partition()], in: Self.key(1), until: Self.at(10))
        _ = try table.keep([Self.partition()], in: Self.key(2), until: Self.at(10))
        let renewed = [table.renew(Self.key(2), until: Self.at(30)), table.renew(Self.key(2), until: Self.at(5))]
        #expect(renewed == [true, true])
        // Nothing is read of one that is over, whether or not anybody has looked.
        let id = PartitionID(rawValue: 1)
        #expect([9, 10].map { table.kept(id, in: Self.key(1), at: Self.at($0)) != nil } == [true, false])
        let counts = [9, 10, 29, 30].map { table.expire(Self.at($0)).count }
        #expect(counts == [0, 1, 0, 1])
        #expect((table.snapshotCount, table.byteCount) == (0, 0))
        let late = table.renew(Self.key(2), until: Self.at(60))
        #expect(!late)
    }

    @Test("what a snapshot has of a partition stays, and another identity's of the same number is another")
    func keys() throws {
        var table = Self.table()
        _ = try table.keep([Self.partition(after: 1)], in: Self.key(1), until: Self.at(60))
        let again = try table.keep([Self.partition(after: 5)], in: Self.key(1), until: Self.at(60))
        #expect(again.kept.map(\.version.applied) == [1])
        let id = PartitionID(rawValue: 1)
        #expect(table.kept(id, in: Self.key(1, of: "other"), at: Self.at(0)) == nil)
        #expect(
            try table.kept(id, in: Self.key(1), at: Self.at(0))?.values(of: nil).scalars(as: Float.self) == [
                -1, -1, -1, -1,
            ])
    }
}
