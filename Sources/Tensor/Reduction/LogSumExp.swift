import CTensorKernels

extension Primitive {
    /// `y = log Σᵢ exp(xᵢ)` over axes. With a cotangent g: `ẋᵢ = g exp(xᵢ − y)`, and 0 where all of them are −∞.
    package static let logSumExp: Primitive = Primitive(
        id: 3007, name: "logSumExp",
        .unary(rule: reductionRule("logSumExp", where: \.isFloatingPoint), kernel: reduction(MW_REDUCE_LOG_SUM_EXP)),
        derivative: .reverse([
            OperandDerivative(saving: [.first, .result]) { cotangent, step throws(TensorError) in
                // −∞ less itself would be NaN.
                let result = try AnyTensor.select(
                    step.result .== -.infinity, .scalar(0, dtype: step.result.dtype), step.result)
                let shares = try (step.operand - result.spread(overOperandOf: step)).exp()
                return try cotangent.spread(overOperandOf: step) * shares
            }
        ]))
}

extension AnyTensor {
    /// The logarithm of the sum of the exponentials over `axes`, or over all of them when nil, shifted by the largest
    /// element so that nothing overflows. −∞ of no elements, and of elements that all are −∞.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func logSumExp(
        axes: [Int]? = nil, keepsDimensions: Bool = false
    ) throws(TensorError) -> AnyTensor {
        let attributes = try reduction(over: axes, keepsDimensions: keepsDimensions, of: "logSumExp")
        return try Primitive.logSumExp.apply(&self, attributes)
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The logarithm of the sum of the exponentials over `axes`, or over all of them when nil, without overflow.
    public consuming func logSumExp(axes: [Int]? = nil, keepsDimensions: Bool = false) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().logSumExp(axes: axes, keepsDimensions: keepsDimensions)
        }
    }
}
