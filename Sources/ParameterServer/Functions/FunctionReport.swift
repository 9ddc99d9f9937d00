public import Coordination

/// What became of a call of a ``ServerFunction``, partition by partition: a call is atomic in each partition and not
/// across them.
public struct FunctionReport<Answer: Sendable>: Sendable {
    /// What the function has answered for a partition.
    public struct PartitionAnswer: Sendable {
        /// The partition's table and index.
        public var partition: PartitionName
        /// The answer.
        public var value: Answer
        /// The partition's version after an updating function, or that which a reading one has read.
        public var version: PartitionVersion
        /// What an updating function's change survives; `nil` of a reading one.
        public var durability: Durability?
        /// True if an earlier attempt had run the function, and this is the answer that was kept.
        public var isReplay: Bool
    }

    /// The answers, in the order of partitions.
    public internal(set) var answers: [PartitionAnswer] = []
    /// One answer for all, where every partition has answered: of a single one its own, of several what the function makes
    /// of them. `nil` where one has not, or the function does not combine.
    public internal(set) var combined: Answer?
    /// Of an updating function, what became of it in each partition, as of a push: those that refused it or passed it over
    /// with why. Empty of a reading one.
    public internal(set) var pushes = PushReport()

    init() {}

    /// That of a function which has run in one process.
    package init(_ answer: Answer, of table: String, version: PartitionVersion) {
        answers = [
            PartitionAnswer(
                partition: PartitionName(table: table, index: 0), value: answer, version: version, durability: nil,
                isReplay: false)
        ]
        combined = answer
    }
}
