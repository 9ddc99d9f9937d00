package import Telemetry

/// What a mesh counts of its dynamic configuration, by where changes come from: `host`, or what a room above calls itself.
package struct ConfigurationMetrics: Sendable {
    private let changes: MetricFamily<Counter>
    private let rejections: MetricFamily<Counter>
    private let generation: Gauge
    private let lastSuccess: MetricFamily<Gauge>

    package init(_ registry: MetricsRegistry) {
        changes = registry.counter(
            "mesh_configuration_changes_total", help: "Dynamic configurations that were put in force.", labels: "source"
        )
        rejections = registry.counter(
            "mesh_configuration_rejections_total",
            help: "Dynamic configurations that were refused, the last good one kept.",
            labels: "source")
        generation = registry.gauge(
            "mesh_configuration_generation", help: "Which dynamic configuration of the mesh is in force, from 1 on."
        ).series([])
        lastSuccess = registry.gauge(
            "mesh_configuration_last_success_timestamp_seconds",
            help: "When a dynamic configuration was last found good, whether it was news or not.", labels: "source")
    }

    /// Notes that a configuration was found good.
    package func succeeded(_ source: String, at time: Duration) { lastSuccess.series(source).set(time.inSeconds) }

    /// Counts a configuration that was refused.
    package func rejected(_ source: String) { rejections.series(source).increment() }

    func changed(_ source: String) { changes.series(source).increment() }

    func isInForce(_ number: UInt64) { generation.set(Double(number)) }
}
