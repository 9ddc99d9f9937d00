/// What a ``LatencyHistogram`` had counted at one moment: a value to merge, to read quantiles from, and to render.
public struct HistogramSnapshot: Sendable, Hashable {
    /// Bucket counts by place, then the count above the last bucket.
    private var counts: [UInt64]
    private var nanoseconds: UInt64 = 0
    /// How many durations were recorded: the sum of the buckets.
    public private(set) var count: UInt64 = 0

    /// Makes an empty snapshot, to merge others into.
    public init() {
        self.counts = Array(repeating: 0, count: ExponentialBuckets.count + 1)
    }

    /// The sum of the recorded durations in seconds.
    public var sum: Double { Double(nanoseconds) / 1e9 }

    mutating func add(_ count: UInt64, at position: Int) {
        counts[position] &+= count
        self.count &+= count
    }

    mutating func addToSum(nanoseconds: UInt64) {
        self.nanoseconds &+= nanoseconds
    }

    /// Adds what another histogram counted. Exact: the buckets of all histograms are the same.
    public mutating func merge(_ other: HistogramSnapshot) {
        for (position, count) in other.counts.enumerated() where count > 0 {
            add(count, at: position)
        }
        addToSum(nanoseconds: other.nanoseconds)
    }

    /// The duration in seconds that a fraction `q` of the recorded ones does not exceed; nil while nothing is recorded.
    ///
    /// Within a bucket the durations are taken to lie evenly on a logarithmic scale, which is at most 4.4 % off, 2.2 %
    /// at the middle. Durations above the last bucket count as its upper bound, 4,096 s.
    ///
    /// - Parameter q: from 0 to 1; 0.5 for the median, 0.99 for p99.
    /// - Complexity: O(number of buckets).
    public func quantile(_ q: Double) -> Double? {
        precondition((0...1).contains(q), "HistogramSnapshot.quantile: expected 0 to 1, found \(q)")
        guard count > 0 else { return nil }
        let rank = q * Double(count)
        var below = 0.0
        for (position, inBucket) in counts.enumerated() where inBucket > 0 {
            guard position < ExponentialBuckets.count else { break }
            if below + Double(inBucket) >= rank {
                let fraction = (rank - below) / Double(inBucket)
                let (lower, upper) = (
                    ExponentialBuckets.lowerBound(at: position), ExponentialBuckets.upperBound(at: position)
                )
                // A bucket is one sixteenth of an octave: lower * (upper / lower)^fraction by its series to the second
                // term, whose remainder is below 1e-5 of the value.
                let step = upper / lower - 1
                return lower * (1 + fraction * step - fraction * (1 - fraction) / 2 * step * step)
            }
            below += Double(inBucket)
        }
        return ExponentialBuckets.upperBound(at: ExponentialBuckets.count - 1)
    }

    /// How many durations were at most 2^`exponent` seconds. Exact: powers of two are bounds of buckets.
    func count(atMostTwoTo exponent: Int) -> UInt64 {
        let end = (exponent - ExponentialBuckets.octaves.lowerBound) * ExponentialBuckets.perOctave
        return counts.prefix(max(0, min(end, ExponentialBuckets.count))).reduce(0, &+)
    }
}
