import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import Optimizers
import Tensor
import Testing

@testable import ParameterServer

/// Row tables in checkpoints: a partition's file, jobs that go back to one, and files that are not what was written.
@Suite struct RowCheckpointTests {
    /// A table as it is declared.
    struct Kind: Sendable, CustomTestStringConvertible {
        var rule: UpdateRule
        var width = 3
        var admission = 1
        var timeToLive: UInt64?
        var keyLimit: UInt64?

        var testDescription: String { "\(rule), width \(width), from push \(admission) on" }

        func table(partitions: Int = 1) throws -> TableDeclaration {
            try RowPartition.table(width: width, rule: rule, partitions: partitions) {
                $0.admission = admission
                $0.timeToLive = timeToLive
                $0.keyLimit = keyLimit
                $0.rowsPerPartition = 20_000
            }
        }
    }

    /// Rules of each scope and number of slots, with what decides about rows.
    private static let kinds = [
        Kind(rule: .sgd(learningRate: 0.5), width: 7, keyLimit: 300),
        Kind(rule: .adam(), timeToLive: 9),
        Kind(rule: .rowwiseAdagrad(initialAccumulator: 0.1), width: 500, admission: 3),
        Kind(rule: .ftrl(l1: 0.01), admission: 2, timeToLive: 7),
        Kind(rule: .sgd(learningRate: 0.1, momentum: 0.9), width: 1),
    ]

