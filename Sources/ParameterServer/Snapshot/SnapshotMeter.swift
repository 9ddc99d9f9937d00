import Telemetry

/// Counts and bounds the snapshots that a server keeps for readers.
///
/// | name | kind | labels |
/// |---|---|---|
/// | `parameter_snapshots` | gauge | `of`: `kept`, `limit` |
/// | `parameter_snapshot_bytes` | gauge | `of`: `kept`, `limit` |
/// | `parameter_snapshot_ends_total` | counter | `why`: `released`, `expired`, `revoked` |
///
/// Bytes are those of dense tables, as if every partition had changed since.
struct SnapshotMeter: Sendable {
    private let kept: Gauge
    private let bytes: Gauge
    private let ends: MetricFamily<Counter>

    init(_ metrics: MetricsRegistry, _ limits: SnapshotConfiguration) {
        let snapshots = metrics.gauge(
            "parameter_snapshots", help: "Snapshots that are kept for readers, and how many may be.", labels: "of")
        kept = snapshots.series("kept")
        snapshots.series("limit").set(Double(limits.count))
        let sizes = metrics.gauge(
            "parameter_snapshot_bytes", help: "Bytes of dense tables in those snapshots, and how many may be.",
            labels: "of")
        bytes = sizes.series("kept")
        sizes.series("limit").set(Double(limits.bytes))
        ends = metrics.counter(
            "parameter_snapshot_ends_total", help: "Snapshots that a server has let go of, by why.", labels: "why")
    }

    /// Says what is kept now.
    func keeps(_ table: SnapshotTable) {
        kept.set(Double(table.snapshotCount))
        bytes.set(Double(table.byteCount))
    }

    func ended(_ why: SnapshotTable.End, _ count: Int) {
        if count > 0 { ends.series(why.rawValue).increment(by: UInt64(count)) }
    }
}
