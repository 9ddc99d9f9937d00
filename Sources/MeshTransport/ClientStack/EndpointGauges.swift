import Telemetry

/// How many endpoints of a service one client has, by what they do, added to what its other clients have. Series are made
/// when there is something to count. Confined to the client's event loop.
final class EndpointGauges {
    private let family: MetricFamily<Gauge>
    private let ejectionFamily: MetricFamily<Counter>
    private let waitingFamily: MetricFamily<Gauge>
    private let service: String
    private lazy var gauges = ["ready", "ejected", "pending"].map { family.series(service, $0) }
    private lazy var waitingGauge = waitingFamily.series(service)
    private var counts = [0, 0, 0]
    private var waiting = 0

    init(
        _ family: MetricFamily<Gauge>, ejections: MetricFamily<Counter>, waiting: MetricFamily<Gauge>, service: String
    ) {
        self.family = family
        waitingFamily = waiting
        ejectionFamily = ejections
        self.service = service
    }

    func set(ready: Int, ejected: Int, all: Int) {
        let now = [ready, ejected, max(0, all - ready - ejected)]
        guard now != counts else { return }
        for (index, gauge) in gauges.enumerated() where now[index] != counts[index] {
            gauge.add(Double(now[index] - counts[index]))
        }
        counts = now
    }

    /// Notes how many calls wait for an endpoint.
    func set(waiting count: Int) {
        guard count != waiting else { return }
        waitingGauge.add(Double(count - waiting))
        waiting = count
    }

    /// Counts an endpoint that is left out.
    func ejected() { ejectionFamily.series(service).increment() }
}
