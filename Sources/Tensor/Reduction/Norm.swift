import CTensorKernels

extension Primitive {
    /// `y = √Σᵢ xᵢ²` over axes. With a cotangent g: `ẋᵢ = g xᵢ / y`, and 0 where y is 0.
    package static let euclideanNorm: Primitive = Primitive(
        id: 3008, name: "norm",
        .unary(rule: reductionRule("norm", where: \.isFloatingPoint), kernel: reduction(MW_REDUCE_NORM)),
        derivative: .reverse([
            OperandDerivative(saving: [.first, .result]) { cotangent, step throws(TensorError) in
                let divisor = try AnyTensor.select(
                    step.result .== 0, .scalar(1, dtype: step.result.dtype), step.result)
                return try (cotangent / divisor).spread(overOperandOf: step) * step.operand
            }
        ]))

    /// `y = (Σᵢ |xᵢ|ᵖ)^(1/p)` over axes. With a cotangent g: `ẋᵢ = g sign(xᵢ) (|xᵢ| / y)ᵖ⁻¹`, and 0 where y is 0. For an
    /// infinite p, elements of equal magnitude share the cotangent; for p = 0 it is 0.
    package static let generalNorm: Primitive = Primitive(
        id: 3009, name: "norm(order:)",
        .unary(rule: reductionRule("norm", where: \.isFloatingPoint), kernel: reduction(MW_REDUCE_NORM)),
        derivative: .reverse([
            OperandDerivative(saving: [.first, .result]) { cotangent, step throws(TensorError) in
                guard case .reductionBy(let order, let axes, _) = step.attributes else {
                    preconditionFailure("no order")
                }
                let operand = step.operands[0]
                if order == 0 { return try .zeros(operand.shape, dtype: operand.dtype) }
                let signed = try cotangent.spread(overOperandOf: step) * operand.sign()
                if order == 1 { return signed }
                let (magnitudes, norms) = (try operand.abs(), try step.result.spread(overOperandOf: step))
                if order.isInfinite {
                    let isExtreme = try (magnitudes .== norms).cast(to: operand.dtype)
                    let count = try Primitive.sum.applied(to: isExtreme, .reduction(axes, keepsDimensions: true))
                    return try signed * isExtreme / count
                }
                let isZero = try norms .== 0
                let ratios = try magnitudes / AnyTensor.select(isZero, .scalar(1, dtype: norms.dtype), norms)
                return try AnyTensor.select(
                    isZero, .scalar(0, dtype: norms.dtype),
                    signed * ratios.raised(to: .scalar(order - 1, dtype: ratios.dtype)))
            }
        ]))
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
