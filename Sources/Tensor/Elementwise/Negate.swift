import CTensorKernels

extension Primitive {
    /// `-x`.
    package static let negate: Primitive = Primitive(
        id: 5, name: "negate",
        .unary(rule: floatRule("negate"), kernel: elementwise(MW_UNARY_NEGATE)),
        derivative: .reverse([
            OperandDerivative { cotangent, _ throws(TensorError) in try cotangent.negated() }
        ]))
}

extension AnyTensor {
    /// Each float with its sign flipped.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch``.
    public consuming func negated() throws(TensorError) -> AnyTensor {
        try Primitive.negate.apply(&self)
    }
}

extension Tensor where Scalar == Float {
    /// Each element with its sign flipped.
    public static prefix func - (operand: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.negate.apply(&operand.core) }
    }
}
