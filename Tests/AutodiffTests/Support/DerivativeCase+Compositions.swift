import Tensor

/// Operations that are made of primitives, each under the name of one of them.
extension DerivativeCase {
    static let compositions: [DerivativeCase] = wideAttentions + losses + places + matrixNorms

    /// What the primitive computes for float64, between casts.
    private static let wideAttentions: [DerivativeCase] = [
        DerivativeCase(
            .attention, "float64, causal, heads that share keys, a mask",
            [[1, 2, 3, 2], [1, 1, 3, 2], [1, 1, 3, 2], [3, 3]], in: -1...1
        ) {
            let wide = try $0.map { try $0.cast(to: .float64) }
            return try wide[0].attention(keys: wide[1], values: wide[2], mask: wide[3], isCausal: true)
                .cast(to: .float32)
        }
    ]

    private static let losses: [DerivativeCase] = [
        DerivativeCase(.exponential, "Poisson's likelihood", [[4]]) {
            try $0[0].poissonLikelihoodLoss(AnyTensor([0, 1, 3, 2] as [Float], shape: [4]), addsFactorial: true)
        },
        DerivativeCase(.logarithm, "a normal likelihood", [[3, 2], [3, 1]], in: 0.7...2) {
            try $0[0].gaussianLikelihoodLoss(.zeros([3, 2]), variance: $0[1])
        },
        DerivativeCase(.softplus, "binary cross-entropy of logits", [[4], [4]], in: 0.2...1.5) {
            try $0[0].binaryCrossEntropy(logitsFor: $0[1])
        },
        DerivativeCase(.squareRoot, "triplets of vectors", [[2, 3], [2, 3], [2, 3]]) {
            try $0[0].tripletMarginLoss(positive: $0[1], negative: $0[2], margin: 20)
        },
        DerivativeCase(.logAddExp, "labels aligned in time", [[2, 4, 3]]) {
            try $0[0].connectionistLoss(
                labels: AnyTensor([1, 1, 2, 0] as [Int32], shape: [2, 2]), inputLengths: [4, 3], labelLengths: [2, 1])
        },
    ]

    private static let matrixNorms: [DerivativeCase] =
        MatrixNorm.allCases.map { norm in
            DerivativeCase(.matrixNorm, "\(norm) of high and of wide matrices", [[2, 4, 3]], in: 0.1...0.3) {
                let matrices = try farFromSquare($0[0])
                return try matrices.matrixNorm(norm) * matrices.transposed().matrixNorm(norm)
            }
        }
        + [MatrixNorm.spectral, .minusTwo].map { norm in
            DerivativeCase(.matrixNorm, "ratios of singular values, \(norm)", [[2, 4, 3]], in: -0.3...0.3) {
                try farFromSquare($0[0]).conditionNumber(norm)
            }
        }

    private static let places: [DerivativeCase] = [
        DerivativeCase(.gather, "lines between places", [[1, 2, 2, 3]]) {
            try $0[0].resized(to: [3, 2], by: .linear)
        },
        DerivativeCase(.power, "norms of windows", [[1, 1, 5]], in: 0.5...2) { try $0[0].normPool(order: 3, [2]) },
        DerivativeCase(.concatenate, "vectors turned by their place", [[3, 4]]) { try $0[0].rotaryEmbedding() },
        DerivativeCase(.accumulateView, "windows that overlap", [[3, 2]]) {
            try $0[0].foldingWindows(axis: 0, length: 4)
        },
        DerivativeCase(.accumulateView, "windows of images", [[1, 12, 4]]) {
            try $0[0].foldingImages(
                to: [5, 4], kernel: [3, 2], strides: [2, 2], padding: [0, 1], dilations: [1, 2])
        },
        DerivativeCase(.scatterMultiply, "places named up to five times", [[3, 2], [7, 2]], in: 0.5...1.5) {
            let places = try AnyTensor([2, 0, 2, -1, 0, 2, 2] as [Int64], shape: [7, 1]).broadcast(to: [7, 2])
            return try $0[0].scattering($0[1], along: 0, places, mode: .multiply)
        },
        DerivativeCase(.scatterMultiply, "places named once, and none", [[2, 4], [2, 3]]) {
            let once = try $0[0].scattering(
                $0[1], along: 1, AnyTensor([0, 3, 1, 2, 1, 3] as [Int32], shape: [2, 3]), mode: .multiply)
            let none = try AnyTensor.zeros([2, 0], dtype: .int32)
            return try once.scattering($0[1].sliced(axis: 1, 0..<0), along: 1, none, mode: .multiply)
        },
        DerivativeCase(.scatterMaximum, "bags of rows, of which the largest stays", [[4, 2]]) {
            let spread = try AnyTensor([0, 9, 3, 6, 6, 3, 9, 0] as [Float], shape: [4, 2])
            return try ($0[0] + spread).embeddingBag(
                AnyTensor([1, 3, 1, 0] as [Int32], shape: [4]), starts: [0, 2, 2], reduction: .maximum)
        },
        DerivativeCase(.scatterAdd, "weights of bins", [[2, 3]]) {
            try AnyTensor([1, 3, 1, 0, 3, 3] as [UInt8], shape: [2, 3]).binCounts(weights: $0[0]).cast(to: .float32)
        },
        DerivativeCase(.scatterAdd, "bags of rows", [[4, 2]]) {
            try $0[0].embeddingBag(AnyTensor([1, 3, 1] as [Int32], shape: [3]), starts: [0, 2], reduction: .mean)
        },
    ]
}
