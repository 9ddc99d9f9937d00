import CTensorKernels

extension Primitive {
    /// The largest element over axes; NaN if there is one.
    ///
    /// Where several elements are the largest, each receives an equal part of the cotangent, as in JAX and in
    /// PyTorch's `amax`.
    package static let maximum: Primitive = Primitive(
        id: 20, name: "max",
        .unary(
            rule: reductionRule("max", .float32, .int32, needsElements: true), kernel: reduction(MW_REDUCE_MAXIMUM)),
        derivative: .reverse([
            OperandDerivative(saving: [.first, .result]) { cotangent, step throws(TensorError) in
                guard case .reduction(let axes, _) = step.attributes else { preconditionFailure("no axes to reduce") }
                let isLargest = try step.operands[0] .== step.result.spread(overOperandOf: step)
                var weights = try isLargest.cast(to: .float32)
                weights = try weights / Primitive.sum.applied(to: weights, .reduction(axes, keepsDimensions: true))
                return try cotangent.spread(overOperandOf: step) * weights
            }
        ]))
}

extension AnyTensor {
    /// The largest element over `axes`, or over all of them when nil; NaN if there is one. Reduced axes vanish, or stay
    /// with length 1.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/shapeMismatch`` where a reduced axis has no elements, ``TensorError/Code/dtypeMismatch`` for
    ///   bools.
    public consuming func max(axes: [Int]? = nil, keepsDimensions: Bool = false) throws(TensorError) -> AnyTensor {
        let attributes = try reduction(over: axes, keepsDimensions: keepsDimensions, of: "max")
        return try Primitive.maximum.apply(&self, attributes)
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// The largest element over `axes`, or over all of them when nil; NaN if there is one.
    public consuming func max(axes: [Int]? = nil, keepsDimensions: Bool = false) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().max(axes: axes, keepsDimensions: keepsDimensions) }
    }
}
