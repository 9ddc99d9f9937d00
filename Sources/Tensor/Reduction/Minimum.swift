import CTensorKernels

extension Primitive {
    /// The smallest element over axes; NaN if there is one.
    ///
    /// Where several elements are the smallest, each receives an equal part of the cotangent, as in JAX and in
    /// PyTorch's `amin`.
    package static let minimum: Primitive = Primitive(
        id: 3003, name: "min",
        .unary(
            rule: reductionRule("min", needsElements: true) { _ in true }, kernel: reduction(MW_REDUCE_MINIMUM)),
        derivative: extremeDerivative)
}

extension AnyTensor {
    /// The smallest element over `axes`, or over all of them when nil; NaN if there is one. Of bools: whether all are true.
    /// Reduced axes vanish, or stay with length 1.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/shapeMismatch`` where a reduced axis has no elements.
    public consuming func min(axes: [Int]? = nil, keepsDimensions: Bool = false) throws(TensorError) -> AnyTensor {
        let attributes = try reduction(over: axes, keepsDimensions: keepsDimensions, of: "min")
        return try Primitive.minimum.apply(&self, attributes)
    }
}

extension Tensor {
    /// The smallest element over `axes`, or over all of them when nil; NaN if there is one. Of bools: whether all are true.
    public consuming func min(axes: [Int]? = nil, keepsDimensions: Bool = false) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().min(axes: axes, keepsDimensions: keepsDimensions) }
    }
}
