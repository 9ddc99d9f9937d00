import Coordination
import MeshWire
import MeshworkTesting
import Optimizers
import Tensor
import Testing

@testable import ParameterServer

@Suite struct RowTableTests {
    /// What a run of the property test has.
    struct Kind: Sendable, CustomTestStringConvertible {
        var rule: UpdateRule
        var keyLimit: UInt64?
        var admission = 1
        var timeToLive: UInt64?
        var width = 3

        var testDescription: String {
            "\(rule), keys \(keyLimit.map { "below \($0)" } ?? "of any size"), from push \(admission) on, for "
                + (timeToLive.map { "\($0) pushes" } ?? "ever")
        }
    }

    private static let kinds = [
        Kind(rule: .sgd(learningRate: 0.5), keyLimit: 300, width: 7),
        Kind(rule: .adam(), keyLimit: nil, timeToLive: 40),
        Kind(rule: .rowwiseAdagrad(initialAccumulator: 0.1), keyLimit: 1_000, admission: 3, width: 500),
        Kind(rule: .ftrl(l1: 0.01), keyLimit: nil, admission: 2, timeToLive: 7),
        Kind(rule: .sgd(learningRate: 0.1, momentum: 0.9), keyLimit: nil, timeToLive: 1, width: 1),
    ]

    /// Keys that are met again, each once and in order.
    private static func keys(_ generator: inout SplitMix64, below limit: UInt64?) -> [UInt64] {
        let count = Int.random(in: 1...24, using: &generator)
        var keys: Set<UInt64> = []
        for _ in 0..<count {
            let small = UInt64.random(in: 0..<(Bool.random(using: &generator) ? 20 : 250), using: &generator)
            // Large ones that differ in their high bits alone, too.
            keys.insert(limit == nil && small % 3 == 0 ? small << 56 | 0xFF : small)
        }
        return keys.sorted()
    }

