import Coordination
import Telemetry

/// What a server's log takes and how far it is, beside the limits.
struct LogGauges: Sendable {
    private let bytes: MetricFamily<Gauge>
    private let waiting: MetricFamily<Gauge>
    private let positions: MetricFamily<Gauge>

    init(_ metrics: MetricsRegistry, _ limits: PartitionLogConfiguration) {
        bytes = metrics.gauge("parameter_log_bytes", help: "Bytes of the log's records.", labels: "of")
        bytes.series("limit").set(Double(limits.bytes))
        waiting = metrics.gauge(
            "parameter_log_waiting_bytes", help: "Bytes of records that wait to be written.", labels: "of")
        waiting.series("limit").set(Double(limits.waitingBytes))
        positions = metrics.gauge(
            "parameter_log_position", help: "The log's last record that has got so far.", labels: "of")
    }

    func tell(_ usage: WriteAheadLog.Usage) {
        bytes.series("used").set(Double(usage.bytes))
        waiting.series("used").set(Double(usage.waitingBytes))
        positions.series("appended").set(Double(usage.appended))
        positions.series("written").set(Double(usage.written))
        positions.series("synced").set(Double(usage.synced))
    }
}
