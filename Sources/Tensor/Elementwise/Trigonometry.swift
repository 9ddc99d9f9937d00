import CTensorKernels

extension Primitive {
    /// `y = sin x`, with `∂y/∂x = cos x`.
    package static let sine: Primitive = Primitive(
        id: 1114, name: "sin",
        .unary(rule: floatRule("sin"), kernel: elementwise(MW_UNARY_SIN)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try cotangent * step.operands[0].cos()
            }
        ]))

    /// `y = cos x`, with `∂y/∂x = -sin x`.
    package static let cosine: Primitive = Primitive(
        id: 1115, name: "cos",
        .unary(rule: floatRule("cos"), kernel: elementwise(MW_UNARY_COS)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try (cotangent * step.operands[0].sin()).negated()
            }
        ]))

    /// `y = tan x`, with `∂y/∂x = 1 + y²`.
    package static let tangent: Primitive = Primitive(
        id: 1116, name: "tan",
        .unary(rule: floatRule("tan"), kernel: elementwise(MW_UNARY_TAN)),
        derivative: .reverse([
            OperandDerivative(saving: .result) { cotangent, step throws(TensorError) in
                try cotangent * (step.result.squared() + 1)
            }
        ]))

    /// `y = arcsin x`, with `∂y/∂x = 1 / √(1 - x²)`.
    package static let arcSine: Primitive = Primitive(
        id: 1117, name: "asin",
        .unary(rule: floatRule("asin"), kernel: elementwise(MW_UNARY_ASIN)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try cotangent * (1 - step.operands[0].squared()).reciprocalSquareRoot()
            }
        ]))

    /// `y = arccos x`, with `∂y/∂x = -1 / √(1 - x²)`.
    package static let arcCosine: Primitive = Primitive(
        id: 1118, name: "acos",
        .unary(rule: floatRule("acos"), kernel: elementwise(MW_UNARY_ACOS)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try (cotangent * (1 - step.operands[0].squared()).reciprocalSquareRoot()).negated()
            }
        ]))

    /// `y = arctan x`, with `∂y/∂x = 1 / (1 + x²)`.
    package static let arcTangent: Primitive = Primitive(
        id: 1119, name: "atan",
        .unary(rule: floatRule("atan"), kernel: elementwise(MW_UNARY_ATAN)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try cotangent / (step.operands[0].squared() + 1)
            }
        ]))
}

extension AnyTensor {
    /// The sine of each angle in radians; NaN of infinities.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func sin() throws(TensorError) -> AnyTensor { try Primitive.sine.apply(&self) }

    /// The cosine of each angle in radians; NaN of infinities.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func cos() throws(TensorError) -> AnyTensor { try Primitive.cosine.apply(&self) }

    /// The tangent of each angle in radians; NaN of infinities.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func tan() throws(TensorError) -> AnyTensor { try Primitive.tangent.apply(&self) }

    /// The angle in −π/2...π/2 whose sine is each float; NaN outside −1...1.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func asin() throws(TensorError) -> AnyTensor { try Primitive.arcSine.apply(&self) }

    /// The angle in 0...π whose cosine is each float; NaN outside −1...1.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func acos() throws(TensorError) -> AnyTensor { try Primitive.arcCosine.apply(&self) }

    /// The angle in −π/2...π/2 whose tangent is each float.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func atan() throws(TensorError) -> AnyTensor { try Primitive.arcTangent.apply(&self) }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The sine of each angle in radians; NaN of infinities.
    public consuming func sin() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.sine.apply(&self.core) }
    }

    /// The cosine of each angle in radians; NaN of infinities.
    public consuming func cos() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.cosine.apply(&self.core) }
    }

    /// The tangent of each angle in radians; NaN of infinities.
    public consuming func tan() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.tangent.apply(&self.core) }
    }

    /// The angle in −π/2...π/2 whose sine is each element; NaN outside −1...1.
    public consuming func asin() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.arcSine.apply(&self.core) }
    }

    /// The angle in 0...π whose cosine is each element; NaN outside −1...1.
    public consuming func acos() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.arcCosine.apply(&self.core) }
    }

    /// The angle in −π/2...π/2 whose tangent is each element.
    public consuming func atan() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.arcTangent.apply(&self.core) }
    }
}
