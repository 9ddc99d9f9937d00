import CTensorKernels

extension Primitive {
    /// `y = sinh x`, with `∂y/∂x = cosh x`.
    package static let hyperbolicSine: Primitive = Primitive(
        id: 1120, name: "sinh",
        .unary(rule: floatRule("sinh"), kernel: elementwise(MW_UNARY_SINH)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try cotangent * step.operands[0].cosh()
            }
        ]))

    /// `y = cosh x`, with `∂y/∂x = sinh x`.
    package static let hyperbolicCosine: Primitive = Primitive(
        id: 1121, name: "cosh",
        .unary(rule: floatRule("cosh"), kernel: elementwise(MW_UNARY_COSH)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try cotangent * step.operands[0].sinh()
            }
        ]))

    /// `y = tanh x`, with `∂y/∂x = 1 - y²`.
    package static let hyperbolicTangent: Primitive = Primitive(
        id: 1122, name: "tanh",
        .unary(rule: floatRule("tanh"), kernel: elementwise(MW_UNARY_TANH)),
        derivative: .reverse([
            OperandDerivative(saving: .result) { cotangent, step throws(TensorError) in
                try cotangent * (1 - step.result.squared())
            }
        ]))

    /// `y = arsinh x`, with `∂y/∂x = 1 / √(x² + 1)`.
    package static let areaSine: Primitive = Primitive(
        id: 1123, name: "asinh",
        .unary(rule: floatRule("asinh"), kernel: elementwise(MW_UNARY_ASINH)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try cotangent * (step.operands[0].squared() + 1).reciprocalSquareRoot()
            }
        ]))

    /// `y = arcosh x`, with `∂y/∂x = 1 / √(x² - 1)`.
    package static let areaCosine: Primitive = Primitive(
        id: 1124, name: "acosh",
        .unary(rule: floatRule("acosh"), kernel: elementwise(MW_UNARY_ACOSH)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try cotangent * (step.operands[0].squared() - 1).reciprocalSquareRoot()
            }
        ]))

    /// `y = artanh x`, with `∂y/∂x = 1 / (1 - x²)`.
    package static let areaTangent: Primitive = Primitive(
        id: 1125, name: "atanh",
        .unary(rule: floatRule("atanh"), kernel: elementwise(MW_UNARY_ATANH)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try cotangent / (1 - step.operands[0].squared())
            }
        ]))
}

extension AnyTensor {
    /// The hyperbolic sine of each float.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func sinh() throws(TensorError) -> AnyTensor { try Primitive.hyperbolicSine.apply(&self) }

    /// The hyperbolic cosine of each float.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func cosh() throws(TensorError) -> AnyTensor { try Primitive.hyperbolicCosine.apply(&self) }

    /// The hyperbolic tangent of each float.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func tanh() throws(TensorError) -> AnyTensor { try Primitive.hyperbolicTangent.apply(&self) }

    /// The number whose hyperbolic sine is each float.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func asinh() throws(TensorError) -> AnyTensor { try Primitive.areaSine.apply(&self) }

    /// The number, not negative, whose hyperbolic cosine is each float; NaN below 1.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func acosh() throws(TensorError) -> AnyTensor { try Primitive.areaCosine.apply(&self) }

    /// The number whose hyperbolic tangent is each float: infinities of ±1, NaN beyond.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func atanh() throws(TensorError) -> AnyTensor { try Primitive.areaTangent.apply(&self) }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The hyperbolic sine of each element.
    public consuming func sinh() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.hyperbolicSine.apply(&self.core) }
    }

    /// The hyperbolic cosine of each element.
    public consuming func cosh() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.hyperbolicCosine.apply(&self.core) }
    }

    /// The hyperbolic tangent of each element.
    public consuming func tanh() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.hyperbolicTangent.apply(&self.core) }
    }

    /// The number whose hyperbolic sine is each element.
    public consuming func asinh() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.areaSine.apply(&self.core) }
    }

    /// The number, not negative, whose hyperbolic cosine is each element; NaN below 1.
    public consuming func acosh() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.areaCosine.apply(&self.core) }
    }

    /// The number whose hyperbolic tangent is each element: infinities of ±1, NaN beyond.
    public consuming func atanh() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.areaTangent.apply(&self.core) }
    }
}
