import Synchronization

/// A number that only rises, such as requests served. Lock-free from any thread.
public final class Counter: Sendable {
    private let count = Atomic<UInt64>(0)

    /// Makes a counter at zero, for use without a ``MetricsRegistry``.
    public init() {}

    /// Counts up.
    public func increment(by amount: UInt64 = 1) {
        count.wrappingAdd(amount, ordering: .relaxed)
    }

    /// The count so far.
    public var value: UInt64 { count.load(ordering: .relaxed) }
}
