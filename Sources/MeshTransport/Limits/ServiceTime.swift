/// How long something takes: a moving average, and one of the distance from it, as TCP has them of round trips (RFC 6298,
/// section 2), over more samples, since it is a queue's length that follows from them.
struct ServiceTime: Sendable {
    /// The share of a new sample: the last 32 are two thirds of the average, whose error is then an eighth of their
    /// standard deviation.
    private static let share = 1.0 / 32

    /// Nanoseconds; `nil` until something was measured.
    private(set) var mean: Double?
    /// Nanoseconds.
    private(set) var deviation = 0.0

    /// Knows nothing.
    init() {}

    /// - Parameter mean: not a number where nothing is known.
    init(mean: Double, deviation: Double) {
        self.mean = mean.isNaN ? nil : mean
        self.deviation = deviation
    }

    /// Notes a sample.
    mutating func record(nanoseconds: Int64) {
        let sample = Double(max(0, nanoseconds))
        guard let mean else {
            self.mean = sample
            deviation = sample / 2
            return
        }
        let distance = sample - mean
        deviation += (distance.magnitude - deviation) * Self.share
        self.mean = mean + distance * Self.share
    }

    /// What most of them take at most; 0 while nothing is known. (TCP waits for four deviations, as what it does then costs
    /// much; who is refused a place that it could have had loses as much as one who has it in vain.)
    var likely: Double { mean.map { $0 + deviation } ?? 0 }
}
