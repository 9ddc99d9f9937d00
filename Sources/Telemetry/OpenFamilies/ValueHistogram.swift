/// Counts values of any unit in buckets whose bounds are powers of four, from 4^-5 (about 0.001) to 4^20 (about 10^12):
/// a quantile is known to a factor of four, whatever is counted. Values at or below the lowest bound, and so all below
/// zero, are in the first bucket. Lock-free from any thread.
package final class ValueHistogram: Sendable {
    /// The bounds' exponents, of four.
    static let exponents = -5...20
    /// The bounds' text.
    static let bounds = exponents.map {
        ExpositionWriter.text(of: Double(sign: .plus, exponent: 2 * $0, significand: 1))
    }

    private let cells = CellSet(count: exponents.count + 1)
    private let total = Gauge()

    /// Counts a value; what is no number counts nothing.
    package func record(_ value: Double) {
        guard value.isFinite else { return }
        cells.raise(Self.position(of: value), by: 1, isOwned: false)
        total.add(value)
    }

    /// How many values each bucket has, and, last, how many were above all bounds.
    var counts: [UInt64] {
        var counts = [UInt64](repeating: 0, count: Self.exponents.count + 1)
        cells.forEach { index, count in if index < counts.count { counts[index] = count } }
        return counts
    }

    /// The sum of the values.
    package var sum: Double { total.value }

    /// How many there were.
    package var count: UInt64 { counts.reduce(0, &+) }

    /// The first bucket whose bound is not below a value.
    static func position(of value: Double) -> Int {
        guard value > 0 else { return 0 }
        // Of two as the base, rounded up; then of four.
        let exponent = value.significand == 1 ? Int(value.exponent) : Int(value.exponent) + 1
        return min(max((exponent + 1) >> 1, exponents.lowerBound), exponents.upperBound + 1) - exponents.lowerBound
    }
}
