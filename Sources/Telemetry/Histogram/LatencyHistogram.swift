/// Counts durations in exponential buckets of 4.4 % width from 0.93 ns to 68 minutes, so that any quantile is known to
/// 2.2 %.
///
/// Recording is a few nanoseconds and lock-free from any thread: one addition to a bucket and one to the sum, which on the
/// caller's own ``MetricsShard`` are not even atomic additions. Buckets are OpenTelemetry's and Prometheus' at scale 4 (see
/// ``HistogramSnapshot``), so that histograms of several processes add up exactly. Memory is taken by the octave, 128
/// bytes for each that was recorded in: latencies of one method lie in three to six of 42.
public final class LatencyHistogram: Sendable {
    private let cells: Sharded<HistogramCells>
    private let exemplarCells: ExemplarCells

    /// Makes an empty histogram, for use without a ``MetricsRegistry``.
    public convenience init() { self.init(places: nil) }

    init(places: ShardPlaces?) {
        cells = Sharded(places)
        // One more for what is above the last bucket.
        exemplarCells = ExemplarCells(count: ExponentialBuckets.octaves.count + 1)
    }

    /// Counts a duration; one below zero counts as zero.
    ///
    /// - Parameters:
    ///   - shard: the caller's own, which makes it cheaper; nil from anywhere.
    ///   - exemplar: the trace that took this long, if it is sampled: OpenMetrics shows the last one of each octave.
    public func record(_ duration: Duration, on shard: MetricsShard? = nil, exemplar: Exemplar? = nil) {
        let (seconds, attoseconds) = duration.components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflowOfSum) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        record(
            nanoseconds: overflow || overflowOfSum ? (seconds < 0 ? 0 : .max) : sum, on: shard, exemplar: exemplar)
    }

    /// Counts a duration in nanoseconds; one below zero counts as zero.
    public func record(nanoseconds duration: Int64, on shard: MetricsShard? = nil, exemplar: Exemplar? = nil) {
        let nanoseconds = UInt64(max(duration, 0))
        let position = ExponentialBuckets.position(ofNanoseconds: nanoseconds)
        cells.withElement(of: shard) {
            HistogramCells()
        } _: { cells, isOwned in
            cells.record(nanoseconds, at: position, isOwned: isOwned)
        }
        if let exemplar {
            let octave = (position ?? ExponentialBuckets.count) >> ExponentialBuckets.scale
            exemplarCells.replace(exemplar, value: nanoseconds, at: octave)
        }
    }

    /// The counts so far. Durations that are recorded meanwhile may be in it or not, and in its sum before its counts.
    public func snapshot() -> HistogramSnapshot {
        var snapshot = HistogramSnapshot()
        add(to: &snapshot)
        return snapshot
    }

    /// Adds the counts so far to others.
    func add(to snapshot: inout HistogramSnapshot) {
        cells.forEach { $0.add(to: &snapshot) }
    }

    /// The last exemplar of each octave that has one, in rising order, with the duration in nanoseconds.
    func exemplars() -> [(nanoseconds: UInt64, exemplar: Exemplar)] {
        if exemplarCells.isEmpty { return [] }
        return (0...ExponentialBuckets.octaves.count).compactMap { octave in
            exemplarCells.value(at: octave).map { (nanoseconds: $0.value, exemplar: $0.exemplar) }
        }
    }
}
