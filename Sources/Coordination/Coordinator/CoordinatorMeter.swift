import MeshWire
import Telemetry

/// What a coordinator counts of its servers.
///
/// | name | kind | labels |
/// |---|---|---|
/// | `coordinator_servers` | gauge | `state`: `living`, `lost` |
/// | `coordinator_failovers_total` | counter | – |
/// | `coordinator_epochs_raised_total` | counter | – |
/// | `coordinator_loss_reports_total` | counter | `outcome`: `lost`, `answered`, `unclear`, `ignored` |
/// | `coordinator_heartbeat_lateness_seconds` | histogram | – |
/// | `coordinator_namespace_used` | gauge | `namespace`, `resource`: `tables`, `partitions`, `bytes` |
/// | `coordinator_namespace_limit` | gauge | as above |
///
/// A failover is a partition that another server heads. Ignored reports are of servers that are lost already, that are
/// being asked, or that have just answered.
struct CoordinatorMeter: Sendable {
    private let servers: MetricFamily<Gauge>
    private let failovers: Counter
    private let epochsRaised: Counter
    private let reports: MetricFamily<Counter>
    private let namespaces: [TableNamespace]
    private let used: MetricFamily<Gauge>
    let lateness: LatencyHistogram

    init(_ metrics: MetricsRegistry, _ namespaces: [TableNamespace] = []) {
        self.namespaces = namespaces
        used = metrics.gauge(
            "coordinator_namespace_used", help: "What the tables of a namespace take.",
            labels: "namespace", "resource")
        let limit = metrics.gauge(
            "coordinator_namespace_limit", help: "The most that the tables of a namespace may take.",
            labels: "namespace", "resource")
        for namespace in namespaces {
            for (resource, most, _) in namespace.limits { limit.series(namespace.name, resource).set(Double(most)) }
        }
        servers = metrics.gauge("coordinator_servers", help: "Registered servers, by state.", labels: "state")
        failovers = metrics.counter(
            "coordinator_failovers_total", help: "Partitions that another server heads than before."
        ).series()
        epochsRaised = metrics.counter(
            "coordinator_epochs_raised_total", help: "Partitions that began a new epoch."
        ).series()
        reports = metrics.counter(
            "coordinator_loss_reports_total", help: "Reports of lost servers, by what was found.", labels: "outcome")
        lateness = metrics.histogram(
            "coordinator_heartbeat_lateness_seconds",
            help: "How much later than they should servers gave signs of life."
        ).series()
    }

    func isNow(_ map: PartitionMap) {
        servers.series("living").set(Double(map.servers.count - map.lost.count))
        servers.series("lost").set(Double(map.lost.count))
        for namespace in namespaces {
            let usage = namespace.usage(in: map)
            for (resource, _, path) in namespace.limits {
                used.series(namespace.name, resource).set(Double(usage[keyPath: path]))
            }
        }
    }

    func count(_ tally: CoordinatorState.ChainTally) {
        failovers.increment(by: UInt64(tally.failovers))
        epochsRaised.increment(by: UInt64(tally.epochsRaised))
    }

    func countReport(_ outcome: String) { reports.series(outcome).increment() }
}
