/// One page of metrics in one format, family by family.
struct MetricsPage {
    /// What a family is written as.
    struct Name {
        let text: String
        /// The names of the labels; nil: the family's own.
        let labels: [String]?

        init(_ text: String, labels: [String]? = nil) {
            self.text = text
            self.labels = labels
        }
    }

    private let format: ExpositionFormat
    private var out = ExpositionWriter()
    // What a histogram takes to be written, for the next one to use again.
    private var snapshot = HistogramSnapshot()
    private var counts: [UInt64] = []
    private var lineStart: [UInt8] = []

    init(format: ExpositionFormat) {
        self.format = format
    }

    /// The page, which nothing is added to.
    consuming func finished() -> [UInt8] {
        if format == .openMetrics { out.text("# EOF\n") }
        return out.bytes
    }

    mutating func write(_ family: MetricsRegistry.Family, _ name: Name) {
        switch family {
        case .counter(let family):
            write(family, name, kind: "counter") { page, labels, counter in
                page.out.sample(name.text, labels)
                page.out.number(counter.value)
                if page.format == .openMetrics, let (value, exemplar) = counter.exemplar {
                    page.out.exemplar(exemplar, value: value)
                }
                page.out.byte("\n")
            }
        case .gauge(let family):
            write(family, name, kind: "gauge") { page, labels, gauge in
                page.out.sample(name.text, labels)
                page.out.number(gauge.value)
                page.out.byte("\n")
            }
        case .histogram(let family):
            let layout: BucketLayout =
                MetricName.has(suffix: "_ms", name.text) ? .milliseconds(format) : .seconds
            write(family, name, kind: "histogram") { page, labels, histogram in
                page.write(histogram, name.text, labels, layout)
            }
        case .values(let family):
            write(family, name, kind: "histogram") { page, labels, histogram in
                page.write(histogram, name.text, labels)
            }
        case .open(let family):
            write(family)
        }
    }

    /// A host's own family, under its own name whatever the page's names are.
    private mutating func write(_ family: OpenFamily) {
        let series = family.allSeries()
        guard !series.isEmpty else { return }
        let kind =
            switch family.kind {
            case .counter, .sum: "counter"
            case .gauge: "gauge"
            case .durations, .values: "histogram"
            }
        writeHead(family.name, help: family.help, kind: kind)
        for series in series {
            switch series.instrument {
            case .counter(let counter):
                out.sample(family.name, series.labels)
                out.number(counter.value)
                out.byte("\n")
            case .sum(let gauge), .gauge(let gauge):
                out.sample(family.name, series.labels)
                out.number(gauge.value)
                out.byte("\n")
            case .durations(let histogram):
                write(histogram, family.name, series.labels, .seconds)
            case .values(let histogram):
                write(histogram, family.name, series.labels)
            }
        }
    }

    private mutating func write(_ histogram: ValueHistogram, _ name: String, _ labels: [UInt8]) {
        var count: UInt64 = 0
        for (bound, inBucket) in zip(ValueHistogram.bounds + ["+Inf"], histogram.counts) {
            count &+= inBucket
            var bucket = labels
            LabelText.append("le", bound, to: &bucket)
            out.sample(name + "_bucket", bucket)
            out.number(count)
            out.byte("\n")
        }
        // OpenMetrics has no sum of what may be negative, nor a count without a sum; the last bucket has the count.
        if format == .openMetrics, histogram.sum < 0 { return }
        out.sample(name + "_sum", labels)
        out.number(histogram.sum)
        out.byte("\n")
        out.sample(name + "_count", labels)
        out.number(count)
        out.byte("\n")
    }

    private mutating func write<Instrument>(
        _ family: MetricFamily<Instrument>, _ name: Name, kind: String,
        sample: (_ page: inout MetricsPage, _ labels: [UInt8], Instrument) -> Void
    ) {
        let series = family.allSeries()
        guard !series.isEmpty else { return }
        writeHead(name.text, help: family.help, kind: kind)
        let lines = series.count * (kind == "histogram" ? BucketLayout.mostLines : 1)
        out.reserve(lines * (name.text.utf8.count + (series.first?.labels.count ?? 0) + 32))
        for series in series {
            var labels = series.labels
            if let names = name.labels, let values = series.values { labels = LabelText.render(names, values) }
            sample(&self, labels, series.instrument)
        }
    }

    /// What a family is, once before its samples.
    private mutating func writeHead(_ name: String, help: String, kind: String) {
        var escaped: [UInt8] = []
        switch format {
        case .openMetrics:
            let family = kind == "counter" ? MetricName.withoutTotal(name) : name
            out.text("# TYPE \(family) \(kind)\n")
            if let unit = MetricName.unit(ofFamily: family) { out.text("# UNIT \(family) \(unit)\n") }
            LabelText.escape(help, quotes: true, into: &escaped)
            out.text("# HELP \(family) ")
            out.text(escaped)
            out.byte("\n")
        default:
            LabelText.escape(help, quotes: false, into: &escaped)
            out.text("# HELP \(name) ")
            out.text(escaped)
            out.text("\n# TYPE \(name) \(kind)\n")
        }
    }

    private mutating func write(
        _ histogram: LatencyHistogram, _ name: String, _ labels: [UInt8], _ layout: BucketLayout
    ) {
        snapshot.reset()
        histogram.add(to: &snapshot)
        counts.removeAll(keepingCapacity: true)
        layout.appendCounts(snapshot, &counts)
        counts.append(snapshot.count)
        let exemplars = format == .openMetrics ? histogram.exemplars() : []
        let byBucket = exemplars.isEmpty ? [] : layout.exemplars(exemplars)
        lineStart.removeAll(keepingCapacity: true)
        lineStart += name.utf8
        lineStart += "_bucket{".utf8
        lineStart += labels
        if !labels.isEmpty { lineStart.append(UInt8(ascii: ",")) }
        for (bucket, count) in counts.enumerated() {
            out.text(lineStart)
            out.text(layout.lineEnds[bucket])
            out.number(count)
            if bucket < byBucket.count, let (nanoseconds, exemplar) = byBucket[bucket] {
                out.exemplar(exemplar, value: Double(nanoseconds) / layout.unit)
            }
            out.byte("\n")
        }
        out.sample(name + "_sum", labels)
        out.number(Double(snapshot.nanoseconds) / layout.unit)
        out.byte("\n")
        out.sample(name + "_count", labels)
        out.number(snapshot.count)
        out.byte("\n")
    }
}
