/// Where a latency histogram's numbers are among its cells.
///
/// Block by block: the buckets, an octave a block; the sum and what is above the last bucket; and for each of Linkerd's
/// bounds the part of its bucket that lies at or below it, so that counts at those bounds are exact although they are no
/// bounds of exponential buckets.
enum HistogramCells {
    /// The sum of the durations in nanoseconds; wraps around after 584 years.
    static let sum = ExponentialBuckets.count
    /// How many durations were above the last bucket.
    static let above = sum + 1
    /// The first of the bounds' cells.
    static let firstBound = ExponentialBuckets.count + ShardedCells.blockSize
    /// All cells, those between the above that are not used included.
    static let count = firstBound + LinkerdBuckets.milliseconds.count
}

/// The bounds of Linkerd's `response_latency_ms`.
enum LinkerdBuckets {
    /// Each included in its bucket; above the last comes `+Inf`.
    static let milliseconds: [UInt64] = [
        1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 100, 200, 300, 400, 500, 1_000, 2_000, 3_000, 4_000, 5_000, 10_000, 20_000,
        30_000, 40_000, 50_000,
    ]

    /// The exponential bucket that each bound lies in.
    static let positions: [Int] = milliseconds.map { bound in
        guard let position = ExponentialBuckets.position(ofSeconds: Double(bound) / 1e3) else {
            preconditionFailure("LinkerdBuckets: \(bound) ms is above every bucket")
        }
        return position
    }

    /// For each exponential bucket, one more than the number of the bound that lies in it, or 0: no two lie in one.
    private static let boundsByPosition: [UInt8] = {
        var bounds = [UInt8](repeating: 0, count: ExponentialBuckets.count)
        for (number, position) in positions.enumerated() { bounds[position] = UInt8(number + 1) }
        return bounds
    }()

    /// The number of the bound in the bucket at a place, if there is one and the duration is not above it.
    @inline(__always)
    static func bound(at position: Int, notBelow nanoseconds: UInt64) -> Int? {
        let number = Int(boundsByPosition[position])
        guard number > 0, nanoseconds <= milliseconds[number - 1] * 1_000_000 else { return nil }
        return number - 1
    }
}
