/// The classic buckets that a histogram is written with: their bounds' text and how their counts are read.
struct BucketLayout {
    /// Powers of two from 2^-16 s (15 µs) to 2^6 s (64 s), 23 bounds: they are bounds of the recorded buckets, so that the
    /// counts are exact, and one bound an octave is what a quantile to a factor of two takes.
    static let exponents = -16...6

    /// No histogram has more lines than one with Linkerd's bounds, `+Inf`, the sum and the count.
    static let mostLines = LinkerdBuckets.milliseconds.count + 3

    static let seconds = BucketLayout(
        bounds: exponents.map { exponent in
            let bound = Double(sign: .plus, exponent: exponent, significand: 1)
            return Bound(nanoseconds: bound * 1e9, text: ExpositionWriter.text(of: bound))
        },
        appendCounts: { $0.appendCounts(atMostTwoTo: exponents, to: &$1) }, unit: 1e9)

    /// Linkerd writes its bounds as whole numbers, OpenMetrics wants a decimal point in them.
    static func milliseconds(_ format: ExpositionFormat) -> BucketLayout {
        format == .openMetrics ? openMetricsMilliseconds : textMilliseconds
    }

    private static let textMilliseconds = milliseconds { "\($0)" }
    private static let openMetricsMilliseconds = milliseconds { "\($0).0" }

    private static func milliseconds(_ text: (UInt64) -> String) -> BucketLayout {
        BucketLayout(
            bounds: LinkerdBuckets.milliseconds.map { Bound(nanoseconds: Double($0) * 1e6, text: text($0)) },
            appendCounts: { $0.appendCountsAtLinkerdBounds(to: &$1) }, unit: 1e6)
    }

    private struct Bound {
        let nanoseconds: Double
        let text: String
    }

    /// The end of each line before its count, `+Inf`'s last.
    let lineEnds: [[UInt8]]
    /// The cumulative counts at the bounds, without `+Inf`.
    let appendCounts: @Sendable (HistogramSnapshot, inout [UInt64]) -> Void
    /// In nanoseconds.
    let unit: Double
    private let bounds: [Double]

    private init(
        bounds: [Bound], appendCounts: @escaping @Sendable (HistogramSnapshot, inout [UInt64]) -> Void, unit: Double
    ) {
        lineEnds = (bounds.map(\.text) + ["+Inf"]).map { Array("le=\"\($0)\"} ".utf8) }
        self.appendCounts = appendCounts
        self.unit = unit
        self.bounds = bounds.map(\.nanoseconds)
    }

    /// The exemplar of each bucket, of the longest duration in it.
    func exemplars(
        _ exemplars: [(nanoseconds: UInt64, exemplar: Exemplar)]
    ) -> [(nanoseconds: UInt64, exemplar: Exemplar)?] {
        var byBucket = [(nanoseconds: UInt64, exemplar: Exemplar)?](repeating: nil, count: bounds.count + 1)
        for exemplar in exemplars {
            let bucket = bounds.firstIndex { Double(exemplar.nanoseconds) <= $0 } ?? bounds.count
            byBucket[bucket] = exemplar
        }
        return byBucket
    }
}
