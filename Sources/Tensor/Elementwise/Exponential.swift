import CTensorKernels

extension Primitive {
    /// `y = eˣ`, with `∂y/∂x = y`.
    package static let exponential: Primitive = Primitive(
        id: 6, name: "exp",
        .unary(rule: floatRule("exp"), kernel: elementwise(MW_UNARY_EXP)),
        derivative: .reverse([
            OperandDerivative(saving: .result) { cotangent, step throws(TensorError) in
                try cotangent * step.result
            }
        ]))

    /// `y = ln x`, with `∂y/∂x = 1 / x`.
    package static let logarithm: Primitive = Primitive(
        id: 7, name: "log",
        .unary(rule: floatRule("log"), kernel: elementwise(MW_UNARY_LOG)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try cotangent / step.operands[0]
            }
        ]))
}

extension AnyTensor {
    /// e to the power of each float.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch``.
    public consuming func exp() throws(TensorError) -> AnyTensor {
        try Primitive.exponential.apply(&self)
    }

    /// The natural logarithm of each float: -∞ of 0, NaN of what is negative.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch``.
    public consuming func log() throws(TensorError) -> AnyTensor {
        try Primitive.logarithm.apply(&self)
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// e to the power of each element.
    public consuming func exp() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.exponential.apply(&self.core) }
    }

    /// The natural logarithm of each element: -∞ of 0, NaN of what is negative.
    public consuming func log() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.logarithm.apply(&self.core) }
    }
}
