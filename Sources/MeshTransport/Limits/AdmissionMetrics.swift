import MeshWire
import Telemetry

/// What clients count of the limits on their calls.
struct AdmissionMetrics: Sendable {
    private let inFlight: MetricFamily<Gauge>
    private let limits: MetricFamily<Gauge>
    private let depths: MetricFamily<Gauge>
    private let waits: MetricFamily<LatencyHistogram>
    private let shed: MetricFamily<Counter>

    init(_ registry: MetricsRegistry) {
        inFlight = registry.gauge(
            "mesh_client_in_flight", help: "Attempts under way at a destination that has a limit.", labels: "service")
        limits = registry.gauge(
            "mesh_client_concurrency_limit",
            help: "How many attempts may be under way at a destination; 0 once it has no limit any more.",
            labels: "service")
        depths = registry.gauge(
            "mesh_client_queue_depth", help: "Attempts that wait for their place at a destination.", labels: "service")
        waits = registry.histogram(
            "mesh_client_queue_wait_seconds", help: "How long attempts waited that had to, and then had their place.",
            labels: "service")
        shed = registry.counter(
            "mesh_client_shed_total", help: "Attempts that were given no place, by why.", labels: "service", "reason",
            "priority")
    }

    /// Those of a destination that has a limit.
    func series(_ service: String) -> AdmissionSeries {
        AdmissionSeries(
            inFlight: inFlight.series(service), limit: limits.series(service), depth: depths.series(service),
            wait: waits.series(service),
            shed: AdmissionRefusal.allCases.map { reason in
                CallPriority.allCases.map { shed.series(service, reason.rawValue, "\($0)") }
            })
    }
}

/// The instruments of one destination.
final class AdmissionSeries: Sendable {
    let inFlight: Gauge
    let limit: Gauge
    let depth: Gauge
    let wait: LatencyHistogram
    private let shed: [[Counter]]

    init(inFlight: Gauge, limit: Gauge, depth: Gauge, wait: LatencyHistogram, shed: [[Counter]]) {
        self.inFlight = inFlight
        self.limit = limit
        self.depth = depth
        self.wait = wait
        self.shed = shed
    }

    /// Counts an attempt that is not made.
    func shed(_ priority: CallPriority, _ reason: AdmissionRefusal) {
        guard let reason = AdmissionRefusal.allCases.firstIndex(of: reason),
            let priority = CallPriority.allCases.firstIndex(of: priority)
        else { return }
        shed[reason][priority].increment()
    }
}
