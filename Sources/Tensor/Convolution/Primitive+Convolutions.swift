extension Primitive {
    /// Windows over places, and attention. Their ids are 7,000 to 7,999.
    static let allConvolutions: [Primitive] = [
        convolution, transposedConvolution, convolutionWeights, maxPool, maxPoolIndices, averagePool, attention,
    ]
}