    private static func gradient(_ count: Int, _ generator: inout SplitMix64) -> [Float] {
        (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
    }

    @Test(
        "rows are those of a plain dictionary, whatever was pushed, has expired and was kept in snapshots",
        arguments: kinds, 1...3 as ClosedRange<UInt64>)
    func likeDictionary(kind: Kind, seed: UInt64) throws {
        let table = try RowPartition.table(width: kind.width, rule: kind.rule) {
            $0.keyLimit = kind.keyLimit
            $0.admission = kind.admission
            $0.timeToLive = kind.timeToLive
            $0.rowsPerPartition = 4_000
        }
        var partition = try RowPartition(table)
        var model = RowModel(table, try #require(table.rows))
        var generator = SplitMix64(seed: seed)
        // Snapshots with what they must hold, whatever comes after.
        var held: [(PartitionSnapshot, RowModel)] = []
        for step in 0..<120 {
            let keys = Self.keys(&generator, below: kind.keyLimit)
            let values = Self.gradient(keys.count * kind.width, &generator)
            let reply = try partition.push(keys, values)
            #expect(reply.outcome == .applied)
            try model.push(keys, values)
            let asked = Self.keys(&generator, below: kind.keyLimit).shuffled(using: &generator) + keys.prefix(2)
            #expect(try partition.pull(asked) == model.pull(asked), "seed \(seed), step \(step)")
            if step % 31 == 0 { held.append((partition.state.snapshot, model)) }
            if held.count > 3 { held.remove(at: Int.random(in: 0..<held.count, using: &generator)) }
            if step % 40 == 39 {
                partition.state = try RowPartition.restored(partition.state.snapshot, of: table)
            }
            let found = try #require(partition.state.rows).rowCount
            #expect(found >= model.count, "seed \(seed), step \(step)")
            if kind.timeToLive == nil { #expect(found == model.count, "seed \(seed), step \(step)") }
        }
        for (snapshot, model) in held {
            let asked = Self.keys(&generator, below: kind.keyLimit)
            let then = try RowPartition.restored(snapshot, of: table)
            #expect(try RowPartition.pull(asked, of: then) == model.pull(asked), "seed \(seed)")
        }
    }

    @Test(
        "whoever executes the records that a head made holds the same bytes, from the start or from a snapshot",
        arguments: kinds, 1...2 as ClosedRange<UInt64>)
    func reexecution(kind: Kind, seed: UInt64) throws {
        let table = try RowPartition.table(width: kind.width, rule: kind.rule) {
            $0.keyLimit = kind.keyLimit
            $0.admission = kind.admission
            $0.timeToLive = kind.timeToLive
            // So few that some pushes are refused.
            $0.rowsPerPartition = 200
        }
        var head = try RowPartition(table)
        var generator = SplitMix64(seed: seed)
        for _ in 0..<120 {
            let keys = Self.keys(&generator, below: kind.keyLimit)
            _ = try head.push(keys, Self.gradient(keys.count * kind.width, &generator))
        }
        var follower = try RowPartition(table).state
        var seeded: PartitionState?
        for (index, record) in head.records.enumerated() {
            if index == 60 { seeded = try RowPartition.restored(follower.snapshot, of: table) }
            // As it comes over the wire or from a disk.
            let received: PartitionRecord = try Payload(record).decode()
            _ = try follower.execute(received)
            _ = try seeded?.execute(received)
        }
        let expected = RowPartition.bytes(head.state.snapshot)
        #expect(RowPartition.bytes(follower.snapshot) == expected, "seed \(seed)")
        #expect(RowPartition.bytes(try #require(seeded).snapshot) == expected, "seed \(seed)")
        #expect(follower.account.counter == head.state.account.counter)
        #expect(head.state.version.applied > 5)
    }

    @Test("into how many partitions a table is cut changes no value", arguments: [2, 5, 64])
    func partitionCount(partitions: Int) throws {
        let whole = try RowPartition.table(rule: .adam())
        let cut = try RowPartition.table(rule: .adam(), partitions: partitions)
        var one = try RowPartition(whole)
        var several = try (0..<partitions).map { try RowPartition(cut, partition: $0) }
        var generator = SplitMix64(seed: 3)
        var met: Set<UInt64> = []
        for _ in 0..<60 {
            let keys = Self.keys(&generator, below: nil)
            let values = Self.gradient(3 * keys.count, &generator)
            _ = try one.push(keys, values)
            met.formUnion(keys)
            let rows = try KeyedRows(keys: keys, values: AnyTensor(values, shape: [keys.count, 3]))
            for (index, part) in try rows.split(cut).enumerated() {
                guard let part else { continue }
                let reply = try several[index].push(
                    part.keys.scalars(as: UInt64.self), part.values.scalars(as: Float.self))
                #expect(reply.outcome == .applied)
            }
        }
        for key in met.sorted() {
            let home = cut.partition(ofRow: key)
            #expect(try several[home].pull([key]) == one.pull([key]), "row \(key)")
        }
        #expect(several.reduce(0) { $0 + ($1.state.rows?.rowCount ?? 0) } == met.count)
    }

    @Test("which partition has a row is fixed for ever")
    func hash() throws {
        // The first output of SplitMix64 with these seeds, as its authors' program gives it.
        #expect(RowHash.mixed(0) == 0xE220_A839_7B1D_CDAF)
        #expect(RowHash.mixed(1) == 0x910A_2DEC_8902_5CC1)
        let table = try RowPartition.table(partitions: 7)
        #expect([0, 1, 2, .max].map(table.partition(ofRow:)) == [0, 1, 2, .max].map { Int(RowHash.mixed($0) % 7) })
    }

    @Test("with a limit of keys the rows are bit by bit those of a dense table that is stepped row by row")
    func likeDense() throws {
        let (count, width) = (50, 5)
        let rule = UpdateRule.adam(learningRate: 0.1)
        var partition = try RowPartition(RowPartition.table(width: width, rule: rule) { $0.keyLimit = UInt64(count) })
        var dense = try partition.state.table.initializer.values(
            key: partition.state.table.key, shape: [count, width])
        var state = try rule.makeRowState([count, width])
        let all = (0..<UInt64(count)).map { $0 }
        #expect(try partition.pull(all) == Example.bits(dense))
        var generator = SplitMix64(seed: 8)
        for _ in 0..<30 {
            let keys = Set((0..<9).map { _ in UInt64.random(in: 0..<UInt64(count), using: &generator) }).sorted()
            let values = Self.gradient(keys.count * width, &generator)
            _ = try partition.push(keys, values)
            let rows = try RowSparse(
                indices: AnyTensor(keys.map(Int64.init), shape: [keys.count]),
                values: AnyTensor(values, shape: [keys.count, width]), rowCount: count)
            try rule.apply(to: &dense, rows: rows, state: &state)
        }
        #expect(try partition.pull(all) == Example.bits(dense))
    }

    // MARK: Bounds

    @Test("a row takes what the documentation says, and nothing takes more than a slab at a time")
    func memory() throws {
        let table = try RowPartition.table(width: 32, rule: .rowwiseAdagrad()) { $0.rowsPerPartition = 100_000 }
        // 24 bytes, 32 elements and one accumulator.
        #expect(table.rowLayout.rowBytes == 24 + 4 * 33 + 4)
        #expect(table.rowLayout.slabBytes <= 16 << 10)
        var partition = try RowPartition(table)
        let count = 20_000
        for start in stride(from: 0, to: count, by: 2_000) {
            let keys = (start..<start + 2_000).map { UInt64($0) &* 0x9E37_79B9_7F4A_7C15 }.sorted()
            _ = try partition.push(keys, Array(repeating: 1, count: 32 * keys.count))
        }
        let rows = try #require(partition.state.rows)
        #expect(rows.rowCount == count)
        let perRow = Double(rows.byteCount) / Double(count)
        // A slab wastes less than a row, which is 1 % of it here.
        #expect(perRow >= 160 + 10.6 && perRow <= 160 * 1.011 + 21.4, "\(perRow)")
    }

    @Test("a push that needs more rows than the table allows is refused whole, and remembered as refused")
    func full() throws {
        var partition = try RowPartition(RowPartition.table { $0.rowsPerPartition = 3 })
        #expect(try partition.push([1, 2], [1, 1, 1, 2, 2, 2]).outcome == .applied)
        let before = try partition.pull([1, 2, 3, 4])
        let reply = try partition.push([2, 3, 4], Array(repeating: 1, count: 9))
        guard case .refused(.rowsFull, let message) = reply.outcome else {
            Issue.record("\(reply)")
            return
        }
        #expect(message.contains("2 of 3 rows exist, and the push needs 2 more"))
        #expect(try partition.pull([1, 2, 3, 4]) == before)
        #expect(
            partition.state.account.sessions[0].rejected == SequenceSet(through: 2).subtracting(SequenceSet(through: 1))
        )
        #expect(try partition.push([2, 3], Array(repeating: 1, count: 6)).outcome == .applied)
        #expect(partition.state.rows?.rowCount == 3)
    }

    @Test("rows that expire make room for others, within as many pushes again as they live")
    func expiryMakesRoom() throws {
        var partition = try RowPartition(
            RowPartition.table(width: 900) {
                $0.rowsPerPartition = 20
                $0.timeToLive = 30
            })
        let gradient = Array(repeating: Float(1), count: 900)
        for key in 0..<20 as Range<UInt64> { _ = try partition.push([key], gradient) }
        for _ in 0..<60 { #expect(try partition.push([0], gradient).outcome == .applied) }
        #expect(partition.state.rows?.rowCount == 1)
        // Their slabs are gone too.
        #expect(try #require(partition.state.rows).byteCount <= 2 * (16 << 10))
        for key in 100..<119 as Range<UInt64> { #expect(try partition.push([key], gradient).outcome == .applied) }
    }

    @Test("a row exists from the push on that its table's admission says, with the gradient of that push alone")
    func admission() throws {
        var partition = try RowPartition(
            RowPartition.table(width: 1, rule: .sgd(learningRate: 1), initializer: .constant(5)) { $0.admission = 3 })
        var seen: [Float] = []
        for _ in 0..<4 {
            _ = try partition.push([9], [1])
            seen.append(Float(bitPattern: try partition.pull([9])[0]))
        }
        #expect(seen == [5, 5, 4, 3])
        #expect(try partition.pull([8]) == [Float(5).bitPattern])
        #expect(partition.state.rows?.rowCount == 1)
    }

    // MARK: Bad input

    /// A push that a proper client does not send.
    enum BadPush: CaseIterable, Sendable {
        case notFinite, twice, unsorted, outOfRange, elsewhere, tooFewValues, noKeys, dense, wrongType

        var code: ParameterServerError.Code {
            switch self {
            case .notFinite: .nonFinite
            case .twice, .unsorted, .elsewhere: .malformedRequest
            case .outOfRange: .rowOutOfRange
            case .tooFewValues, .noKeys, .dense: .shapeMismatch
            case .wrongType: .dtypeMismatch
            }
        }
    }

    @Test(
        "a bad push of rows is refused, says what is wrong, and leaves every bit as it was", arguments: BadPush.allCases
    )
    func badPush(_ kind: BadPush) async throws {
        let table = try RowPartition.table(width: 2, partitions: 2) { $0.keyLimit = 100 }
        let keys = (0..<100 as Range<UInt64>).filter { table.partition(ofRow: $0) == 0 }.prefix(3)
        let partition = try Example.partition(table)
        var push = try Example.push(1, gradient: [1, 2, 3, 4])
        push.keys = try AnyTensor(Array(keys.prefix(2)), shape: [2])
        #expect(await partition.reply(to: push).outcome == .applied)
        let before = try #require(await partition.pull(push.keys)).0

        push.sequence = 2
        func keyed(_ keys: [UInt64]) throws -> AnyTensor { try AnyTensor(keys, shape: [keys.count]) }
        switch kind {
        case .notFinite: push.gradient = try AnyTensor([1, 2, 3, Float.infinity], shape: [4])
        case .twice: push.keys = try keyed([keys[0], keys[0]])
        case .unsorted: push.keys = try keyed([keys[1], keys[0]])
        case .outOfRange: push.keys = try keyed([keys[0], 100])
        case .elsewhere:
            push.keys = try keyed([try #require((0..<100).first { table.partition(ofRow: $0) == 1 }), 99])
        case .tooFewValues: push.gradient = try AnyTensor([1, 2, 3] as [Float], shape: [3])
        case .noKeys: push.keys = try keyed([])
        case .dense: push.keys = nil
        case .wrongType: push.gradient = try AnyTensor([1, 2, 3, 4] as [Double], shape: [4])
        }
        let reply = await partition.reply(to: push)
        guard case .refused(let code, let message) = reply.outcome else {
            Issue.record("taken")
            return
        }
        #expect(code == kind.code)
        #expect(message.contains("partition rows#0"), "\(message)")
        let after = try #require(await partition.pull(try keyed(Array(keys.prefix(2)))))
        #expect(try Example.bits(after.0) == Example.bits(before))
        #expect(after.1.applied == 1)
    }

    @Test("rows of a dense table, and keys that are none, cannot be pulled")
    func badPulls() throws {
        let dense = try Example.partition(Example.table())
        let rows = try Example.partition(RowPartition.table { $0.keyLimit = 10 })
        func code(_ partition: Partition, _ keys: [UInt64]?) throws -> ParameterServerError.Code? {
            let keys = try keys.map { try AnyTensor($0, shape: [$0.count]) }
            return partition.table.fault(ofPull: keys, partition.name)?.code
        }
        #expect(try code(dense, [1]) == .shapeMismatch)
        #expect(try code(rows, nil) == .shapeMismatch)
        #expect(try code(rows, []) == .shapeMismatch)
        #expect(try code(rows, [10]) == .rowOutOfRange)
        #expect(try code(rows, [9, 9, 0]) == nil)
    }
}
