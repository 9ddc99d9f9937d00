import CTensorKernels

extension Primitive {
    /// `y = |x|`, with `∂y/∂x = sign x`: 0 at 0.
    package static let absolute: Primitive = Primitive(
        id: 1100, name: "abs",
        .unary(rule: unaryRule("abs", .numbers), kernel: elementwise(MW_UNARY_ABS)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try cotangent * step.operands[0].sign()
            }
        ]))

    /// −1, 0 or 1: constant almost everywhere.
    package static let sign: Primitive = Primitive(
        id: 1101, name: "sign",
        .unary(rule: unaryRule("sign", .numbers), kernel: elementwise(MW_UNARY_SIGN)),
        derivative: .notDifferentiable)

    /// `y = x²`, with `∂y/∂x = 2x`.
    package static let square: Primitive = Primitive(
        id: 1102, name: "square",
        .unary(rule: unaryRule("square", .numbers), kernel: elementwise(MW_UNARY_SQUARE)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try cotangent * (step.operands[0] * 2)
            }
        ]))

    /// `y = 1 / x`, with `∂y/∂x = -y²`.
    package static let reciprocal: Primitive = Primitive(
        id: 1103, name: "reciprocal",
        .unary(rule: floatRule("reciprocal"), kernel: elementwise(MW_UNARY_RECIPROCAL)),
        derivative: .reverse([
            OperandDerivative(saving: .result) { cotangent, step throws(TensorError) in
                try (cotangent * step.result.squared()).negated()
            }
        ]))

    /// `y = 1 / √x`, with `∂y/∂x = -y³ / 2`.
    package static let reciprocalSquareRoot: Primitive = Primitive(
        id: 1104, name: "reciprocalSquareRoot",
        .unary(rule: floatRule("reciprocalSquareRoot"), kernel: elementwise(MW_UNARY_RSQRT)),
        derivative: .reverse([
            OperandDerivative(saving: .result) { cotangent, step throws(TensorError) in
                try cotangent * step.result * step.result.squared() * -0.5
            }
        ]))
}

extension AnyTensor {
    /// The magnitude of each number; of the least signed integer, which has none, itself.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` for bools.
    public consuming func abs() throws(TensorError) -> AnyTensor { try Primitive.absolute.apply(&self) }

    /// −1 of each negative number, 0 of zeros, 1 of positive numbers, and NaN of NaN.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` for bools.
    public consuming func sign() throws(TensorError) -> AnyTensor { try Primitive.sign.apply(&self) }

    /// The square of each number; integers wrap around.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` for bools.
    public consuming func squared() throws(TensorError) -> AnyTensor { try Primitive.square.apply(&self) }

    /// 1 over each float, correctly rounded; an infinity of 0.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func reciprocal() throws(TensorError) -> AnyTensor { try Primitive.reciprocal.apply(&self) }

    /// 1 over the square root of each float; +∞ of 0, NaN of what is negative.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func reciprocalSquareRoot() throws(TensorError) -> AnyTensor {
        try Primitive.reciprocalSquareRoot.apply(&self)
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// The magnitude of each element; of the least signed integer, which has none, itself.
    public consuming func abs() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.absolute.apply(&self.core) }
    }

    /// −1 of each negative number, 0 of zeros, 1 of positive numbers, and NaN of NaN.
    public consuming func sign() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.sign.apply(&self.core) }
    }

    /// The square of each element; integers wrap around.
    public consuming func squared() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.square.apply(&self.core) }
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// 1 over each element, correctly rounded; an infinity of 0.
    public consuming func reciprocal() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.reciprocal.apply(&self.core) }
    }

    /// 1 over the square root of each element; +∞ of 0, NaN of what is negative.
    public consuming func reciprocalSquareRoot() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.reciprocalSquareRoot.apply(&self.core) }
    }
}