    private static func push(_ partition: inout RowPartition, _ generator: inout SplitMix64) throws {
        let keys = Set((0..<12).map { _ in UInt64.random(in: 0..<200, using: &generator) }).sorted()
        let count = keys.count * partition.state.table.shape.elementCount
        let values = (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
        #expect(try partition.push(keys, values).outcome == .applied)
    }

    /// Writes a file of a partition, and returns what a manifest says of it.
    private static func write(
        _ state: PartitionState, _ path: String, on runtime: SimulatedRuntime
    ) async throws -> (PartitionFile, CheckpointManifest.Partition) {
        let snapshot = try state.snapshot.pinned()
        let file = PartitionFile(path: path, name: state.name, table: state.table)
        var pace = WritePace(bytesPerSecond: 1 << 40, from: runtime.now)
        let (byteCount, checksum) = try await file.write(snapshot, on: runtime, pace: &pace)
        let entry = CheckpointManifest.Partition(
            id: state.id, version: state.version, counter: state.auditCounter, byteCount: byteCount,
            checksum: checksum, sessions: snapshot.livingSessions)
        return (file, entry)
    }

    @Test(
        "a partition that was read from its file has the bits of the one that was written, and goes on to the same ones",
        arguments: kinds, 1...3 as ClosedRange<UInt64>)
    func goesOn(kind: Kind, seed: UInt64) async throws {
        try await SimulatedRuntime.run(seed: seed) { runtime in
            let table = try kind.table()
            var generator = SplitMix64(seed: seed)
            var partition = try RowPartition(table)
            for _ in 0..<60 { try Self.push(&partition, &generator) }
            let (file, entry) = try await Self.write(partition.state, "/partition.safetensors", on: runtime)
            let read = try await file.read(entry, on: runtime)
            var other = partition
            other.state = try PartitionState(
                read, id: read.partition, name: partition.state.name, of: table, epoch: 1, intactSince: 1,
                limits: PushLedger.Limits())
            #expect(
                RowPartition.bytes(other.state.snapshot) == RowPartition.bytes(partition.state.snapshot), "seed \(seed)"
            )
            var copy = generator
            for _ in 0..<60 {
                try Self.push(&partition, &generator)
                try Self.push(&other, &copy)
            }
            #expect(
                RowPartition.bytes(other.state.snapshot) == RowPartition.bytes(partition.state.snapshot), "seed \(seed)"
            )
        }
    }

    @Test("the file is one that other programs read: keys, rows and slots, each row in its place in all of them")
    func columns() async throws {
        try await SimulatedRuntime.run(seed: 3) { runtime in
            let table = try RowPartition.table(width: 2, rule: .adam()) { $0.admission = 2 }
            var partition = try RowPartition(table)
            for _ in 0..<3 { _ = try partition.push([7, 9, .max], [1, 2, 3, 4, 5, 6]) }
            _ = try partition.push([9], [1, 1])
            _ = try await Self.write(partition.state, "/partition", on: runtime)
            let tensors = try Safetensors.decode(try #require(runtime.disk.bytes(of: "/partition")))
            #expect(try tensors.tensor(named: "keys").scalars(as: UInt64.self) == [7, 9, .max])
            #expect(try tensors.tensor(named: "places").scalars(as: UInt64.self) == [0, 1, 2])
            #expect(try tensors.tensor(named: "pushed").scalars(as: UInt64.self) == [3, 4, 3])
            #expect(try tensors.tensor(named: "steps").scalars(as: UInt64.self) == [2, 3, 2])
            let rows = try tensors.tensor(named: "parameters")
            #expect(rows.shape == [3, 2])
            #expect(try Example.bits(rows) == partition.pull([7, 9, .max]))
            for slot in table.updateRule.slotNames { #expect(try tensors.tensor(named: slot).shape == [3, 2]) }
            #expect(try tensors.tensor(named: "counters").dtype == .uint8)
        }
    }

    @Test("of many slabs the record that goes back has few segments, and all of their bytes")
    func largeRecord() async throws {
        try await SimulatedRuntime.run(seed: 4) { runtime in
            var partition = try RowPartition(RowPartition.table(width: 1_000))
            let keys = Array(0..<1_200 as Range<UInt64>)
            _ = try partition.push(keys, Array(repeating: 1, count: 1_200_000))
            let (file, entry) = try await Self.write(partition.state, "/partition", on: runtime)
            let read = try await file.read(entry, on: runtime)
            let record = partition.state.record(ofRestoring: read, for: 1, epoch: 2)
            let payload = Payload(record)
            // 300 slabs of four rows.
            #expect(payload.segments.count < 12)
            let decoded: PartitionRecord = try payload.decode()
            guard case .restore(let snapshot, request: 1) = decoded.change else {
                Issue.record("it is another record")
                return
            }
            #expect(snapshot.rows?.byteCount == partition.state.snapshot.rows?.byteCount)
            #expect(record.memoryBytes > 4_800_000)
            var follower = partition.state
            try follower.execute(decoded)
            #expect(try RowPartition.pull(keys, of: follower) == partition.pull(keys))
        }
    }

    /// What happens to a file whose checksum is right all the same.
    enum Contradiction: String, CaseIterable, Sendable {
        case placesDescend, placeTooFar, keyTwice, foreignName
    }

    @Test("a file that contradicts itself is refused by its name", arguments: Contradiction.allCases)
    func contradiction(_ contradiction: Contradiction) async throws {
        try await SimulatedRuntime.run(seed: 5) { runtime in
            var partition = try RowPartition(Kind(rule: .adam()).table())
            _ = try partition.push([7, 9, 11], Array(repeating: 1, count: 9))
            let (file, entry) = try await Self.write(partition.state, "/partition", on: runtime)
            var bytes = try #require(runtime.disk.bytes(of: "/partition"))
            let head = try SafetensorsLayout.headByteCount(prefix: Array(bytes.prefix(8)), source: "")
            let layout = try SafetensorsLayout(
                head: Array(bytes.prefix(head)), fileByteCount: bytes.count, source: "")
            func put(_ number: UInt64, _ name: String, row: Int) throws {
                let start = try #require(layout.entries.first { $0.name == name }).bytes.lowerBound + 8 * row
                for byte in 0..<8 { bytes[start + byte] = UInt8(truncatingIfNeeded: number >> (8 * byte)) }
            }
            let words: String
            switch contradiction {
            case .placesDescend: (words, _) = ("place 0", try put(0, "places", row: 2))
            case .placeTooFar: (words, _) = ("all are below 20000", try put(20_000, "places", row: 2))
            case .keyTwice: (words, _) = ("twice", try put(7, "keys", row: 1))
            case .foreignName:
                let text = String(decoding: bytes[8..<head], as: UTF8.self)
                bytes.replaceSubrange(8..<head, with: text.replacing("\"steps\"", with: "\"stops\"").utf8)
                words = "stops"
            }
            runtime.disk.setBytes(of: "/partition", to: bytes)
            var checksum = CRC32C()
            checksum.append(ByteBuffer(bytes: bytes).readableBytesView)
            var other = entry
            other.checksum = checksum.value
            let forged = other
            let error = await parameterServerError { _ = try await file.read(forged, on: runtime) }
            #expect(error?.code == .checkpointInvalid)
            for word in ["/partition", words] {
                #expect(error?.message.contains(word) == true, "\(word): \(error?.message ?? "taken")")
            }
        }
    }

    @Test("snapshots that are held while a partition goes back cost what they keep")
    func heldWhileGoingBack() throws {
        var partition = try RowPartition(RowPartition.table(width: 1_000))
        _ = try partition.push(Array(0..<40), Array(repeating: 1, count: 40_000))
        let bytes = partition.state.rows?.byteCount ?? 0
        let held = partition.state.snapshot
        let record = try partition.state.record(ofRestoring: held.pinned(), for: 1, epoch: 2)
        try partition.state.execute(record)
        #expect(partition.state.rowSnapshots.cost == (1, bytes))
        _ = try partition.push([0], Array(repeating: 1, count: 1_000))
        #expect(partition.state.rowSnapshots.cost == (1, bytes))
        #expect(!held.isRevoked)
    }
}
