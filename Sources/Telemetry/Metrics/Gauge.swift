import Synchronization

/// A number that rises and falls, such as open connections. Lock-free from any thread.
///
/// Its value is the sum of what each shard has, and of what everybody else has: a loop that sets what it has on its own
/// shard leaves the others' alone.
public final class Gauge: Sendable {
    private let cells: Sharded<Atomic<UInt64>>

    /// Makes a gauge at zero, for use without a ``MetricsRegistry``.
    public convenience init() { self.init(places: nil) }

    init(places: ShardPlaces?) {
        cells = Sharded(places)
    }

    /// Replaces what the shard has; without one, what was set and added without one. An owner that goes takes back what
    /// it has set.
    public func set(_ value: Double, on shard: MetricsShard? = nil) {
        cells.withElement(of: shard) {
            Atomic(0)
        } _: { cell, _ in
            cell.store(value.bitPattern, ordering: .relaxed)
        }
    }

    /// Adds to the value; a negative amount lowers it.
    public func add(_ amount: Double, on shard: MetricsShard? = nil) {
        cells.withElement(of: shard) {
            Atomic(0)
        } _: { cell, isOwned in
            var current = cell.load(ordering: .relaxed)
            if isOwned {
                let sum = Double(bitPattern: current) + amount
                return cell.store(sum.bitPattern, ordering: .relaxed)
            }
            while true {
                let sum = Double(bitPattern: current) + amount
                let (exchanged, original) = cell.weakCompareExchange(
                    expected: current, desired: sum.bitPattern, ordering: .relaxed)
                if exchanged { return }
                current = original
            }
        }
    }

    /// The value.
    public var value: Double {
        var value = 0.0
        cells.forEach { value += Double(bitPattern: $0.load(ordering: .relaxed)) }
        return value
    }
}
