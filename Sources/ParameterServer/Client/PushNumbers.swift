import Coordination

/// The sequence numbers of one session in each partition: which comes next, and up to which all are settled. A state
/// machine.
struct PushNumbers: Sendable {
    /// A number that was given out.
    struct Number: Sendable, Hashable {
        var sequence: UInt64
        var acknowledgedThrough: UInt64
    }

    private struct Counter: Sendable {
        var last: UInt64 = 0
        var settled = SequenceSet()
    }

    private var counters: [PartitionID: Counter] = [:]

    /// The next number of `partition`.
    mutating func next(for partition: PartitionID) -> Number {
        counters[partition, default: Counter()].last += 1
        let counter = counters[partition, default: Counter()]
        return Number(sequence: counter.last, acknowledgedThrough: counter.settled.prefix)
    }

    /// Takes down that a push was answered, or that it was given up and will never be sent again.
    mutating func settle(_ sequence: UInt64, of partition: PartitionID) {
        counters[partition, default: Counter()].settled.insert(sequence)
    }
}
