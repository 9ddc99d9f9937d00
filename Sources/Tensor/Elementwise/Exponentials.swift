import CTensorKernels

extension Primitive {
    /// `y = 2ˣ`, with `∂y/∂x = y ln 2`.
    package static let exponential2: Primitive = Primitive(
        id: 1109, name: "exp2",
        .unary(rule: floatRule("exp2"), kernel: elementwise(MW_UNARY_EXP2)),
        derivative: .reverse([
            OperandDerivative(saving: .result) { cotangent, step throws(TensorError) in
                try cotangent * step.result * 0.693147180559945309
            }
        ]))

    /// `y = eˣ - 1`, with `∂y/∂x = y + 1`.
    package static let exponentialMinusOne: Primitive = Primitive(
        id: 1110, name: "expm1",
        .unary(rule: floatRule("expm1"), kernel: elementwise(MW_UNARY_EXPM1)),
        derivative: .reverse([
            OperandDerivative(saving: .result) { cotangent, step throws(TensorError) in
                try cotangent * (step.result + 1)
            }
        ]))

    /// `y = log₂ x`, with `∂y/∂x = 1 / (x ln 2)`.
    package static let logarithm2: Primitive = Primitive(
        id: 1111, name: "log2",
        .unary(rule: floatRule("log2"), kernel: elementwise(MW_UNARY_LOG2)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try cotangent / (step.operands[0] * 0.693147180559945309)
            }
        ]))

    /// `y = log₁₀ x`, with `∂y/∂x = 1 / (x ln 10)`.
    package static let logarithm10: Primitive = Primitive(
        id: 1112, name: "log10",
        .unary(rule: floatRule("log10"), kernel: elementwise(MW_UNARY_LOG10)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try cotangent / (step.operands[0] * 2.302585092994045684)
            }
        ]))

    /// `y = ln(1 + x)`, with `∂y/∂x = 1 / (1 + x)`.
    package static let logarithmOnePlus: Primitive = Primitive(
        id: 1113, name: "log1p",
        .unary(rule: floatRule("log1p"), kernel: elementwise(MW_UNARY_LOG1P)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try cotangent / (step.operands[0] + 1)
            }
        ]))
}

extension AnyTensor {
    /// 2 to the power of each float.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func exp2() throws(TensorError) -> AnyTensor { try Primitive.exponential2.apply(&self) }

    /// `eˣ - 1` of each float, accurate near 0.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func expm1() throws(TensorError) -> AnyTensor { try Primitive.exponentialMinusOne.apply(&self) }

    /// The logarithm of each float to base 2: -∞ of 0, NaN of what is negative.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func log2() throws(TensorError) -> AnyTensor { try Primitive.logarithm2.apply(&self) }

    /// The logarithm of each float to base 10: -∞ of 0, NaN of what is negative.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func log10() throws(TensorError) -> AnyTensor { try Primitive.logarithm10.apply(&self) }

    /// `ln(1 + x)` of each float, accurate near 0: -∞ of −1, NaN below.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func log1p() throws(TensorError) -> AnyTensor { try Primitive.logarithmOnePlus.apply(&self) }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// 2 to the power of each element.
    public consuming func exp2() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.exponential2.apply(&self.core) }
    }

    /// `eˣ - 1` of each element, accurate near 0.
    public consuming func expm1() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.exponentialMinusOne.apply(&self.core) }
    }

    /// The logarithm of each element to base 2: -∞ of 0, NaN of what is negative.
    public consuming func log2() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.logarithm2.apply(&self.core) }
    }

    /// The logarithm of each element to base 10: -∞ of 0, NaN of what is negative.
    public consuming func log10() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.logarithm10.apply(&self.core) }
    }

    /// `ln(1 + x)` of each element, accurate near 0: -∞ of −1, NaN below.
    public consuming func log1p() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.logarithmOnePlus.apply(&self.core) }
    }
}
