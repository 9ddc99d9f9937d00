import NeuralNetwork
import Tensor
import Testing

@Suite struct ShufflingBatchesTests {
    /// Example i has the label i and the inputs [i, -i].
    static func batches(examples: Int, batchSize: Int, seed: UInt64 = 9) throws -> ShufflingBatches {
        try ShufflingBatches(
            inputs: Tensor((0..<examples).flatMap { [Float($0), -Float($0)] }, shape: [examples, 2]),
            labels: Tensor((0..<examples).map { Int32($0) }), batchSize: batchSize, key: RandomKey(seed: seed))
    }

    static func labels(_ epoch: ShufflingBatches.Epoch) -> [[Int32]] {
        epoch.map { $0.labels.scalars }
    }

    @Test("an epoch has each example once, with its own input")
    func epochsAreComplete() throws {
        let epoch = try Self.batches(examples: 23, batchSize: 5).epoch(0)
        #expect(epoch.count == 5)
        #expect(epoch.map { $0.labels.elementCount } == [5, 5, 5, 5, 3])
        #expect(Self.labels(epoch).flatMap { $0 }.sorted() == Array(0..<23))
        for batch in epoch {
            #expect(batch.inputs.scalars == batch.labels.scalars.flatMap { [Float($0), -Float($0)] })
        }
    }

    @Test("the order follows from the key and the epoch alone")
    func ordersAreReproducible() throws {
        let batches = try Self.batches(examples: 40, batchSize: 8)
        let first = Self.labels(batches.epoch(0))
        #expect(Self.labels(try Self.batches(examples: 40, batchSize: 8).epoch(0)) == first)
        #expect(Self.labels(batches.epoch(1)) != first)
        #expect(Self.labels(try Self.batches(examples: 40, batchSize: 8, seed: 10).epoch(0)) != first)
        #expect(batches.epoch(0)[3].labels.scalars == first[3])
        #expect(first.flatMap { $0 } != Array(0..<40))
    }

    @Test("shares deal an epoch out, each batch once", arguments: [1, 2, 3, 7])
    func shares(count: Int) throws {
        let batches = try Self.batches(examples: 45, batchSize: 8)
        let whole = Self.labels(batches.epoch(2))
        var dealt = [[Int32]?](repeating: nil, count: whole.count)
        for index in 0..<count {
            for (place, labels) in Self.labels(batches.shard(index: index, of: count).epoch(2)).enumerated() {
                dealt[index + place * count] = labels
            }
        }
        #expect(dealt == whole)
    }

    @Test("a share of a share is a share of the whole")
    func sharesNest() throws {
        let batches = try Self.batches(examples: 45, batchSize: 4)
        let whole = Self.labels(batches.epoch(0))
        let nested = Self.labels(batches.shard(index: 1, of: 2).shard(index: 1, of: 3).epoch(0))
        #expect(nested == stride(from: 3, to: whole.count, by: 6).map { whole[$0] })
    }

    @Test("inputs and labels that do not belong together are refused")
    func invalidDatasets() {
        let pairs: [(Shape, Shape)] = [([3, 2], [2]), ([0, 2], [0]), ([3, 2], [3, 1]), (.scalar, [1])]
        for (inputs, labels) in pairs {
            let error = #expect(throws: NeuralNetworkError.self) {
                try ShufflingBatches(
                    inputs: .zeros(inputs), labels: .zeros(labels), batchSize: 4, key: RandomKey(seed: 1))
            }
            #expect(error?.code == .datasetInvalid)
        }
    }
}
