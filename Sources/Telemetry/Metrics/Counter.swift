import Synchronization

/// A number that only rises, such as requests served. Lock-free from any thread.
public final class Counter: Sendable {
    private let cells: Sharded<Atomic<UInt64>>
    private let exemplars: ExemplarCells

    /// Makes a counter at zero, for use without a ``MetricsRegistry``.
    public convenience init() { self.init(places: nil) }

    init(places: ShardPlaces?) {
        cells = Sharded(places)
        exemplars = ExemplarCells(count: 1)
    }

    /// Counts up.
    ///
    /// - Parameters:
    ///   - shard: the caller's own, which makes it cheaper; nil from anywhere.
    ///   - exemplar: the trace that is counted, if it is sampled: OpenMetrics shows the last one.
    public func increment(by amount: UInt64 = 1, on shard: MetricsShard? = nil, exemplar: Exemplar? = nil) {
        cells.withElement(of: shard) {
            Atomic(0)
        } _: { cell, isOwned in
            cell.raise(by: amount, isOwned: isOwned)
        }
        if let exemplar { exemplars.replace(exemplar, value: amount, at: 0) }
    }

    /// Begins at zero again. What others count meanwhile may be lost.
    func reset() { cells.forEach { $0.store(0, ordering: .relaxed) } }

    /// The count so far.
    public var value: UInt64 {
        var value: UInt64 = 0
        cells.forEach { value &+= $0.load(ordering: .relaxed) }
        return value
    }

    /// The last exemplar, and by how much it counted.
    var exemplar: (value: UInt64, exemplar: Exemplar)? { exemplars.value(at: 0) }
}
