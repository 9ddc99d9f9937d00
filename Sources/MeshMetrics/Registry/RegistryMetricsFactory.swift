public import CoreMetrics
public import Telemetry

/// A back end of swift-metrics whose instruments are in a mesh's registry, and so on the page of its `/metrics`.
///
/// ```swift
/// MetricsSystem.bootstrap(RegistryMetricsFactory(mesh.metrics))
/// Counter(label: "orders.placed", dimensions: [("region", "eu")]).increment()      // orders_placed_total{region="eu"} 1
/// ```
/// | swift-metrics | Prometheus | name |
/// |---|---|---|
/// | `Counter`, `FloatingPointCounter` | counter | `orders_placed_total` |
/// | `Meter`, `Gauge` | gauge | `queue_depth` |
/// | `Timer` | histogram of seconds, at powers of two | `checkout_seconds` |
/// | `Recorder` | histogram of values, at powers of four | `basket_size` |
///
/// Characters that a name may not have become underscores. The same label and dimensions give the same series, which
/// goes when everybody has destroyed it who asked for it. A family holds as many series as its registry allows; the
/// labels of others share one, `{otel_metric_overflow="true"}`, as the mesh's own do. An instrument whose name is taken
/// by a metric of the mesh, or by one of another kind, records nothing, and ``conflictCounterName`` counts that.
///
/// Safe to use from any thread; recording takes no lock.
public final class RegistryMetricsFactory: MetricsFactory {
    /// The name of the counter that says how many instruments, by the label `metric`, could not have their name.
    public static let conflictCounterName = "metrics_name_conflicts_total"

    private let registry: MetricsRegistry
    private let conflicts: MetricFamily<Telemetry.Counter>

    /// Puts instruments into `registry`.
    public init(_ registry: MetricsRegistry) {
        self.registry = registry
        conflicts = registry.counter(
            Self.conflictCounterName, help: "Instruments of the host whose name was taken.", labels: "metric")
    }

    private func instrument(
        _ label: String, _ dimensions: [(String, String)], _ kind: OpenFamily.Kind
    ) -> RegistryInstrument? {
        guard let family = registry.open(label, kind) else {
            conflicts.series(label).increment()
            return nil
        }
        return RegistryInstrument(family, family.series(dimensions))
    }

    /// A counter of whole numbers.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        instrument(label, dimensions, .counter) ?? NOOPMetricsHandler.instance
    }

    /// A counter of any numbers.
    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        instrument(label, dimensions, .sum) ?? NOOPMetricsHandler.instance
    }

    /// A gauge.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        instrument(label, dimensions, .gauge) ?? NOOPMetricsHandler.instance
    }

    /// A histogram of values, or a gauge of the last one if they are not to be aggregated.
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        instrument(label, dimensions, aggregate ? .values : .gauge) ?? NOOPMetricsHandler.instance
    }

    /// A histogram of times.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        instrument(label, dimensions, .durations) ?? NOOPMetricsHandler.instance
    }

    /// Gives a counter back.
    public func destroyCounter(_ handler: any CounterHandler) { (handler as? RegistryInstrument)?.destroy() }

    /// Gives a counter back.
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {
        (handler as? RegistryInstrument)?.destroy()
    }

    /// Gives a gauge back.
    public func destroyMeter(_ handler: any MeterHandler) { (handler as? RegistryInstrument)?.destroy() }

    /// Gives a recorder back.
    public func destroyRecorder(_ handler: any RecorderHandler) { (handler as? RegistryInstrument)?.destroy() }

    /// Gives a timer back.
    public func destroyTimer(_ handler: any TimerHandler) { (handler as? RegistryInstrument)?.destroy() }
}
