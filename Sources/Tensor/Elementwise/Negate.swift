import CTensorKernels

extension Primitive {
    /// `-x`.
    package static let negate: Primitive = Primitive(
        id: 5, name: "negate",
        .unary(rule: unaryRule("negate", .numbers), kernel: elementwise(MW_UNARY_NEGATE)),
        derivative: .reverse([
            OperandDerivative { cotangent, _ throws(TensorError) in try cotangent.negated() }
        ]))
}

extension AnyTensor {
    /// Each number with its sign flipped; integers wrap around.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` for bools.
    public consuming func negated() throws(TensorError) -> AnyTensor {
        try Primitive.negate.apply(&self)
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// Each element with its sign flipped; integers wrap around.
    public static prefix func - (operand: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.negate.apply(&operand.core) }
    }
}
