extension Primitive {
    /// Elements by their place. Their ids are below 100, and 6,000 to 6,999.
    static let allIndexing: [Primitive] = [
        gatherRows, scatterAddRows, concatenate,
        gather, scatter, scatterAdd, scatterMultiply, scatterMaximum, scatterMinimum,
    ]
}
