import Synchronization

/// The metrics of one process, or of one mesh: where instruments come from and where they are read.
///
/// Names follow Prometheus' conventions: base units (seconds, bytes), counters that end in `_total`. Asking twice for a
/// family of the same name, kind and labels gives the same family; asking for another kind or other labels under a name
/// that is taken is a mistake in the program and traps.
public final class MetricsRegistry: Sendable {
    /// The series of one family above which further label values share the overflow series: OpenTelemetry's default.
    public static let defaultMaximumSeries = 2_000
    /// The name of the counter that says how often a family, named by its one label, had no room for a series.
    public static let overflowCounterName = "metrics_series_overflow_total"

    /// A family by its kind.
    enum Family: Sendable {
        case counter(MetricFamily<Counter>)
        case gauge(MetricFamily<Gauge>)
        case histogram(MetricFamily<LatencyHistogram>)
    }

    private struct State {
        var families: [String: Family] = [:]
        /// Sample names that are taken, with the family that took them.
        var sampleNames: [String: String] = [:]
    }

    private let maximumSeries: Int
    private let overflows: MetricFamily<Counter>
    private let state: Mutex<State>

    /// Makes a registry whose only family is the overflow counter.
    ///
    /// - Parameter maximumSeriesPerFamily: at least 1.
    public init(maximumSeriesPerFamily: Int = MetricsRegistry.defaultMaximumSeries) {
        precondition(
            maximumSeriesPerFamily >= 1,
            "MetricsRegistry: expected at least 1 series in a family, found \(maximumSeriesPerFamily)")
        self.maximumSeries = maximumSeriesPerFamily
        // One series for each family, and families come from code: it needs no bound of its own, nor a place to count
        // overflows.
        let overflows = MetricFamily(
            name: Self.overflowCounterName,
            help: "How often a metric had no room for another combination of label values.", labels: ["metric"],
            maximumSeries: .max, make: { Counter() }, onOverflow: {})
        self.overflows = overflows
        self.state = Mutex(
            State(
                families: [overflows.name: .counter(overflows)], sampleNames: [overflows.name: overflows.name]))
    }

    /// The counters of a name, which ends in `_total`.
    public func counter(_ name: String, help: String, labels: String...) -> MetricFamily<Counter> {
        precondition(
            name.utf8.suffix(6).elementsEqual("_total".utf8), "metric \(name): a counter's name ends in _total")
        return family(name, labels, samples: [""]) {
            .counter(makeFamily(name, help, labels) { Counter() })
        } read: { family in
            if case .counter(let counters) = family { counters } else { nil }
        }
    }

    /// The gauges of a name.
    public func gauge(_ name: String, help: String, labels: String...) -> MetricFamily<Gauge> {
        family(name, labels, samples: [""]) {
            .gauge(makeFamily(name, help, labels) { Gauge() })
        } read: { family in
            if case .gauge(let gauges) = family { gauges } else { nil }
        }
    }

    /// The latency histograms of a name, which ends in `_seconds`.
    public func histogram(_ name: String, help: String, labels: String...) -> MetricFamily<LatencyHistogram> {
        precondition(
            name.utf8.suffix(8).elementsEqual("_seconds".utf8), "metric \(name): a latency's name ends in _seconds")
        precondition(!labels.contains("le"), "metric \(name): the label le is the histogram's own")
        return family(name, labels, samples: ["", "_bucket", "_sum", "_count"]) {
            .histogram(makeFamily(name, help, labels) { LatencyHistogram() })
        } read: { family in
            if case .histogram(let histograms) = family { histograms } else { nil }
        }
    }

    /// Every family in the order of the names' bytes.
    func allFamilies() -> [Family] {
        state.withLock { $0.families }
            .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            .map(\.value)
    }

    private func makeFamily<Instrument>(
        _ name: String, _ help: String, _ labels: [String], _ make: @escaping @Sendable () -> Instrument
    ) -> MetricFamily<Instrument> {
        MetricFamily(name: name, help: help, labels: labels, maximumSeries: maximumSeries, make: make) { [overflows] in
            overflows.series(name).increment()
        }
    }

    /// The family of a name, made when there is none. `samples` are the suffixes of the lines that it renders.
    private func family<Instrument>(
        _ name: String, _ labels: [String], samples: [String], make: () -> Family,
        read: (Family) -> MetricFamily<Instrument>?
    ) -> MetricFamily<Instrument> {
        precondition(MetricName.isMetric(name), "metric \(name): expected letters, digits, '_' and ':'")
        for label in labels {
            precondition(MetricName.isLabel(label), "metric \(name): \(label) is not a label name")
        }
        precondition(Set(labels).count == labels.count, "metric \(name): a label appears twice in \(labels)")
        let known = state.withLock { state in
            if let known = state.families[name] { return known }
            for sample in samples {
                let owner = state.sampleNames.updateValue(name, forKey: name + sample)
                precondition(owner == nil, "metric \(name): \(name + sample) is a sample of \(owner ?? "")")
            }
            let family = make()
            state.families[name] = family
            return family
        }
        guard let family = read(known), family.labels == labels else {
            preconditionFailure(
                "metric \(name): already registered as another kind or with other labels than \(labels)")
        }
        return family
    }
}
