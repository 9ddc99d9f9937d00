extension Primitive {
    /// What is computed along the last axis. Their ids are below 100, and 4,000 to 4,999.
    static let allRows: [Primitive] = [
        softmax, logSoftmax, crossEntropy, crossEntropyGradient, layerNorm, rootMeanSquareNorm, groupNorm,
    ]
}
