import Synchronization

/// A number that rises and falls, such as open connections. Lock-free from any thread.
///
/// Its value is the sum of what each shard has, and of what everybody else has: a loop that sets what it has on its own
/// shard leaves the others' alone.
public final class Gauge: Sendable {
    private let cells: ShardedCells

    /// Makes a gauge at zero, for use without a ``MetricsRegistry``.
    public convenience init() { self.init(places: nil) }

    init(places: ShardPlaces?) {
        cells = ShardedCells(count: 1, places: places)
    }

    /// Replaces what the shard has; without one, what was set and added without one. An owner that goes takes back what
    /// it has set.
    public func set(_ value: Double, on shard: MetricsShard? = nil) {
        if let place = cells.place(of: shard) {
            cells.withOwned(0, place) { $0.store(value.bitPattern, ordering: .relaxed) }
        } else {
            cells.withShared(0) { $0.store(value.bitPattern, ordering: .relaxed) }
        }
    }

    /// Adds to the value; a negative amount lowers it.
    public func add(_ amount: Double, on shard: MetricsShard? = nil) {
        if let place = cells.place(of: shard) {
            cells.withOwned(0, place) { cell in
                let sum = Double(bitPattern: cell.load(ordering: .relaxed)) + amount
                cell.store(sum.bitPattern, ordering: .relaxed)
            }
        } else {
            cells.withShared(0) { cell in
                var current = cell.load(ordering: .relaxed)
                while true {
                    let sum = Double(bitPattern: current) + amount
                    let (exchanged, original) = cell.weakCompareExchange(
                        expected: current, desired: sum.bitPattern, ordering: .relaxed)
                    if exchanged { return }
                    current = original
                }
            }
        }
    }

    /// The value.
    public var value: Double {
        var value = 0.0
        // A block has 16 cells, of which a gauge has the first.
        cells.forEach { index, bits in if index == 0 { value += Double(bitPattern: bits) } }
        return value
    }
}
