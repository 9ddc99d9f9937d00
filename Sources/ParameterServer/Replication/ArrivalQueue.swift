import NIOCore
import Synchronization

/// Records that a predecessor sent and that wait to be executed, in the order in which they came. One task at a time
/// executes them. Their number is bounded by what the chain's head may have uncommitted. Guarded by a mutex.
final class ArrivalQueue: Sendable {
    /// A record, and where it came from.
    struct Arrival: Sendable {
        var record: PartitionRecord
        var stream: UInt64
        var epoch: UInt64
    }

    /// Grows from one place: a head of many partitions has one of these for each, and nothing in them.
    private let arrivals = Mutex(CircularBuffer<Arrival>(initialCapacity: 1))

    /// Adds a record.
    ///
    /// - Returns: whether it is alone: the caller has to execute it, and what comes after it until ``removeFirst()`` says
    ///   that there is none.
    func add(_ arrival: Arrival) -> Bool {
        arrivals.withLock {
            $0.append(arrival)
            return $0.count == 1
        }
    }

    /// The oldest record.
    var first: Arrival? { arrivals.withLock { $0.first } }

    /// Lets go of the oldest record; returns whether there is another.
    func removeFirst() -> Bool {
        arrivals.withLock {
            $0.removeFirst()
            return !$0.isEmpty
        }
    }
}
