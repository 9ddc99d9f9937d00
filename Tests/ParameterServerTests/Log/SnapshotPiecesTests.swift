import MeshWire
import NIOCore
import Optimizers
import Synchronization
import Tensor
import Testing

@testable import ParameterServer

@Suite struct SnapshotPiecesTests {
    @Test("pieces of any size are as many as was said, none is too large, and together they are the snapshot")
    func roundTrip() throws {
        var partition = try RowPartition(
            RowPartition.table(width: 40, rule: .adam()) {
                $0.admission = 2
                $0.rowsPerPartition = 1_000
            })
        for step in 0..<3 as Range<UInt64> {
            _ = try partition.push(Array(step..<300), Array(repeating: 1, count: 40 * Int(300 - step)))
        }
        let snapshot = partition.state.snapshot
        let dense = try Example.partition(Example.table(shape: [1_000], rule: .adam()))
        for snapshot in [snapshot, dense.state.withLock { $0.state.snapshot }] {
            // The length comes whole in the first piece.
            for size in [61, 777, 4_096, 16_385, 100_000, 1 << 20] {
                let pieces = SnapshotPieces(of: snapshot, bytes: size)
                var assembler = SnapshotAssembler()
                var count = 0
                for piece in pieces {
                    #expect(!assembler.isWhole && piece.readableBytes <= size)
                    try assembler.add(piece)
                    count += 1
                }
                #expect(count == pieces.count && assembler.isWhole, "\(size)")
                let read = try assembler.snapshot()
                #expect(RowPartition.bytes(read) == RowPartition.bytes(snapshot), "\(size)")
            }
        }
    }

    @Test(
        "what is no snapshot is refused: no length, more than it says, half a field, a field of another kind or too large",
        arguments: [
            [0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 1, 10, 0], [0, 0, 0, 0, 0, 0, 0, 3, 10, 5, 0],
            [0, 0, 0, 0, 0, 0, 0, 2, 8, 1], [0, 0, 0, 0, 0, 0, 0, 1, 10],
            [0, 0, 0, 0, 0, 0, 0, 7, 10, 255, 255, 255, 255, 127],
        ] as [[UInt8]])
    func damaged(_ bytes: [UInt8]) {
        var assembler = SnapshotAssembler()
        do throws(WireError) {
            try assembler.add(ByteBuffer(bytes: bytes))
            _ = try assembler.snapshot()
            Issue.record("\(bytes) were taken")
        } catch {
            #expect([.malformed, .truncated, .tooLarge].contains(error.code), "\(error)")
        }
    }
}
