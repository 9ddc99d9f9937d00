import CTensorKernels

extension Primitive {
    /// `y = √x`, with `∂y/∂x = 1 / (2y)`: infinite at 0, as the limit is.
    package static let squareRoot: Primitive = Primitive(
        id: 8, name: "sqrt",
        .unary(rule: floatRule("sqrt"), kernel: elementwise(MW_UNARY_SQRT)),
        derivative: .reverse([
            OperandDerivative(saving: .result) { cotangent, step throws(TensorError) in
                try cotangent / (step.result + step.result)
            }
        ]))
}

extension AnyTensor {
    /// The square root of each float, correctly rounded; NaN of what is negative.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch``.
    public consuming func squareRoot() throws(TensorError) -> AnyTensor {
        try Primitive.squareRoot.apply(&self)
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The square root of each element, correctly rounded; NaN of what is negative.
    public consuming func squareRoot() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.squareRoot.apply(&self.core) }
    }
}
