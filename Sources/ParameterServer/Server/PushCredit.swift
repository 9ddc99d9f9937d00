import Synchronization
import Telemetry

/// Bounds the bytes of pushes that a server has received and not answered: those that wait for a turn, are being
/// applied, or wait for followers or the log. What finds no room is refused with `busy` before anything is done with
/// it, and its client sends it again.
///
/// | name | kind | labels |
/// |---|---|---|
/// | `parameter_push_bytes` | gauge | `of`: `unanswered`, `limit` |
///
/// Safe to use from any task: a counter.
final class PushCredit: Sendable {
    private let limit: Int
    private let used = Atomic(0)
    private let unanswered: Gauge

    init(limit: Int, _ metrics: MetricsRegistry) {
        self.limit = limit
        let bytes = metrics.gauge(
            "parameter_push_bytes", help: "Bytes of pushes that are not answered yet, and how many may be.",
            labels: "of")
        unanswered = bytes.series("unanswered")
        bytes.series("limit").set(Double(limit))
    }

    /// Sets room aside for a call of pushes; false if there is none. It is given back with ``giveBack(_:)``.
    func take(_ bytes: Int) -> Bool {
        let before = used.add(bytes, ordering: .relaxed).oldValue
        // A call that is larger than the limit is taken alone.
        guard before > 0, before + bytes > limit else {
            unanswered.add(Double(bytes))
            return true
        }
        used.subtract(bytes, ordering: .relaxed)
        return false
    }

    func giveBack(_ bytes: Int) {
        used.subtract(bytes, ordering: .relaxed)
        unanswered.add(-Double(bytes))
    }
}
