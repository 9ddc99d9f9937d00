import DigitsKit
import Testing

@Suite("Figures of serving")
struct ServingFiguresTests {
    @Test("accuracy is a fraction, and quantiles are nearest-rank")
    func figures() {
        let answers = (1...200).reversed().map { PredictedDigit(digit: $0 % 10, microseconds: Double($0)) }
        let labels = answers.enumerated().map { index, answer in index < 50 ? answer.digit + 1 : answer.digit }
        let figures = ServingFigures(answers: answers, labels: labels)
        #expect(figures.accuracy == 0.75)
        let summary = figures.summary
        #expect((summary.p50Microseconds, summary.p99Microseconds, summary.requests) == (100, 198, 200))
    }
}
