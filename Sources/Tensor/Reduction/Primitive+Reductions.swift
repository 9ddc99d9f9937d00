extension Primitive {
    /// Elements combined along axes. Their ids are below 100, and 3,000 to 3,999.
    static let allReductions: [Primitive] = [
        sum, maximum, argmax, integerSum, product, integerProduct, minimum, mean, variance, standardDeviation,
        logSumExp,
        euclideanNorm, generalNorm, any, allTrue, countNonzero, argmin, cumulativeSum, cumulativeProduct,
        cumulativeMaximum, cumulativeMinimum, cumulativeLogSumExp, cumulativeMaximumIndices, cumulativeMinimumIndices,
    ]
}
