import CTensorKernels

extension Primitive {
    /// `y = √Σᵢ xᵢ²` over axes. With a cotangent g: `ẋᵢ = g xᵢ / y`, and 0 where y is 0.
    package static let euclideanNorm: Primitive = Primitive(
        id: 3008, name: "norm",
        .unary(rule: reductionRule("norm", where: \.isFloatingPoint), kernel: reduction(MW_REDUCE_NORM)),
        derivative: .reverse([
            OperandDerivative(saving: [.first, .result]) { cotangent, step throws(TensorError) in
                let divisor = try AnyTensor.select(
                    step.result .== step.result.constant(0), step.result.constant(1), step.result)
                return try (cotangent / divisor).spread(overOperandOf: step) * step.operand
            }
        ]))

    /// `(Σᵢ |xᵢ|ᵖ)^(1/p)` over axes.
    package static let generalNorm: Primitive = Primitive(
        id: 3009, name: "norm(order:)",
        .unary(rule: reductionRule("norm", where: \.isFloatingPoint), kernel: reduction(MW_REDUCE_NORM)),
        derivative: .derivativePending)
}

extension AnyTensor {
    /// The norm of the elements over `axes`, or over all of them when nil, as one vector: `(Σᵢ |xᵢ|ᵖ)^(1/p)` for an order
    /// p, at first 2; for ∞ and −∞ the largest and the smallest magnitude, for 0 the number of elements that are not 0.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/dtypeMismatch`` unless the elements are floats, ``TensorError/Code/shapeMismatch`` for an
    ///   infinite order where a reduced axis has no elements.
    public consuming func norm(
        order: Double = 2, axes: [Int]? = nil, keepsDimensions: Bool = false
    ) throws(TensorError) -> AnyTensor {
        let reduced = try reducedAxes(axes, of: "norm")
        let shape = self.shape
        if order.isInfinite, (0..<rank).contains(where: { reduced.contains($0) && shape[$0] == 0 }) {
            throw TensorError(.shapeMismatch, "norm: \(shape) has no elements along the axes")
        }
        let primitive = order == 2 ? Primitive.euclideanNorm : Primitive.generalNorm
        return try primitive.apply(&self, .reductionBy(order, reduced, keepsDimensions: keepsDimensions))
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The norm of the elements over `axes`, or over all of them when nil, as one vector: `(Σᵢ |xᵢ|ᵖ)^(1/p)`.
    public consuming func norm(order: Double = 2, axes: [Int]? = nil, keepsDimensions: Bool = false) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().norm(order: order, axes: axes, keepsDimensions: keepsDimensions)
        }
    }
}
