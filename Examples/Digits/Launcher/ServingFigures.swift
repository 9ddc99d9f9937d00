/// What the model server said of one digit.
package struct PredictedDigit: Sendable, Equatable {
    package var digit: Int
    /// From the call to its answer.
    package var microseconds: Double

    package init(digit: Int, microseconds: Double) {
        self.digit = digit
        self.microseconds = microseconds
    }
}

/// How well and how fast the model server answered.
package struct ServingFigures: Sendable {
    /// The fraction of right answers.
    package let accuracy: Double
    package let summary: DemonstrationSummary.Serving

    /// - Parameters:
    ///   - answers: one for each digit, at least one.
    ///   - labels: what the digits are.
    package init(answers: [PredictedDigit], labels: [Int]) {
        precondition(
            !answers.isEmpty && answers.count == labels.count, "\(answers.count) answers for \(labels.count) digits")
        accuracy = Double(zip(answers, labels).count { $0.digit == $1 }) / Double(labels.count)
        let sorted = answers.map(\.microseconds).sorted()
        summary = DemonstrationSummary.Serving(
            p50Microseconds: Self.quantile(0.5, of: sorted), p99Microseconds: Self.quantile(0.99, of: sorted),
            requests: answers.count)
    }

    /// The nearest-rank quantile: the smallest value that at least that fraction does not exceed.
    private static func quantile(_ fraction: Double, of sorted: [Double]) -> Double {
        sorted[max(0, Int((fraction * Double(sorted.count)).rounded(.up)) - 1)]
    }
}
