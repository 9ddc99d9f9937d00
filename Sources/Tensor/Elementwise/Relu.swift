import CTensorKernels

extension Primitive {
    /// `y = max(x, 0)`, with derivative 1 where `y > 0` and 0 elsewhere, at 0 too.
    package static let relu: Primitive = Primitive(
        id: 9, name: "relu",
        .unary(rule: floatRule("relu"), kernel: elementwise(MW_UNARY_RELU)),
        derivative: .reverse([
            // Reads the result and not the operand, so that the sum before a relu can be overwritten by it.
            OperandDerivative(saving: .result) { cotangent, step throws(TensorError) in
                try Primitive.reluGradient.applied(to: step.result, cotangent)
            }
        ]))

    /// `g` where relu's result `y` is positive, else 0: linear in `g`, and constant in `y` almost everywhere.
    package static let reluGradient: Primitive = Primitive(
        id: 10, name: "reluGradient",
        .binary(
            rule: { output, cotangent, _ throws(TensorError) in
                try output.require(.floats, in: "reluGradient")
                guard output == cotangent else {
                    throw TensorError(.shapeMismatch, "reluGradient: \(output) and \(cotangent) differ")
                }
                return output
            },
            kernel: elementwise(MW_BINARY_RELU_GRADIENT)),
        derivative: .reverse([
            .constant,
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try Primitive.reluGradient.applied(to: step.operands[0], cotangent)
            },
        ]))
}

extension AnyTensor {
    /// Each float, or 0 where it is negative; NaN stays NaN.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch``.
    public consuming func relu() throws(TensorError) -> AnyTensor {
        try Primitive.relu.apply(&self)
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// Each element, or 0 where it is negative; NaN stays NaN.
    public consuming func relu() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.relu.apply(&self.core) }
    }
}
