import CTensorKernels

extension Primitive {
    /// `y = aᵇ`, broadcasting, with `∂y/∂a = b aᵇ⁻¹` (0 where `b` is 0) and `∂y/∂b = y ln a` (0 where `a` is 0 and `b` is
    /// not negative).
    package static let power: Primitive = Primitive(
        id: 1004, name: "power",
        .binary(
            rule: arithmeticRule("power", .numbers),
            kernel: elementwise(
                MW_BINARY_POWER, refusing: MW_INTEGER_IS_NEGATIVE, "power: an integer has a negative exponent")),
        derivative: .reverse([
            OperandDerivative(saving: [.first, .second]) { cotangent, step throws(TensorError) in
                let exponent = step.operands[1]
                let slope = try exponent * step.operands[0].raised(to: exponent - 1)
                let isConstant = try exponent .== 0
                return try AnyTensor.select(isConstant, .scalar(0, dtype: slope.dtype), cotangent * slope)
                    .summed(toOperandOf: step)
            },
            OperandDerivative(saving: [.first, .second, .result]) { cotangent, step throws(TensorError) in
                let base = step.operands[0]
                let isFlat = try (base .== 0) & (step.operands[1] .>= 0)
                // Of a base 0 the logarithm is infinite, and 0 times that is no number: that of 1 is taken instead.
                let logarithm = try AnyTensor.select(isFlat, .scalar(1, dtype: base.dtype), base).log()
                return try (cotangent * step.result * logarithm).summed(toOperandOf: step)
            },
        ]))
}

extension AnyTensor {
    /// Each number to the power of another. Shapes broadcast. 1 to any power and any number to the power of 0 are 1, with
    /// NaN too; integers wrap around.
    ///
    /// - Throws: ``TensorError/Code/valueOutOfRange`` for an integer with a negative exponent,
    ///   ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch``.
    public consuming func raised(to exponent: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.power.apply(&self, &exponent)
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// Each element to the power of another. Shapes broadcast; integers wrap around, and trap with a negative exponent.
    public consuming func raised(to exponent: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.power.apply(&self.core, &exponent.core) }
    }
}
