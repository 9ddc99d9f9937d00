import CTensorKernels

extension Primitive {
    /// The arithmetic mean over axes. Each of n elements receives 1/n of the cotangent.
    package static let mean: Primitive = Primitive(
        id: 3004, name: "mean",
        .unary(rule: reductionRule("mean", where: \.isFloatingPoint), kernel: reduction(MW_REDUCE_MEAN)),
        derivative: .reverse([
            OperandDerivative { cotangent, step throws(TensorError) in
                let count = try AnyTensor.scalar(Double(step.reducedCount), dtype: cotangent.dtype)
                return try (cotangent / count).spread(overOperandOf: step)
            }
        ]))
}

extension AnyTensor {
    /// The arithmetic mean over `axes`, or over all of them when nil: the sum divided by the number of elements; NaN of
    /// none. 16-bit floats are added and divided as float32, so that the sum may be larger than they reach.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func mean(axes: [Int]? = nil, keepsDimensions: Bool = false) throws(TensorError) -> AnyTensor {
        let attributes = try reduction(over: axes, keepsDimensions: keepsDimensions, of: "mean")
        return try Primitive.mean.apply(&self, attributes)
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The arithmetic mean over `axes`, or over all of them when nil; NaN of no elements.
    public consuming func mean(axes: [Int]? = nil, keepsDimensions: Bool = false) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().mean(axes: axes, keepsDimensions: keepsDimensions) }
    }
}
