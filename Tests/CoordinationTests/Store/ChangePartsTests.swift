import MeshWire
import Testing

@testable import Coordination

@Suite struct ChangePartsTests {
    private static func partition(_ number: UInt64, _ generator: inout SeededGenerator) -> PartitionMap.Partition {
        PartitionMap.Partition(
            id: PartitionID(rawValue: number), head: "s\(generator.next() % 3)", epoch: generator.next() >> 1,
            byteCount: .max, followers: (0..<(generator.next() % 3)).map { "f\($0)" })
    }

    /// A change with tables of none to many partitions, and partitions that are changed of tables before them.
    static func change(_ generator: inout SeededGenerator) -> CoordinatorChange {
        var change = CoordinatorChange()
        (change.version, change.mapVersion, change.membershipEpoch) = (7, 3, 2)
        change.servers = [Example.server("a"), Example.server("b")]
        change.lost = ["b"]
        var number: UInt64 = 1
        for table in 0..<(generator.next() % 6) {
            let count = generator.next() % 40
            let partitions = (0..<count).map { partition(number + $0, &generator) }
            number += count
            change.tables.append(
                PartitionMap.Table(
                    name: "layer/\(table)", declaration: Array(repeating: 9, count: Int(generator.next() % 90)),
                    partitions: partitions, replicas: 1))
        }
        for other in 0..<(generator.next() % 20) where number > 1 {
            change.partitions.append(partition(1 + other % (number - 1), &generator))
        }
        return change
    }

    private static func map(_ change: CoordinatorChange) -> PartitionMap {
        var map = PartitionMap()
        map.apply(change)
        return map
    }

    @Test("the parts of a change are small, and together they are the change", arguments: 1...30 as ClosedRange<UInt64>)
    func parts(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let change = Self.change(&generator)
        let bytes = Int.random(in: 1...2_000, using: &generator)
        var assembler = ChangeAssembler()
        var whole: CoordinatorChange?
        for part in ChangeParts(change, bytes: bytes) {
            #expect(whole == nil, "seed \(seed)")
            let own = part.tables.reduce(part.partitions.count) { $0 + max(1, $1.partitions.count) }
            // What every part has, and the first alone.
            let beside = 40 + (part.part == 0 ? 200 : 0)
            #expect(own == 1 || Payload(part).count <= bytes + beside, "seed \(seed)")
            whole = try assembler.take(throughTheWire(part))
        }
        var found = try #require(whole, "seed \(seed)")
        let (map, expected) = (Self.map(found), Self.map(change))
        #expect(map == expected, "seed \(seed)")
        let ids = change.tables.flatMap(\.partitions).map(\.id)
        #expect(ids.map(map.table(of:)) == ids.map(expected.table(of:)), "seed \(seed)")
        #expect(ids.map(map.partition) == ids.map(expected.partition), "seed \(seed)")
        (found.tables, found.partitions) = (change.tables, change.partitions)
        #expect(found == change, "seed \(seed)")
        #expect(!assembler.isGathering)
    }

    @Test("parts that are missing, come twice or are of another change are an error, and a change that begins counts")
    func wrongParts() throws {
        var generator = SeededGenerator(seed: 5)
        let change = Self.change(&generator)
        let parts = Array(ChangeParts(change, bytes: 300))
        try #require(parts.count > 3)
        var (ofOther, ofOtherMap) = (parts[1], parts[1])
        ofOther.version += 1
        ofOtherMap.mapVersion += 1
        for wrong in [parts[2], ofOther, ofOtherMap] {
            var assembler = ChangeAssembler()
            #expect(throws: WireError.self) { try assembler.take(wrong) }
            let begun = try assembler.take(parts[0])
            #expect(begun == nil)
            #expect(throws: WireError.self) { try assembler.take(wrong) }
        }
        var assembler = ChangeAssembler()
        for part in parts[0...1] { _ = try assembler.take(part) }
        #expect(throws: WireError.self) { try assembler.take(parts[1]) }
        // Whoever wrote the first change has ended; the whole one is what counts.
        var found: CoordinatorChange?
        for part in parts { found = try assembler.take(part) }
        #expect(Self.map(try #require(found)) == Self.map(change))
    }
}
