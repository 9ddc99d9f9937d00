import Synchronization

/// Counts durations in exponential buckets of 4.4 % width from 0.93 ns to 68 minutes, so that any quantile is known to
/// 2.2 %.
///
/// Recording is a few nanoseconds and lock-free from any thread: one relaxed addition to a bucket and one to the sum.
/// Buckets are OpenTelemetry's and Prometheus' at scale 4 (see ``HistogramSnapshot``), so that histograms of several
/// processes add up exactly.
public final class LatencyHistogram: Sendable {
    private let buckets = AtomicBuckets()
    /// Durations above the last bucket.
    private let above = Atomic<UInt64>(0)
    /// Wraps around after 584 years.
    private let nanoseconds = Atomic<UInt64>(0)

    /// Makes an empty histogram, for use without a ``MetricsRegistry``.
    public init() {}

    /// Counts a duration; one below zero counts as zero.
    public func record(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflowOfSum) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        record(nanoseconds: overflow || overflowOfSum ? (seconds < 0 ? 0 : .max) : sum)
    }

    /// Counts a duration in nanoseconds; one below zero counts as zero.
    public func record(nanoseconds duration: Int64) {
        let duration = max(duration, 0)
        if let position = ExponentialBuckets.position(ofSeconds: Double(duration) / 1e9) {
            buckets.increment(at: position)
        } else {
            above.add(1, ordering: .relaxed)
        }
        nanoseconds.wrappingAdd(UInt64(duration), ordering: .relaxed)
    }

    /// The counts so far. Durations that are recorded meanwhile may be in it or not, and in its sum before its counts.
    public func snapshot() -> HistogramSnapshot {
        var snapshot = HistogramSnapshot()
        buckets.forEach { position, count in snapshot.add(count, at: position) }
        snapshot.add(above.load(ordering: .relaxed), at: ExponentialBuckets.count)
        snapshot.addToSum(nanoseconds: nanoseconds.load(ordering: .relaxed))
        return snapshot
    }
}
