import CTensorKernels

extension Primitive {
    /// `y = erf x`, with `∂y/∂x = 2/√π · e^(-x²)`.
    package static let errorFunction: Primitive = Primitive(
        id: 1126, name: "erf",
        .unary(rule: floatRule("erf"), kernel: elementwise(MW_UNARY_ERF)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try cotangent * step.operands[0].squared().negated().exp() * 1.128379167095512574
            }
        ]))

    /// `y = 1 - erf x`, with `∂y/∂x = -2/√π · e^(-x²)`.
    package static let complementaryErrorFunction: Primitive = Primitive(
        id: 1127, name: "erfc",
        .unary(rule: floatRule("erfc"), kernel: elementwise(MW_UNARY_ERFC)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try cotangent * step.operands[0].squared().negated().exp() * -1.128379167095512574
            }
        ]))

    /// `y` with `erf y = x`, and `∂y/∂x = √π/2 · e^(y²)`.
    package static let inverseErrorFunction: Primitive = Primitive(
        id: 1128, name: "erfInverse",
        .unary(rule: floatRule("erfInverse"), kernel: elementwise(MW_UNARY_ERF_INVERSE)),
        derivative: .reverse([
            OperandDerivative(saving: .result) { cotangent, step throws(TensorError) in
                try cotangent * step.result.squared().exp() * 0.886226925452758014
            }
        ]))
}

extension AnyTensor {
    /// The error function of each float: `2/√π` times the integral of `e^(-t²)` from 0.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func erf() throws(TensorError) -> AnyTensor { try Primitive.errorFunction.apply(&self) }

    /// 1 less the error function of each float, accurate where that is close to 1.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func erfc() throws(TensorError) -> AnyTensor {
        try Primitive.complementaryErrorFunction.apply(&self)
    }

    /// The number whose error function is each float: infinities of ±1, NaN beyond.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func erfInverse() throws(TensorError) -> AnyTensor {
        try Primitive.inverseErrorFunction.apply(&self)
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The error function of each element: `2/√π` times the integral of `e^(-t²)` from 0.
    public consuming func erf() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.errorFunction.apply(&self.core) }
    }

    /// 1 less the error function of each element, accurate where that is close to 1.
    public consuming func erfc() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.complementaryErrorFunction.apply(&self.core) }
    }

    /// The number whose error function is each element: infinities of ±1, NaN beyond.
    public consuming func erfInverse() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.inverseErrorFunction.apply(&self.core) }
    }
}
