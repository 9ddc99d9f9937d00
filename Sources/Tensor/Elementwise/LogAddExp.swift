import CTensorKernels

extension Primitive {
    /// `y = ln(eᵃ + eᵇ)`, with `∂y/∂a = eᵃ⁻ʸ`.
    package static let logAddExp: Primitive = Primitive(
        id: 1010, name: "logAddExp", pairwise: MW_BINARY_LOG_ADD_EXP, of: .floats,
        derivative: .reverse([
            OperandDerivative(saving: [.first, .second, .result]) { cotangent, step throws(TensorError) in
                let (own, sum) = (step.operands[step.index], step.result)
                // Equal infinities have no difference; -∞ beside another number weighs 0 without this.
                let difference = try AnyTensor.select(own .== sum, .scalar(0, dtype: own.dtype), own - sum)
                return try (cotangent * difference.exp()).summed(toOperandOf: step)
            }
        ]))
}

extension AnyTensor {
    /// `ln(eˣ + eʸ)` of each pair of floats, without overflow on the way: the sum of two probabilities that are known by
    /// their logarithms. Shapes broadcast.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch``.
    public static func logAddExp(_ x: consuming AnyTensor, _ y: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.logAddExp.apply(&x, &y)
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// `ln(eˣ + eʸ)` of each pair, without overflow on the way. Shapes broadcast.
    public static func logAddExp(_ x: consuming Tensor, _ y: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.logAddExp.apply(&x.core, &y.core) }
    }
}
