/// Writes a registry in Prometheus' text format 0.0.4.
///
/// Families are in the order of their names and series in that of their label values, so that equal metrics give equal
/// bytes. A histogram is written with classic buckets at powers of two, 2^-16 s (15 µs) to 2^6 s (64 s), which are
/// bounds of the recorded buckets, so that the counts are exact. The overflow series of a family has the one label
/// `otel_metric_overflow="true"`.
public enum PrometheusText {
    /// The value of an HTTP answer's `Content-Type`.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// The classic buckets' bounds as exponents of two, in seconds; `+Inf` comes after them.
    static let bucketExponents = -16...6

    /// The whole registry as UTF-8.
    public static func render(_ registry: MetricsRegistry) -> [UInt8] {
        var text = ""
        for family in registry.allFamilies() {
            switch family {
            case .counter(let family):
                write(family, kind: "counter", into: &text) { labels, counter, text in
                    writeSample(family.name, labels, String(counter.value), into: &text)
                }
            case .gauge(let family):
                write(family, kind: "gauge", into: &text) { labels, gauge, text in
                    writeSample(family.name, labels, number(gauge.value), into: &text)
                }
            case .histogram(let family):
                write(family, kind: "histogram", into: &text) { labels, histogram, text in
                    writeHistogram(family.name, labels, histogram.snapshot(), into: &text)
                }
            }
        }
        return Array(text.utf8)
    }

    private static func write<Instrument>(
        _ family: MetricFamily<Instrument>, kind: String, into text: inout String,
        sample: (_ labels: String, Instrument, inout String) -> Void
    ) {
        let series = family.allSeries()
        guard !series.isEmpty else { return }
        text += "# HELP \(family.name) \(escape(family.help, quotes: false))\n# TYPE \(family.name) \(kind)\n"
        for (values, instrument) in series {
            let labels =
                if let values {
                    zip(family.labels, values).filter { !$0.1.isEmpty }
                        .map { "\($0)=\"\(escape($1, quotes: true))\"" }.joined(separator: ",")
                } else {
                    "otel_metric_overflow=\"true\""
                }
            sample(labels, instrument, &text)
        }
    }

    private static func writeHistogram(
        _ name: String, _ labels: String, _ snapshot: HistogramSnapshot, into text: inout String
    ) {
        func bucket(_ bound: String, _ count: UInt64) {
            let all = labels.isEmpty ? "le=\"\(bound)\"" : "\(labels),le=\"\(bound)\""
            writeSample(name + "_bucket", all, String(count), into: &text)
        }
        for exponent in bucketExponents {
            let bound = Double(sign: .plus, exponent: exponent, significand: 1)
            bucket(number(bound), snapshot.count(atMostTwoTo: exponent))
        }
        bucket("+Inf", snapshot.count)
        writeSample(name + "_sum", labels, number(snapshot.sum), into: &text)
        writeSample(name + "_count", labels, String(snapshot.count), into: &text)
    }

    private static func writeSample(_ name: String, _ labels: String, _ value: String, into text: inout String) {
        text += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
    }

    /// A number as the format wants it: Swift's shortest form that reads back the same, `+Inf`, `-Inf` and `NaN`.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value.description
    }

    /// Escapes backslashes and line feeds, and in label values quotes. Byte by byte: a combining character after a
    /// quote must not hide it.
    static func escape(_ text: String, quotes: Bool) -> String {
        var escaped: [UInt8] = []
        escaped.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): escaped += "\\\\".utf8
            case UInt8(ascii: "\n"): escaped += "\\n".utf8
            case UInt8(ascii: "\"") where quotes: escaped += "\\\"".utf8
            default: escaped.append(byte)
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }
}
