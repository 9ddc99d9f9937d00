import CTensorKernels

extension Primitive {
    /// The largest element over axes; NaN if there is one.
    ///
    /// Where several elements are the largest, each receives an equal part of the cotangent, as in JAX and in
    /// PyTorch's `amax`.
    package static let maximum: Primitive = Primitive(
        id: 20, name: "max",
        .unary(
            rule: reductionRule("max", needsElements: true) { _ in true }, kernel: reduction(MW_REDUCE_MAXIMUM)),
        derivative: extremeDerivative)

    /// Of the largest or the smallest element: a share for each element that equals it.
    static let extremeDerivative: Derivative = .reverse([
        OperandDerivative(saving: [.first, .result]) { cotangent, step throws(TensorError) in
            let isExtreme = try step.operands[0] .== step.result.spread(overOperandOf: step)
            var weights = try isExtreme.cast(to: cotangent.dtype)
            weights =
                try weights
                / Primitive.sum.applied(to: weights, .reduction(step.attributes.reduced.axes, keepsDimensions: true))
            return try cotangent.spread(overOperandOf: step) * weights
        }
    ])
}

extension AnyTensor {
    /// The largest element over `axes`, or over all of them when nil; NaN if there is one. Of bools: whether one is true.
    /// Reduced axes vanish, or stay with length 1.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/shapeMismatch`` where a reduced axis has no elements.
    public consuming func max(axes: [Int]? = nil, keepsDimensions: Bool = false) throws(TensorError) -> AnyTensor {
        let attributes = try reduction(over: axes, keepsDimensions: keepsDimensions, of: "max")
        return try Primitive.maximum.apply(&self, attributes)
    }
}

extension Tensor {
    /// The largest element over `axes`, or over all of them when nil; NaN if there is one. Of bools: whether one is true.
    public consuming func max(axes: [Int]? = nil, keepsDimensions: Bool = false) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().max(axes: axes, keepsDimensions: keepsDimensions) }
    }
}
