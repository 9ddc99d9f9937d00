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
    package enum Family: Sendable {
        case counter(MetricFamily<Counter>)
        case gauge(MetricFamily<Gauge>)
        case histogram(MetricFamily<LatencyHistogram>)
        case values(MetricFamily<ValueHistogram>)
        /// A host's own.
        case open(OpenFamily)

        var name: String {
            switch self {
            case .counter(let family): family.name
            case .gauge(let family): family.name
            case .histogram(let family): family.name
            case .values(let family): family.name
            case .open(let family): family.name
            }
        }

        var labels: [String] {
            switch self {
            case .counter(let family): family.labels
            case .gauge(let family): family.labels
            case .histogram(let family): family.labels
            case .values(let family): family.labels
            case .open: []
            }
        }
    }

    private struct State {
        var families: [String: Family] = [:]
        /// Sample names that are taken, with the family that took them.
        var sampleNames: [String: String] = [:]
        /// How many of the families are a host's own.
        var openFamilies = 0

        /// Takes a host's own family out whose name, or a sample's, is wanted.
        mutating func giveWay(_ name: String) {
            guard let owner = sampleNames[name], case .open(let family)? = families[owner] else { return }
            families[family.name] = nil
            sampleNames = sampleNames.filter { $0.value != family.name }
            openFamilies -= 1
        }
    }

    /// The most families of a host's own.
    static let maximumOpenFamilies = 2_000

    /// The shards that have counters of their own, unless a registry says otherwise.
    public static let defaultMaximumShards = 32

    private let maximumSeries: Int
    private let places: ShardPlaces
    private let overflows: MetricFamily<Counter>
    private let state: Mutex<State>

    /// Makes a registry whose only family is the overflow counter.
    ///
    /// - Parameters:
    ///   - maximumSeriesPerFamily: at least 1.
    ///   - maximumShards: how many shards have counters of their own at once; each costs 8 bytes an instrument, and 128
    ///     bytes for each 16 counters that it uses. Shards above it work, with atomic additions. As many as the host
    ///     has event loops is enough.
    public init(
        maximumSeriesPerFamily: Int = MetricsRegistry.defaultMaximumSeries,
        maximumShards: Int = MetricsRegistry.defaultMaximumShards
    ) {
        precondition(
            maximumSeriesPerFamily >= 1,
            "MetricsRegistry: expected at least 1 series in a family, found \(maximumSeriesPerFamily)")
        precondition(maximumShards >= 0, "MetricsRegistry: expected no fewer than 0 shards, found \(maximumShards)")
        self.maximumSeries = maximumSeriesPerFamily
        self.places = ShardPlaces(count: maximumShards)
        // One series for each family, and families come from code: it needs no bound of its own, nor a place to count
        // overflows.
        let overflows = MetricFamily(
            name: Self.overflowCounterName,
            help: "How often a metric had no room for another combination of label values.", labels: ["metric"],
            maximumSeries: .max, make: { Counter(places: nil) }, onOverflow: {})
        self.overflows = overflows
        self.state = Mutex(
            State(
                families: [overflows.name: .counter(overflows)],
                sampleNames: Dictionary(
                    uniqueKeysWithValues: Self.samples(ofCounter: overflows.name).map { ($0, overflows.name) })))
    }

    /// Makes what one event loop, or another owner that runs one thing at a time, records on. Takes a lock.
    public func makeShard() -> sending MetricsShard { MetricsShard(places) }

    /// The counters of a name, which ends in `_total`.
    public func counter(_ name: String, help: String, labels: String...) -> MetricFamily<Counter> {
        precondition(
            MetricName.has(suffix: "_total", name), "metric \(name): a counter's name ends in _total")
        return family(name, labels, samples: Self.samples(ofCounter: name)) {
            .counter(makeFamily(name, help, labels) { [places] in Counter(places: places) })
        } read: { family in
            if case .counter(let counters) = family { counters } else { nil }
        }
    }

    /// The gauges of a name.
    public func gauge(_ name: String, help: String, labels: String...) -> MetricFamily<Gauge> {
        family(name, labels, samples: [name]) {
            .gauge(makeFamily(name, help, labels) { [places] in Gauge(places: places) })
        } read: { family in
            if case .gauge(let gauges) = family { gauges } else { nil }
        }
    }

    /// The latency histograms of a name, which ends in `_seconds`.
    public func histogram(_ name: String, help: String, labels: String...) -> MetricFamily<LatencyHistogram> {
        precondition(MetricName.has(suffix: "_seconds", name), "metric \(name): a latency's name ends in _seconds")
        precondition(!labels.contains("le"), "metric \(name): the label le is the histogram's own")
        return family(name, labels, samples: Self.samples(ofHistogram: name)) {
            .histogram(makeFamily(name, help, labels) { [places] in LatencyHistogram(places: places) })
        } read: { family in
            if case .histogram(let histograms) = family { histograms } else { nil }
        }
    }

    /// The histograms of a name that count values of any unit, by powers of four.
    package func values(_ name: String, help: String, labels: String...) -> MetricFamily<ValueHistogram> {
        precondition(!labels.contains("le"), "metric \(name): the label le is the histogram's own")
        return family(name, labels, samples: Self.samples(ofHistogram: name)) {
            .values(makeFamily(name, help, labels) { ValueHistogram() })
        } read: { family in
            if case .values(let histograms) = family { histograms } else { nil }
        }
    }

    /// Every family in the order of the names' bytes.
    package func allFamilies() -> [Family] {
        state.withLock { $0.families }
            .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            .map(\.value)
    }

    /// OpenMetrics calls a counter by its name without `_total`.
    static func samples(ofCounter name: String) -> [String] {
        let base = MetricName.withoutTotal(name)
        return [base, name, base + "_created"]
    }

    static func samples(ofHistogram name: String) -> [String] {
        ["", "_bucket", "_sum", "_count", "_created"].map { name + $0 }
    }

    /// A host's own family of a name that is fit for one.
    func open(_ name: String, _ kind: OpenFamily.Kind, _ samples: [String]) -> OpenFamily? {
        state.withLock { state in
            if case .open(let known)? = state.families[name] { return known.kind == kind ? known : nil }
            guard state.openFamilies < Self.maximumOpenFamilies,
                samples.allSatisfy({ state.sampleNames[$0] == nil })
            else { return nil }
            let family = OpenFamily(
                name, kind, help: "Recorded by the host.", maximumSeries: maximumSeries
            ) { [overflows] in overflows.series(name).increment() }
            state.families[name] = .open(family)
            state.openFamilies += 1
            for sample in samples { state.sampleNames[sample] = name }
            return family
        }
    }

    private func makeFamily<Instrument>(
        _ name: String, _ help: String, _ labels: [String], _ make: @escaping @Sendable () -> Instrument
    ) -> MetricFamily<Instrument> {
        MetricFamily(name: name, help: help, labels: labels, maximumSeries: maximumSeries, make: make) { [overflows] in
            overflows.series(name).increment()
        }
    }

    /// The family of a name, made when there is none. `samples` are the names that it has in any format,
    /// those that OpenMetrics reserves included.
    private func family<Instrument>(
        _ name: String, _ labels: [String], samples: [String], make: () -> Family,
        read: (Family) -> MetricFamily<Instrument>?
    ) -> MetricFamily<Instrument> {
        precondition(MetricName.isMetric(name), "metric \(name): expected letters, digits, '_' and ':'")
        for label in labels {
            precondition(MetricName.isLabel(label), "metric \(name): \(label) is not a label name")
            precondition(
                label != LabelText.overflowName, "metric \(name): the label \(label) is the overflow series' own")
        }
        precondition(Set(labels).count == labels.count, "metric \(name): a label appears twice in \(labels)")
        let known = state.withLock { state in
            for sample in samples { state.giveWay(sample) }
            if let known = state.families[name] { return known }
            for sample in samples {
                let owner = state.sampleNames.updateValue(name, forKey: sample)
                precondition(owner == nil, "metric \(name): \(sample) is a sample of \(owner ?? "")")
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
