import NeuralNetwork
import Tensor
import Testing

@Suite struct AUROCTests {
    private static func area(_ scores: [Float], _ labels: [Int32]) throws -> Double {
        var area = AUROC()
        try area.add(scores: Tensor(scores), labels: Tensor(labels))
        return try area.value()
    }

    private static func code(_ body: () throws -> Void) -> NeuralNetworkError.Code? {
        do { try body() } catch { return (error as? NeuralNetworkError)?.code }
        return nil
    }

    @Test("it is what scikit-learn's roc_auc_score answers for the example of its documentation, and for known ones")
    func known() throws {
        #expect(try Self.area([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]) == 0.75)
        #expect(try Self.area([1, 2, 3, 4], [0, 0, 1, 1]) == 1)
        #expect(try Self.area([4, 3, 2, 1], [0, 0, 1, 1]) == 0)
        #expect(try Self.area([7, 7, 7, 7, 7], [0, 1, 0, 1, 1]) == 0.5)
        #expect(try Self.area([.infinity, 0, -.infinity, -0.0], [1, 1, 0, 0]) == 0.875)
    }

    @Test("it is the share of pairs that are in order, ties counting half, whatever the scores and the batches")
    func bruteForce() throws {
        for seed in 0..<200 as Range<UInt64> {
            let key = RandomKey(seed: seed)
            let count = 2 + Int(seed)
            // Few values make many ties.
            let distinct = [2, 5, 1_000_000][Int(seed % 3)]
            let scores = Tensor<Float>.uniform([count], key: key.foldIn("scores")).scalars.map {
                ($0 * Float(distinct)).rounded() - 1
            }
            var labels = Tensor<Float>.uniform([count], key: key.foldIn("labels")).scalars.map { Int32($0.rounded()) }
            (labels[0], labels[1]) = (0, 1)
            var expected = 0.0
            let positives = zip(scores, labels).filter { $0.1 == 1 }.map(\.0)
            let negatives = zip(scores, labels).filter { $0.1 == 0 }.map(\.0)
            for positive in positives {
                for negative in negatives { expected += positive > negative ? 1 : positive == negative ? 0.5 : 0 }
            }
            expected /= Double(positives.count * negatives.count)
            var area = AUROC()
            var begin = 0
            while begin < count {
                let end = min(count, begin + 1 + Int(seed % 7))
                try area.add(scores: Tensor(Array(scores[begin..<end])), labels: Tensor(Array(labels[begin..<end])))
                begin = end
            }
            #expect(area.count == count, "seed \(seed)")
            #expect(abs(try area.value() - expected) < 1e-12, "seed \(seed)")
        }
    }

    @Test("a score that is NaN, a label that is no class and a batch over the limit are refused whole")
    func refused() throws {
        var area = AUROC(maximumExamples: 4)
        try area.add(scores: Tensor([1, 2]), labels: Tensor([0, 1] as [Int32]))
        for (scores, labels, expected) in [
            ([3, .nan], [0, 1], .valueInvalid), ([3, 4], [0, 2], .valueInvalid), ([3, 4], [0, -1], .valueInvalid),
            ([3, 4], [0], .datasetInvalid), ([3, 4, 5], [0, 1, 1], .metricUndefined),
        ] as [([Float], [Int32], NeuralNetworkError.Code)] {
            let code = Self.code { try area.add(scores: Tensor(scores), labels: Tensor(labels)) }
            #expect(code == expected)
            #expect(area.count == 2)
        }
        #expect(try area.value() == 1)
    }

    @Test("without examples of both classes there is no area", arguments: [[], [1, 1], [0]] as [[Int32]])
    func undefined(labels: [Int32]) {
        #expect(Self.code { _ = try Self.area(labels.map { Float($0) }, labels) } == .metricUndefined)
    }
}
