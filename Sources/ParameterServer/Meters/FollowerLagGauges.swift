import MeshWire
import Synchronization
import Telemetry

/// The records that a server's chains have not all of, by the server that is next in them.
struct FollowerLag {
    var records = 0
    var bytes = 0
    /// When the oldest of them came.
    var oldest: RuntimeInstant?

    mutating func add(_ window: RecordWindow) {
        records += window.count
        bytes += window.bytes
        oldest = [oldest, window.oldest].compactMap { $0 }.min()
    }
}

/// How far the servers lag that follow this one: what they, or those after them, have not acknowledged.
final class FollowerLagGauges: Sendable {
    private let records: MetricFamily<Gauge>
    private let bytes: MetricFamily<Gauge>
    private let seconds: MetricFamily<Gauge>
    /// The servers that were told of last.
    private let known = Mutex<Set<String>>([])

    init(_ metrics: MetricsRegistry) {
        records = metrics.gauge(
            "parameter_follower_lag_records", help: "Records that a follower, or one after it, may lack.",
            labels: "follower")
        bytes = metrics.gauge(
            "parameter_follower_lag_bytes", help: "What those records take in memory.", labels: "follower")
        seconds = metrics.gauge(
            "parameter_follower_lag_seconds", help: "The age of the oldest of those records.", labels: "follower")
    }

    /// Tells what servers lack; those that follow no more lack nothing.
    func tell(_ lag: [String: FollowerLag], _ now: RuntimeInstant) {
        let gone = known.withLock { known in
            defer { known = Set(lag.keys) }
            return known.subtracting(lag.keys)
        }
        for name in gone { tell(name, FollowerLag(), now) }
        for (name, lag) in lag { tell(name, lag, now) }
    }

    private func tell(_ name: String, _ lag: FollowerLag, _ now: RuntimeInstant) {
        records.series(name).set(Double(lag.records))
        bytes.series(name).set(Double(lag.bytes))
        seconds.series(name).set(lag.oldest.map { $0.duration(to: now) / .seconds(1) } ?? 0)
    }
}
