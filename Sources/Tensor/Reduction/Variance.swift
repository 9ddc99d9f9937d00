import CTensorKernels

extension Primitive {
    /// `v = Σᵢ (xᵢ − x̄)² / (n − c)` over axes, in two passes: the mean first. With a cotangent g: `ẋᵢ = 2g (xᵢ − x̄) / (n − c)`.
    package static let variance: Primitive = Primitive(
        id: 3005, name: "variance",
        .unary(rule: reductionRule("variance", where: \.isFloatingPoint), kernel: reduction(MW_REDUCE_VARIANCE)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                let factor = try AnyTensor.scalar(2 / step.degreesOfFreedom, dtype: cotangent.dtype)
                return try (cotangent * factor).spread(overOperandOf: step) * step.deviations()
            }
        ]))

    /// `s = √v` for the variance v. With a cotangent g: `ẋᵢ = g (xᵢ − x̄) / (s (n − c))`, which is NaN where s is 0.
    package static let standardDeviation: Primitive = Primitive(
        id: 3006, name: "standardDeviation",
        .unary(
            rule: reductionRule("standardDeviation", where: \.isFloatingPoint),
            kernel: reduction(MW_REDUCE_DEVIATION)),
        derivative: .reverse([
            OperandDerivative(saving: [.first, .result]) { cotangent, step throws(TensorError) in
                let divisor = try step.result * step.degreesOfFreedom
                return try (cotangent / divisor).spread(overOperandOf: step) * step.deviations()
            }
        ]))
}

extension ReverseStep {
    fileprivate var degreesOfFreedom: Double {
        guard case .reductionBy(let correction, _, _) = attributes else { preconditionFailure("no correction") }
        return Swift.max(Double(reducedCount) - correction, 0)
    }
}

extension AnyTensor {
    /// The variance over `axes`, or over all of them when nil: `Σᵢ (xᵢ − x̄)² / (n − correction)`. A correction of 0 (the
    /// default, as in NumPy) gives the variance of a whole population, 1 the unbiased estimate from a sample. NaN where
    /// `n − correction` is 0 or less.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func variance(
        axes: [Int]? = nil, correction: Double = 0, keepsDimensions: Bool = false
    ) throws(TensorError) -> AnyTensor {
        let axes = try reducedAxes(axes, of: "variance")
        return try Primitive.variance.apply(&self, .reductionBy(correction, axes, keepsDimensions: keepsDimensions))
    }

    /// The standard deviation over `axes`: the square root of ``variance(axes:correction:keepsDimensions:)``.
    ///
    /// - Throws: as ``variance(axes:correction:keepsDimensions:)``.
    public consuming func standardDeviation(
        axes: [Int]? = nil, correction: Double = 0, keepsDimensions: Bool = false
    ) throws(TensorError) -> AnyTensor {
        let axes = try reducedAxes(axes, of: "standardDeviation")
        return try Primitive.standardDeviation.apply(
            &self, .reductionBy(correction, axes, keepsDimensions: keepsDimensions))
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The variance over `axes`, or over all of them when nil: `Σᵢ (xᵢ − x̄)² / (n − correction)`.
    public consuming func variance(
        axes: [Int]? = nil, correction: Double = 0, keepsDimensions: Bool = false
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().variance(axes: axes, correction: correction, keepsDimensions: keepsDimensions)
        }
    }

    /// The square root of ``variance(axes:correction:keepsDimensions:)``.
    public consuming func standardDeviation(
        axes: [Int]? = nil, correction: Double = 0, keepsDimensions: Bool = false
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().standardDeviation(
                axes: axes, correction: correction, keepsDimensions: keepsDimensions)
        }
    }
}
