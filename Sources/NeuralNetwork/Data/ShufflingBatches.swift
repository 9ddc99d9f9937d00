public import Tensor

/// Inputs with their labels, for one training step.
public struct Batch: Sendable {
    /// Of shape `[batch, …]`.
    public let inputs: Tensor<Float>
    /// Of shape `[batch]`.
    public let labels: Tensor<Int32>
}

/// A data set in memory that is dealt out in batches, in another order each epoch.
///
/// The order follows from the random key and the epoch's number alone: a run can be repeated, a restarted worker can
/// go on in the middle of an epoch, and workers with the same data and key deal it out among themselves.
///
/// ```swift
/// let batches = try ShufflingBatches(inputs: images, labels: labels, batchSize: 128, key: key.foldIn("data"))
/// for batch in batches.shard(index: slot, of: workers).epoch(3) { … }
/// ```
public struct ShufflingBatches: Sendable {
    /// All examples, of shape `[examples, …]`.
    public let inputs: Tensor<Float>
    /// Their labels, of shape `[examples]`.
    public let labels: Tensor<Int32>
    /// Examples in a batch; the last one of an epoch may have fewer.
    public let batchSize: Int
    /// The random key of the orders.
    public let key: RandomKey
    private var shardIndex = 0
    private var shardCount = 1

    /// A data set.
    ///
    /// - Parameters:
    ///   - inputs: Of shape `[examples, …]`.
    ///   - labels: Of shape `[examples]`.
    ///   - batchSize: Examples in a batch. Traps unless positive.
    ///   - key: The random key of the orders.
    /// - Throws: ``NeuralNetworkError/Code/datasetInvalid`` for no examples, more than Int32 can count, or as many labels
    ///   as there are not inputs.
    public init(
        inputs: Tensor<Float>, labels: Tensor<Int32>, batchSize: Int, key: RandomKey
    ) throws(NeuralNetworkError) {
        precondition(batchSize > 0, "a batch has at least one example, not \(batchSize)")
        guard let count = inputs.shape.first, count > 0, labels.shape == [count] else {
            throw NeuralNetworkError(
                .datasetInvalid,
                "expected inputs [examples, …] with labels [examples], found \(inputs.shape) with \(labels.shape)")
        }
        guard count <= Int32.max else {
            throw NeuralNetworkError(.datasetInvalid, "\(count) examples are more than an index can name")
        }
        self.inputs = inputs
        self.labels = labels
        self.batchSize = batchSize
        self.key = key
    }

    /// One of `count` shares of each epoch: the batches `index`, `index + count`, … of its order. Together the shares
    /// are the whole epoch, each batch once. Traps unless `index` is in `0..<count`.
    public func shard(index: Int, of count: Int) -> ShufflingBatches {
        precondition((0..<count).contains(index), "share \(index) of \(count)")
        var shard = self
        shard.shardIndex = shardIndex + index * shardCount
        shard.shardCount = shardCount * count
        return shard
    }

    /// The batches of one epoch (of this share), made when they are asked for.
    public func epoch(_ number: Int) -> Epoch {
        let total = (labels.elementCount + batchSize - 1) / batchSize
        return Epoch(
            batches: self, order: key.foldIn(UInt64(number)).permutation(labels.elementCount),
            places: Array(stride(from: shardIndex, to: total, by: shardCount)))
    }

    /// The batches of one epoch, addressable by place.
    public struct Epoch: RandomAccessCollection, Sendable {
        private let batches: ShufflingBatches
        private let order: [Int]
        /// Which batches of the whole epoch these are.
        private let places: [Int]

        fileprivate init(batches: ShufflingBatches, order: [Int], places: [Int]) {
            self.batches = batches
            self.order = order
            self.places = places
        }

        /// Always 0.
        public var startIndex: Int { 0 }
        /// The number of batches.
        public var endIndex: Int { places.count }

        /// The batch at a place; gathers its examples.
        public subscript(place: Int) -> Batch {
            let begin = places[place] * batches.batchSize
            let examples = order[begin..<Swift.min(begin + batches.batchSize, order.count)]
            let indices = Tensor(examples.map { Int32($0) })
            return Batch(
                inputs: batches.inputs.gatherRows(indices), labels: batches.labels.gatherRows(indices))
        }
    }
}
