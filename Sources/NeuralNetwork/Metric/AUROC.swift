public import Tensor

/// The area under the receiver operating characteristic: the probability that a positive example has a higher score than
/// a negative one, ties counting half.
///
/// ```swift
/// var area = AUROC()
/// for batch in test { try area.add(scores: model(batch.inputs, parameters), labels: batch.labels) }
/// print(try area.value())
/// ```
/// It is exact, `U / (P N)` with the rank statistic U of P positive and N negative examples (J. A. Hanley, B. J. McNeil,
/// "The meaning and use of the area under a ROC curve", Radiology 143 (1982)), as an exact statistic of n scores must keep
/// them: 4 bytes an example, up to ``maximumExamples``. ``value()`` takes O(n log n).
public struct AUROC: Sendable {
    /// The most examples that are taken.
    public let maximumExamples: Int
    private var positives: [Float] = []
    private var negatives: [Float] = []

    /// - Parameter maximumExamples: The most examples that are taken. Default 16,777,216, which are 64 MiB; at most 2³¹,
    ///   beyond which pairs could not be counted.
    public init(maximumExamples: Int = 1 << 24) {
        precondition((0...(1 << 31)).contains(maximumExamples), "AUROC of \(maximumExamples) examples")
        self.maximumExamples = maximumExamples
    }

    /// The examples that were added.
    public var count: Int { positives.count + negatives.count }

    /// Adds a batch.
    ///
    /// - Parameters:
    ///   - scores: Higher for what is more likely positive, logits or probabilities; of any shape, infinite ones too.
    ///   - labels: 1 for each positive example and 0 for each negative one, of the same number.
    /// - Throws: ``NeuralNetworkError/Code/valueInvalid`` for a score that is NaN and another label,
    ///   ``NeuralNetworkError/Code/datasetInvalid`` for another number of labels,
    ///   ``NeuralNetworkError/Code/metricUndefined`` for more than ``maximumExamples``. Nothing of the batch counts then.
    public mutating func add(scores: Tensor<Float>, labels: Tensor<Int32>) throws(NeuralNetworkError) {
        let (scores, labels) = (scores.scalars, labels.scalars)
        guard scores.count == labels.count else {
            throw NeuralNetworkError(.datasetInvalid, "AUROC: \(scores.count) scores with \(labels.count) labels")
        }
        guard scores.count <= maximumExamples - count else {
            throw NeuralNetworkError(
                .metricUndefined,
                "AUROC: \(scores.count) examples more than \(count) are over the limit of \(maximumExamples)")
        }
        for (place, (score, label)) in zip(scores, labels).enumerated() {
            guard !score.isNaN else {
                throw NeuralNetworkError(
                    .valueInvalid, "AUROC: the score of example \(place) of this batch is NaN, which has no rank")
            }
            guard label == 0 || label == 1 else {
                throw NeuralNetworkError(
                    .valueInvalid, "AUROC: the label of example \(place) of this batch is \(label), expected 0 or 1")
            }
        }
        for (score, label) in zip(scores, labels) {
            if label == 1 { positives.append(score) } else { negatives.append(score) }
        }
    }

    /// The area under the curve of all examples: 1 for scores that separate the classes, 0.5 for ones that know nothing.
    ///
    /// - Throws: ``NeuralNetworkError/Code/metricUndefined`` unless there are examples of both classes.
    public func value() throws(NeuralNetworkError) -> Double {
        guard !positives.isEmpty, !negatives.isEmpty else {
            throw NeuralNetworkError(
                .metricUndefined,
                "AUROC needs examples of both classes, has \(positives.count) positive and \(negatives.count) negative")
        }
        let (positives, negatives) = (positives.sorted(), negatives.sorted())
        // Twice the pairs in which the positive example wins: a tie is one.
        var wins: UInt64 = 0
        var (below, through) = (0, 0)
        for score in positives {
            while below < negatives.count, negatives[below] < score { below += 1 }
            through = max(through, below)
            while through < negatives.count, negatives[through] == score { through += 1 }
            wins += UInt64(below + through)
        }
        return Double(wins) / (2 * Double(positives.count) * Double(negatives.count))
    }
}
