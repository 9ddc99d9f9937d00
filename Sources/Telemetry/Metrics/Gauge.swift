import Synchronization

/// A number that rises and falls, such as open connections. Lock-free from any thread.
public final class Gauge: Sendable {
    private let bits = Atomic<UInt64>(0)

    /// Makes a gauge at zero, for use without a ``MetricsRegistry``.
    public init() {}

    /// Replaces the value.
    public func set(_ value: Double) {
        bits.store(value.bitPattern, ordering: .relaxed)
    }

    /// Adds to the value; a negative amount lowers it.
    public func add(_ amount: Double) {
        var current = bits.load(ordering: .relaxed)
        while true {
            let sum = Double(bitPattern: current) + amount
            let (exchanged, original) = bits.weakCompareExchange(
                expected: current, desired: sum.bitPattern, ordering: .relaxed)
            if exchanged { return }
            current = original
        }
    }

    /// The value.
    public var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}
