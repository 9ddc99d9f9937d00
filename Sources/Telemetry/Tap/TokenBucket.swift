/// Lets through so many in a second, and a few more at once. Time is an argument.
struct TokenBucket: Sendable {
    private let perSecond: Double
    private let capacity: Double
    private var tokens: Double
    private var last: Int64?

    /// - Parameters:
    ///   - perSecond: how many a second, on average.
    ///   - burst: how many at once, after a pause.
    init(perSecond: Double, burst: Double) {
        self.perSecond = max(0, perSecond)
        capacity = max(0, burst)
        tokens = capacity
    }

    /// Takes one if there is one.
    ///
    /// - Parameter now: in nanoseconds, on any clock that does not go back; one that does counts as standing still.
    mutating func take(now: Int64) -> Bool {
        if let last, now > last {
            // Doubles: the difference of two extreme times would overflow.
            tokens = min(capacity, tokens + (Double(now) - Double(last)) / 1e9 * perSecond)
        }
        last = max(last ?? now, now)
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}
