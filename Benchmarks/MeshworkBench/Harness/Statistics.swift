/// The middle of several measurements.
enum Statistics {
    /// The value below which a share of `sorted` lies.
    static func percentile(_ share: Double, ofSorted sorted: [Double]) -> Double {
        precondition(!sorted.isEmpty)
        return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }

    /// The median of `values`.
    static func median(_ values: [Double]) -> Double { percentile(0.5, ofSorted: values.sorted()) }
}

/// Rounds of every side in turn, so that a machine that slows down slows all of them.
struct Rounds {
    let count: Int
    private var values: [String: [Double]] = [:]

    init(count: Int) { self.count = count }

    /// Remembers one round's value of `side`.
    mutating func add(_ value: Double, to side: String) { values[side, default: []].append(value) }

    /// The median over the rounds of `side`.
    func median(_ side: String) -> Double { Statistics.median(values[side] ?? [.nan]) }

    /// The median over the rounds of what `side` has more than `base` in the same round.
    func medianAddition(_ side: String, to base: String) -> Double {
        guard let with = values[side], let without = values[base], with.count == without.count else { return .nan }
        return Statistics.median(zip(with, without).map { $0 - $1 })
    }
}
