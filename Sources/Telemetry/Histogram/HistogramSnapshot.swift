/// What a ``LatencyHistogram`` had counted at one moment: a value to merge, to read quantiles from, and to render.
public struct HistogramSnapshot: Sendable, Hashable {
    /// As ``HistogramCells`` has them.
    private var cells: [UInt64]
    /// A bit for each block of cells that has a count: latencies lie in a few octaves, and the others need no look.
    private var blocks: UInt64 = 0
    /// The sum of the recorded durations in nanoseconds.
    private(set) var nanoseconds: UInt64 = 0
    /// How many durations were recorded: the sum of the buckets, and of what is above the last.
    public private(set) var count: UInt64 = 0

    /// Makes an empty snapshot, to merge others into.
    public init() {
        self.cells = Array(repeating: 0, count: HistogramCells.count)
    }

    /// The sum of the recorded durations in seconds.
    public var sum: Double { Double(nanoseconds) / 1e9 }

    /// What was counted since an earlier snapshot of the same histogram.
    package func since(_ earlier: HistogramSnapshot) -> HistogramSnapshot {
        var difference = self
        for index in cells.indices { difference.cells[index] &-= earlier.cells[index] }
        difference.count &-= earlier.count
        difference.nanoseconds &-= earlier.nanoseconds
        return difference
    }

    mutating func add(_ count: UInt64, toCell index: Int) {
        guard index < cells.count else { return }
        cells[index] &+= count
        blocks |= 1 &<< UInt64(index >> 4)
        if index < ExponentialBuckets.count { self.count &+= count }
    }

    /// Adds durations above the last bucket, of which only the count is known, and to the sum of all.
    mutating func add(above: UInt64, nanoseconds: UInt64) {
        count &+= above
        self.nanoseconds &+= nanoseconds
    }

    /// Adds what another histogram counted. Exact: the buckets of all histograms are the same.
    public mutating func merge(_ other: HistogramSnapshot) {
        let before = count
        for (index, count) in other.cells.enumerated() where count > 0 { add(count, toCell: index) }
        add(above: other.count &- (count &- before), nanoseconds: other.nanoseconds)
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
        for position in 0..<ExponentialBuckets.count where cells[position] > 0 {
            let inBucket = Double(cells[position])
            if below + inBucket >= rank {
                let fraction = (rank - below) / inBucket
                let (lower, upper) = (
                    ExponentialBuckets.lowerBound(at: position), ExponentialBuckets.upperBound(at: position)
                )
                // A bucket is one sixteenth of an octave: lower * (upper / lower)^fraction by its series to the second
                // term, whose remainder is below 1e-5 of the value.
                let step = upper / lower - 1
                return lower * (1 + fraction * step - fraction * (1 - fraction) / 2 * step * step)
            }
            below += inBucket
        }
        return ExponentialBuckets.upperBound(at: ExponentialBuckets.count - 1)
    }

    /// Forgets everything, and keeps its memory.
    mutating func reset() {
        for block in 0..<(cells.count + CellSet.blockSize - 1) / CellSet.blockSize where has(block: block) {
            let start = block * CellSet.blockSize
            for index in start..<min(start + CellSet.blockSize, cells.count) { cells[index] = 0 }
        }
        (blocks, count, nanoseconds) = (0, 0, 0)
    }

    private func has(block: Int) -> Bool { blocks >> UInt64(block) & 1 != 0 }

    /// How many durations were at most 2^`exponent` seconds, for each exponent in rising order. Exact: powers of two are
    /// bounds of buckets.
    func counts(atMostTwoTo exponents: ClosedRange<Int>) -> [UInt64] {
        var counts: [UInt64] = []
        appendCounts(atMostTwoTo: exponents, to: &counts)
        return counts
    }

    /// The same, added to an array that there is.
    func appendCounts(atMostTwoTo exponents: ClosedRange<Int>, to counts: inout [UInt64]) {
        var (below, octave) = (UInt64(0), 0)
        for exponent in exponents {
            let end = min(exponent - ExponentialBuckets.octaves.lowerBound, ExponentialBuckets.octaves.count)
            while octave < end {
                // An octave is a block.
                if has(block: octave) {
                    let start = octave * ExponentialBuckets.perOctave
                    for index in start..<start + ExponentialBuckets.perOctave { below &+= cells[index] }
                }
                octave += 1
            }
            counts.append(below)
        }
    }

    /// How many durations were at most each of Linkerd's bounds, exactly; added to an array that there is.
    func appendCountsAtLinkerdBounds(to counts: inout [UInt64]) {
        var (below, position) = (UInt64(0), 0)
        for (bound, end) in LinkerdBuckets.positions.enumerated() {
            while position < end {
                below &+= cells[position]
                position += 1
            }
            // A duration may be in the bound's cell and not yet in its bucket, or the other way round, while it is
            // recorded.
            counts.append(below &+ min(cells[HistogramCells.firstBound + bound], cells[end]))
        }
    }
}
