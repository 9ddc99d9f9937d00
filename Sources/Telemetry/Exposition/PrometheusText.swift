/// Writes a registry in Prometheus' text format 0.0.4, or in OpenMetrics 1.0.0.
///
/// Families are in the order of their names and series in that of their label values, so that equal metrics give equal
/// bytes. A histogram is written with classic buckets at powers of two, 2^-16 s (15 µs) to 2^6 s (64 s), which are
/// bounds of the recorded buckets, so that the counts are exact. The overflow series of a family has the one label
/// `otel_metric_overflow="true"`.
///
/// Rendering takes a lock for as long as it takes to find a family's series, never while it writes, and none that
/// recording takes. It is work for a thread that serves no calls: 2,000 series take milliseconds.
public enum PrometheusText {
    /// The value of an HTTP answer's `Content-Type` for the text format.
    public static var contentType: String { ExpositionFormat.prometheusText.contentType }

    /// The whole registry as UTF-8.
    ///
    /// - Parameters:
    ///   - format: see ``ExpositionFormat/negotiate(accept:)``.
    ///   - names: those of the program, or Linkerd's where it has them.
    public static func render(
        _ registry: MetricsRegistry, as format: ExpositionFormat = .prometheusText, names: MetricNames = .own
    ) -> [UInt8] {
        var page = MetricsPage(format: format)
        for (family, name) in named(registry.allFamilies(), names) { page.write(family, name) }
        return page.finished()
    }

    /// Every family with what it is written as, in the order of the written names. An alias that is taken by another
    /// family, or that gives two labels one name, is not used.
    private static func named(
        _ families: [MetricsRegistry.Family], _ names: MetricNames
    ) -> [(MetricsRegistry.Family, MetricsPage.Name)] {
        if names.aliases.isEmpty { return families.map { ($0, MetricsPage.Name($0.name)) } }
        var taken = Set(families.flatMap { Self.samples($0, $0.name) })
        return families.map { family in
            guard let alias = names.alias(of: family.name), alias.name != family.name else {
                return (family, MetricsPage.Name(family.name))
            }
            let (labels, samples) = (alias.renamed(family.labels), Self.samples(family, alias.name))
            guard Set(labels).count == labels.count, taken.isDisjoint(with: samples) else {
                return (family, MetricsPage.Name(family.name))
            }
            taken.formUnion(samples)
            return (family, MetricsPage.Name(alias.name, labels: labels == family.labels ? nil : labels))
        }.sorted { $0.1.text.utf8.lexicographicallyPrecedes($1.1.text.utf8) }
    }

    /// The names of a family's lines, and of the family as OpenMetrics has it.
    private static func samples(_ family: MetricsRegistry.Family, _ name: String) -> [String] {
        switch family {
        case .counter: [name, MetricName.withoutTotal(name)]
        case .gauge: [name]
        case .histogram, .values: [name] + ["_bucket", "_sum", "_count"].map { name + $0 }
        case .open(let family):
            switch family.kind {
            case .counter, .sum: [name, MetricName.withoutTotal(name)]
            case .gauge: [name]
            case .durations, .values: [name] + ["_bucket", "_sum", "_count"].map { name + $0 }
            }
        }
    }
}
