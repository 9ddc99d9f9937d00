import Coordination
import Identity
import MeshWire
import NIOCore
import Optimizers
import Tensor

@testable import ParameterServer

/// All that a partition is, as another server sends it and as a checkpoint's file has it.
enum Snapshots {
    private static let id = PartitionID(rawValue: 1)

    private static let dense = try? TableDeclaration(
        name: "w", shape: [3], initializer: .zeros, key: RandomKey(seed: 1), updateRule: .adam(),
        partitioning: .count(1))
    private static let rows = try? TableDeclaration(
        name: "w", rowWidth: 2, rows: TableDeclaration.RowSettings(), initializer: .zeros, key: RandomKey(seed: 1),
        updateRule: .adam())

    /// The pieces of one: the first byte says of how many bytes they are, which makes no difference.
    static func assemble(_ bytes: [UInt8]) {
        guard let size = bytes.first else { return }
        let stream = Array(bytes.dropFirst())
        let whole = assembled(stream, piecesOf: .max)
        let pieces = assembled(stream, piecesOf: max(MemoryLayout<UInt64>.size, Int(size)))
        precondition(whole?.head.messageBytes() == pieces?.head.messageBytes(), "pieces make a difference")
        guard let whole else { return }
        precondition(pieces?.tensors.map(\.byteCount) == whole.tensors.map(\.byteCount), "pieces make a difference")
        for table in [dense, rows] { begin(whole, of: table) }
    }

    static func seeds() -> [[UInt8]] {
        [dense, rows].compactMap(snapshot).flatMap { snapshot in
            let bytes = SnapshotPieces(of: snapshot, bytes: 1 << 20).flatMap { Array($0.readableBytesView) }
            return [[255] + bytes, [9] + bytes, [20] + bytes.dropLast(7)]
        }
    }

    /// A dense table's file.
    static func file(_ bytes: [UInt8]) {
        guard let dense else { return }
        let file = PartitionFile(path: "fuzzer", name: PartitionName(table: dense.name, index: 0), table: dense)
        guard let snapshot = try? file.snapshot(in: bytes), (try? file.check(snapshot)) != nil else { return }
        precondition(snapshot.parameters.elementCount == 3, "a file of another shape was taken")
    }

    static func fileSeeds() -> [[UInt8]] {
        guard let dense, let snapshot = snapshot(dense) else { return [] }
        let names = ["parameters"] + dense.updateRule.slotNames
        let metadata = ["snapshot": Base64URL.encode(snapshot.head.messageBytes()), "table": dense.name, "index": "0"]
        guard let tensors = try? NamedTensors(Array(zip(names, snapshot.tensors))),
            let bytes = try? Safetensors.encode(tensors, metadata: metadata)
        else { return [] }
        return [bytes, Array(bytes.dropLast(4))]
    }

    private static func assembled(_ stream: [UInt8], piecesOf size: Int) -> PartitionSnapshot? {
        var assembler = SnapshotAssembler()
        var rest = stream[...]
        while !rest.isEmpty, !assembler.isWhole {
            guard (try? assembler.add(ByteBuffer(bytes: rest.prefix(size)))) != nil else { return nil }
            rest = rest.dropFirst(size)
        }
        return assembler.isWhole && rest.isEmpty ? try? assembler.snapshot() : nil
    }

    /// Goes on from a snapshot, where it is one of the table.
    private static func begin(_ snapshot: PartitionSnapshot, of table: TableDeclaration?) {
        guard let table else { return }
        _ = try? PartitionState(
            snapshot, id: snapshot.partition, name: PartitionName(table: table.name, index: 0), of: table,
            epoch: snapshot.epoch, intactSince: snapshot.intactSince, limits: PushLedger.Limits())
    }

    private static func snapshot(_ table: TableDeclaration?) -> PartitionSnapshot? {
        guard let table, let parameters = try? table.initialValues(ofPartition: 0) else { return nil }
        let state = try? PartitionState(
            id: id, name: PartitionName(table: table.name, index: 0), of: table, epoch: 1, intactSince: 1,
            parameters: parameters, fence: SessionFence(), limits: PushLedger.Limits())
        return try? state?.snapshot.pinned()
    }
}
