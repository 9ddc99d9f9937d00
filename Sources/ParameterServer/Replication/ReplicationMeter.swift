import MeshWire
import Synchronization
import Telemetry

/// Counts and bounds what a server keeps for the followers of its partitions.
///
/// | name | kind | labels |
/// |---|---|---|
/// | `parameter_replication_records` | gauge | – |
/// | `parameter_replication_bytes` | gauge | `of`: `kept`, `uncommitted`, `limit` (of `uncommitted`) |
/// | `parameter_replication_seconds` | histogram | – |
/// | `parameter_seedings_total` | counter | `outcome`: `begun`, `joined`, `refused` |
/// | `parameter_seeding_bytes_total` | counter | – |
/// | `parameter_chain_epochs_total` | counter | – |
///
/// What is kept are records that a follower does not have yet, or has not said so; `uncommitted` are those among them that
/// this server is the head of. A seeding that is begun and does not join was too slow, or was cut off; one that is refused,
/// by the server that was to join, was not begun.
struct ReplicationMeter: Sendable {
    private let records: Gauge
    private let kept: Gauge
    private let uncommitted: Gauge
    private let seconds: LatencyHistogram
    let seedingsBegun: Counter
    let seedingsJoined: Counter
    let seedingsRefused: Counter
    let seedingBytes: Counter
    let epochs: Counter

    init(_ metrics: MetricsRegistry, limit: Int) {
        records = metrics.gauge(
            "parameter_replication_records", help: "Records that followers of this server's chains may lack."
        ).series()
        let bytes = metrics.gauge(
            "parameter_replication_bytes", help: "What those records take in memory, and how much may.", labels: "of")
        kept = bytes.series("kept")
        uncommitted = bytes.series("uncommitted")
        bytes.series("limit").set(Double(limit))
        seconds = metrics.histogram(
            "parameter_replication_seconds", help: "Time that an applied push waited for the chain."
        ).series()
        let seedings = metrics.counter(
            "parameter_seedings_total", help: "Snapshots that were sent to servers that join a chain.",
            labels: "outcome")
        seedingsBegun = seedings.series("begun")
        seedingsJoined = seedings.series("joined")
        seedingsRefused = seedings.series("refused")
        seedingBytes = metrics.counter(
            "parameter_seeding_bytes_total", help: "Bytes of snapshots that were sent to servers that join a chain."
        ).series()
        epochs = metrics.counter(
            "parameter_chain_epochs_total", help: "Places that this server took in a new epoch of a chain."
        ).series()
    }

    func count(_ news: ChainNews) {
        if news.records != 0 { records.add(Double(news.records)) }
        if news.bytes != 0 { kept.add(Double(news.bytes)) }
        if news.uncommittedBytes != 0 { uncommitted.add(Double(news.uncommittedBytes)) }
    }

    func waited(_ duration: Duration) { seconds.record(duration) }
}
