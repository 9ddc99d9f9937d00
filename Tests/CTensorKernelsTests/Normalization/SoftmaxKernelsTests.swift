import CTensorKernels
import Foundation
import Testing

@Suite struct SoftmaxKernelsTests {
    static let seed: UInt64 = 61

    /// Rows of scores between which two elements lie unused.
    static func scores(rows: Int, columns: Int) -> [Float] {
        var values = SeededValues(seed: seed)
        return values.floats(rows * (columns + 2)).map { $0 * 20 }
    }

    static func reference(_ scores: [Float], rows: Int, columns: Int) -> [[Double]] {
        (0..<rows).map { row in
            let values = scores[row * (columns + 2)..<row * (columns + 2) + columns].map { Double($0) }
            let sum = values.reduce(0) { $0 + exp($1 - values.max()!) }
            return values.map { $0 - values.max()! - log(sum) }
        }
    }

    @Test(
        "softmax and its logarithm agree with Double, and between paths", arguments: KernelPath.all,
        [1, 10, 16, 79, 300, 2100])
    func softmax(path: KernelPath, columns: Int) {
        let scores = Self.scores(rows: 4, columns: columns)
        let reference = Self.reference(scores, rows: 4, columns: columns).flatMap { $0 }
        var results = [[Float]]()
        for path in [path, .scalar] {
            var softmax = [Float](repeating: .nan, count: 4 * columns)
            var logarithm = softmax
            // Four rows, columns + 2 apart.
            _ = unsafe path.kernels.rows.softmax(MW_DTYPE_F32, 4, columns, &softmax, scores, columns + 2)
            // As above.
            _ = unsafe path.kernels.rows.log_softmax(MW_DTYPE_F32, 4, columns, &logarithm, scores, columns + 2)
            results.append(softmax + logarithm)
        }
        #expect(results[0] == results[1], "seed \(Self.seed)")
        for (i, expected) in reference.enumerated() {
            let bound = exp(expected) * 0x1p-24 * (60 - expected) + 0x1p-126
            #expect(abs(Double(results[0][i]) - exp(expected)) <= bound, "seed \(Self.seed)")
            #expect(abs(Double(results[0][reference.count + i]) - expected) < 1e-5, "seed \(Self.seed)")
        }
    }

    @Test(
        "what is no number, or infinite, makes a row NaN, and -inf is a probability of 0", arguments: KernelPath.all)
    func specialValues(path: KernelPath) {
        let infinity = Float.infinity
        let rows: [(scores: [Float], expected: [Float]?)] = [
            ([.nan, 0, 1], nil), ([0, infinity, 1], nil), ([-infinity, -infinity, -infinity], nil),
            ([-infinity, 3, -infinity], [0, 1, 0]), ([0, -200, 0], [0.5, 0, 0.5]),
        ]
        for (scores, expected) in rows {
            var out = [Float](repeating: 7, count: 3)
            // One row of three.
            _ = unsafe path.kernels.rows.softmax(MW_DTYPE_F32, 1, 3, &out, scores, 3)
            if let expected { #expect(out == expected) } else { #expect(out.allSatisfy { $0.isNaN }) }
        }
    }

    @Test("scores that overflow exp do not overflow softmax", arguments: KernelPath.all)
    func largeScores(path: KernelPath) {
        var out = [Float](repeating: .nan, count: 3)
        // One row of three.
        _ = unsafe path.kernels.rows.softmax(MW_DTYPE_F32, 1, 3, &out, [1000, 1000, -1000] as [Float], 3)
        #expect(out == [0.5, 0.5, 0])
    }

    @Test("softmax may take the place of its scores", arguments: KernelPath.all)
    func inPlace(path: KernelPath) {
        var values = SeededValues(seed: Self.seed)
        let scores = values.floats(3 * 21)
        var expected = [Float](repeating: .nan, count: scores.count)
        // Three contiguous rows of 21.
        _ = unsafe path.kernels.rows.softmax(MW_DTYPE_F32, 3, 21, &expected, scores, 21)
        var inPlace = scores
        unsafe inPlace.withUnsafeMutableBufferPointer { buffer in
            // In-place use, which the kernel allows for contiguous rows.
            _ = unsafe path.kernels.rows.softmax(MW_DTYPE_F32, 3, 21, buffer.baseAddress!, buffer.baseAddress!, 21)
        }
        #expect(inPlace == expected)
    }

    @Test("cross-entropy is the label's negative log-softmax", arguments: KernelPath.all)
    func crossEntropy(path: KernelPath) {
        let columns = 10
        let scores = Self.scores(rows: 5, columns: columns)
        let labels: [Int32] = [0, 9, 4, 4, 7]
        var losses = [Float](repeating: .nan, count: 5)
        // Five rows, columns + 2 apart; the labels lie in 0..<10.
        unsafe path.kernels.rows.cross_entropy_f32(5, columns, &losses, scores, columns + 2, labels)
        for (row, reference) in Self.reference(scores, rows: 5, columns: columns).enumerated() {
            #expect(abs(Double(losses[row]) + reference[Int(labels[row])]) < 1e-5, "seed \(Self.seed)")
        }
    }

    @Test("a sure and right answer has the loss 0, also far from 0", arguments: KernelPath.all)
    func confidentLoss(path: KernelPath) {
        var losses = [Float](repeating: .nan, count: 1)
        // One row of three, the label inside.
        unsafe path.kernels.rows.cross_entropy_f32(1, 3, &losses, [1e6, 0, 1], 3, [0])
        #expect(losses == [0])
    }

    @Test("cross-entropy's gradient is softmax minus one-hot, times the upstream gradient", arguments: KernelPath.all)
    func crossEntropyGradient(path: KernelPath) {
        let columns = 10
        let scores = Self.scores(rows: 5, columns: columns)
        let labels: [Int32] = [0, 9, 4, 4, 7]
        let upstream: [Float] = [1, 0.5, -2, 0, 3]
        var each = [Float](repeating: .nan, count: 5 * columns)
        // Five rows, columns + 2 apart, and as many upstream values.
        unsafe path.kernels.rows.cross_entropy_gradient_f32(5, columns, &each, scores, columns + 2, labels, upstream, 1)
        var one = each
        // The first upstream value for every row.
        unsafe path.kernels.rows.cross_entropy_gradient_f32(5, columns, &one, scores, columns + 2, labels, upstream, 0)
        for (row, reference) in Self.reference(scores, rows: 5, columns: columns).enumerated() {
            for (column, logarithm) in reference.enumerated() {
                let difference = exp(logarithm) - (column == Int(labels[row]) ? 1 : 0)
                #expect(abs(Double(each[row * columns + column]) - Double(upstream[row]) * difference) < 1e-5)
                #expect(abs(Double(one[row * columns + column]) - difference) < 1e-5)
            }
        }
        var scalar = each
        // As above, on the scalar path.
        unsafe KernelPath.scalar.kernels.rows.cross_entropy_gradient_f32(
            5, columns, &scalar, scores, columns + 2, labels, upstream, 1)
        #expect(each == scalar, "seed \(Self.seed)")
    }
}
