import Coordination
import MeshWire
import MeshworkTesting
import Optimizers
import Tensor
import Testing

@testable import ParameterServer

@Suite struct TableDeclarationTests {
    @Test(
        "partitions follow each other, cover the table and differ by at most one element",
        arguments: 1...20 as ClosedRange<UInt64>)
    func rangesCover(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        let count = Int.random(in: 1...5_000, using: &generator)
        let partitions = Int.random(in: 1...min(count, 40), using: &generator)
        let table = try Example.table(shape: [count], partitions: partitions)
        let ranges = (0..<partitions).map { table.elements(ofPartition: $0) }
        #expect(ranges.first?.lowerBound == 0, "seed \(seed)")
        #expect(ranges.last?.upperBound == count, "seed \(seed)")
        #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound }, "seed \(seed)")
        let sizes = ranges.map(\.count)
        #expect(sizes.max()! - sizes.min()! <= 1, "seed \(seed)")
    }

    @Test("partitions together have the first values that one machine would make")
    func partsAreTheWhole() throws {
        let initializer = Initializer.uniform(low: -0.5, high: 0.5)
        let table = try Example.table(shape: [37, 11], initializer: initializer, partitions: 5)
        let parts = try (0..<5).flatMap { try Example.bits(try table.initialValues(ofPartition: $0)) }
        let whole = try initializer.values(key: table.key, shape: table.shape)
        #expect(try parts == Example.bits(whole.reshaped(to: [37 * 11])))
    }

    @Test(
        "the number of partitions follows from their size in bytes",
        arguments: [(100, 400, 1), (101, 400, 2), (784 * 512, 1 << 20, 2), (0, 8, 1)])
    func partitionsBySize(elements: Int, bytes: Int, expected: Int) throws {
        let table = try TableDeclaration(
            name: "w", shape: [elements], initializer: .zeros, key: RandomKey(seed: 1),
            updateRule: .sgd(learningRate: 1), partitioning: .bytes(bytes))
        #expect(table.partitionCount == expected)
    }

    @Test(
        "a declaration survives the wire, and equal ones have equal bytes",
        arguments: [
            Initializer.zeros, .constant(0.25), .uniform(low: -0.1, high: 0.3),
        ])
    func survivesTheWire(initializer: Initializer) throws {
        for rule in [UpdateRule.sgd(learningRate: 0.1), .adam(learningRate: 1e-3), .ftrl(l1: 0.5)] {
            let table = try Example.table("a/b", shape: [3, 5], initializer: initializer, rule: rule, partitions: 2)
            #expect(try TableDeclaration(messageBytes: table.messageBytes()) == table)
            #expect(table.request.partitionByteCounts == [32, 28])
            let scheduled = try TableDeclaration(
                name: "a/b", shape: [3, 5], initializer: initializer, key: table.key, updateRule: rule,
                schedule: .cosine(steps: 100, floor: 0.1).warmingUp(steps: 7), partitioning: .count(2))
            #expect(try TableDeclaration(messageBytes: scheduled.messageBytes()) == scheduled)
            #expect(scheduled.messageBytes() != table.messageBytes())
        }
    }

    @Test("a declaration that contradicts itself is an error")
    func refusesBadDeclarations() throws {
        func code(_ body: () throws -> TableDeclaration) -> ParameterServerError.Code? {
            #expect(throws: ParameterServerError.self) { try body() }?.code
        }
        #expect(code { try Example.table("") } == .invalidDeclaration)
        #expect(code { try Example.table(partitions: 0) } == .invalidDeclaration)
        #expect(code { try Example.table(rule: .rowwiseAdagrad()) } == .invalidDeclaration)
        #expect(code { try Example.table(shape: [4], partitions: 5) } == .invalidDeclaration)
    }

    @Test("a declaration of rows survives the wire, and says what is out of range")
    func rows() throws {
        for limit in [nil, 1_000] as [UInt64?] {
            let table = try RowPartition.table(width: 6, rule: .rowwiseAdagrad(), partitions: 4) {
                $0.keyLimit = limit
                $0.rowsPerPartition = 10
                $0.timeToLive = limit
                $0.admission = 2
            }
            #expect(try TableDeclaration(messageBytes: table.messageBytes()) == table)
            // 24 bytes, six elements, an accumulator, and what makes it a multiple of eight.
            #expect(table.request.partitionByteCounts == Array(repeating: 560, count: 4))
            #expect(table.elements(ofPartition: 3).isEmpty)
        }
        func code(_ body: () throws -> TableDeclaration) -> ParameterServerError.Code? {
            #expect(throws: ParameterServerError.self) { try body() }?.code
        }
        #expect(code { try RowPartition.table(width: 0) } == .invalidDeclaration)
        #expect(code { try RowPartition.table(partitions: 0) } == .invalidDeclaration)
        #expect(code { try RowPartition.table { $0.rowsPerPartition = 0 } } == .invalidDeclaration)
        #expect(code { try RowPartition.table { $0.admission = 256 } } == .invalidDeclaration)
        #expect(code { try RowPartition.table { $0.timeToLive = 0 } } == .invalidDeclaration)
        #expect(code { try RowPartition.table { $0.keyLimit = 0 } } == .invalidDeclaration)
        #expect(code { try RowPartition.table { $0.keyLimit = .max } } == .invalidDeclaration)
        // A row and its moments fill a slab.
        #expect(throws: Never.self) { try RowPartition.table(width: 1_360, rule: .adam()) }
        #expect(code { try RowPartition.table(width: 1_370, rule: .adam()) } == .invalidDeclaration)
    }

    /// A message that claims an element type and nothing else.
    private struct Forged: MeshMessage {
        static let messageName = TableDeclaration.messageName
        var dtype: UInt32

        init(dtype: UInt32) { self.dtype = dtype }
        init(from decoder: inout MessageDecoder) throws(WireError) { dtype = 0 }
        func encode(to encoder: inout MessageEncoder) { encoder.uint32(3, dtype) }
    }

    @Test(
        "bytes that are no declaration are an error, not a trap",
        arguments: [(9, "element type 9"), (1, "initializer number 0")] as [(UInt32, String)])
    func refusesBadBytes(dtype: UInt32, message: String) {
        let error = #expect(throws: WireError.self) {
            try TableDeclaration(messageBytes: Forged(dtype: dtype).messageBytes())
        }
        #expect(error?.message.contains(message) == true)
    }
}
