public import CoreMetrics
public import MeshTransport
public import MeshWire
public import ServiceLifecycle
import Synchronization
public import Telemetry

/// Hands a mesh's metrics to a back end of swift-metrics, now and then.
///
/// ```swift
/// let exporter = MetricsExporter(mesh.metrics, to: MetricsSystem.factory)
/// let group = ServiceGroup(services: [mesh, exporter], logger: logger)
/// ```
/// | the registry's | swift-metrics' |
/// |---|---|
/// | counter | `Counter`: what was added since the last time |
/// | gauge | `Meter`: the value |
/// | latency histogram `x_seconds` | `Counter` `x_seconds_count` and `FloatingPointCounter` `x_seconds_sum`: what was added; `Meter` `x_seconds` with the dimension `quantile` (`0.5`, `0.9`, `0.99`): of the calls since the last time, if there were any |
/// | histogram of other values `x` | `Counter` `x_count` and `FloatingPointCounter` `x_sum`: what was added |
///
/// **Why now and then**: swift-metrics has each value handed over as it comes, and most back ends take a lock for that;
/// a call records a dozen values, at a few nanoseconds each. So calls record where they always do, and the export costs
/// what the number of series costs, off every call's path, whatever the rate of calls. **Why no `Timer`**: that takes
/// each time by itself, and a histogram has counts; the quantiles are the histogram's own, to 2.2 %.
///
/// What a host's own instruments have put into the registry (``RegistryMetricsFactory``) is not exported: it would come
/// back.
///
/// A `Service`. Safe to use from any task: the state is guarded by a mutex, which the recording of a call never takes.
public final class MetricsExporter: Service {
    private let registry: MetricsRegistry
    private let factory: any MetricsFactory
    private let interval: Duration
    private let runtime: any Runtime
    private let exported = Mutex<[SeriesKey: ExportedSeries]>([:])

    /// - Parameters:
    ///   - registry: `Mesh.metrics`.
    ///   - factory: the back end's.
    ///   - interval: from one export to the next; above zero. Default 10 s, as Prometheus' scrapes commonly are apart.
    ///   - runtime: whose clock it goes by.
    public init(
        _ registry: MetricsRegistry, to factory: any MetricsFactory, every interval: Duration = .seconds(10),
        runtime: any Runtime = SystemRuntime.shared
    ) {
        precondition(interval > .zero, "MetricsExporter: expected an interval above zero, found \(interval)")
        self.registry = registry
        self.factory = factory
        self.interval = interval
        self.runtime = runtime
    }

    /// Exports until the service group shuts down or the task is cancelled, then once more, so that nothing that was
    /// counted is lost, and gives the back end's instruments back.
    public func run() async throws {
        await runtime.untilStopped {
            while (try? await self.runtime.sleep(for: self.interval)) != nil { self.export() }
        }
        export()
        exported.withLock { exported in
            for series in exported.values { series.destroy(factory) }
            exported = [:]
        }
    }

    /// Exports once, now. Complexity: O(number of series).
    public func export() {
        exported.withLock { exported in
            for family in registry.allFamilies() {
                switch family {
                case .counter(let family): export(family, &exported, ExportedSeries.counter) { $0.update($1) }
                case .gauge(let family): export(family, &exported, ExportedSeries.gauge) { $0.update($1) }
                case .histogram(let family): export(family, &exported, ExportedSeries.histogram) { $0.update($1) }
                case .values(let family): export(family, &exported, ExportedSeries.values) { $0.update($1) }
                case .open: break
                }
            }
        }
    }

    private func export<Instrument>(
        _ family: MetricFamily<Instrument>, _ exported: inout [SeriesKey: ExportedSeries],
        _ make: (any MetricsFactory, String, [(String, String)]) -> ExportedSeries,
        _ update: (inout ExportedSeries, Instrument) -> Void
    ) {
        for series in family.allSeries() {
            let key = SeriesKey(family: family.name, values: series.values)
            var known = exported[key] ?? make(factory, family.name, Self.dimensions(family.labels, series.values))
            update(&known, series.instrument)
            exported[key] = known
        }
    }

    private static func dimensions(_ labels: [String], _ values: [String]?) -> [(String, String)] {
        guard let values else { return [("otel_metric_overflow", "true")] }
        return zip(labels, values).filter { !$0.1.isEmpty }
    }
}

/// A series of the registry.
private struct SeriesKey: Hashable {
    let family: String
    /// `nil` for the one that is shared for want of room.
    let values: [String]?
}
