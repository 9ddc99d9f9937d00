import Synchronization

/// What one shard, or everybody else, has counted in a latency histogram.
///
/// Cells, block by block: the buckets, an octave a block; and for each of Linkerd's bounds the part of its bucket that lies
/// at or below it, so that counts at those bounds are exact although they are no bounds of exponential buckets.
struct HistogramCells: ~Copyable, Sendable {
    /// The first of the bounds' cells.
    static let firstBound = ExponentialBuckets.count
    /// All cells.
    static let count = firstBound + LinkerdBuckets.milliseconds.count

    /// The sum of the durations; wraps around after 584 years.
    private let nanoseconds = Atomic<UInt64>(0)
    /// How many durations were above the last bucket.
    private let above = Atomic<UInt64>(0)
    private let cells = CellSet(count: HistogramCells.count)

    /// Counts a duration in its bucket; nil: above the last.
    ///
    /// - Parameter isOwned: see ``Atomic/raise(by:isOwned:)``.
    @inline(__always)
    func record(_ duration: UInt64, at position: Int?, isOwned: Bool) {
        if let position {
            cells.raise(position, by: 1, isOwned: isOwned)
            if let bound = LinkerdBuckets.bound(at: position, notBelow: duration) {
                cells.raise(Self.firstBound + bound, by: 1, isOwned: isOwned)
            }
        } else {
            above.raise(by: 1, isOwned: isOwned)
        }
        nanoseconds.raise(by: duration, isOwned: isOwned)
    }

    /// Adds what was counted to a snapshot.
    func add(to snapshot: inout HistogramSnapshot) {
        cells.forEach { index, count in if count > 0 { snapshot.add(count, toCell: index) } }
        snapshot.add(
            above: above.load(ordering: .relaxed), nanoseconds: nanoseconds.load(ordering: .relaxed))
    }
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
        guard let position = ExponentialBuckets.position(ofNanoseconds: bound * 1_000_000) else {
            preconditionFailure("LinkerdBuckets: \(bound) ms is above every bucket")
        }
        return position
    }

    /// For each octave of exponential buckets, a bit for every bucket that a bound lies in: no two lie in one.
    static let masks: [UInt16] = [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0001, 0x0201, 0x0021, 0x0020, 0x8020, 0x0420,
        0x0400, 0x0400, 0x8410, 0x8000, 0x8000, 0x8200, 0x0020, 0x0020, 0x4020, 0x0420, 0, 0, 0, 0, 0, 0,
    ]
    /// For each octave, how many bounds are in those below. Written out as the masks are, since tables that are computed
    /// are looked for each time that they are used.
    static let boundsBelow: [UInt8] = [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 5, 6, 8, 10, 11, 12, 15, 16, 17, 19, 20,
        21, 23, 25, 25, 25, 25, 25, 25,
    ]

    /// The number of the bound in the bucket at a place, if there is one and the duration is not above it.
    @inline(__always)
    static func bound(at position: Int, notBelow nanoseconds: UInt64) -> Int? {
        let (octave, bit) = (position >> ExponentialBuckets.scale, UInt16(1) << UInt16(position & 0xF))
        let mask = masks[octave]
        guard mask & bit != 0 else { return nil }
        let number = Int(boundsBelow[octave]) + (mask & (bit &- 1)).nonzeroBitCount
        return nanoseconds <= milliseconds[number] &* 1_000_000 ? number : nil
    }
}
