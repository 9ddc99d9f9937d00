import CTensorKernels

extension Primitive {
    /// `left / right`, broadcasting. With `y = a / b`: `∂y/∂a = 1 / b` and `∂y/∂b = -y / b`.
    package static let divide: Primitive = Primitive(
        id: 4, name: "divide", pairwise: MW_BINARY_DIVIDE, of: .floats,
        derivative: .reverse([
            OperandDerivative(saving: .second) { cotangent, step throws(TensorError) in
                try (cotangent / step.operands[1]).summed(toOperandOf: step)
            },
            OperandDerivative(saving: [.second, .result]) { cotangent, step throws(TensorError) in
                try (cotangent * step.result / step.operands[1]).negated().summed(toOperandOf: step)
            },
        ]))
}

extension AnyTensor {
    /// The quotient of each pair of floats. Shapes broadcast; division by zero gives an infinity or NaN, as IEEE 754
    /// has it.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch``.
    public static func / (left: consuming AnyTensor, right: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.divide.combine(&left, &right)
        return left
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The quotient of each pair of elements. Shapes broadcast.
    public static func / (left: consuming Tensor, right: consuming Tensor) -> Tensor {
        Tensor(/, consume left, consume right)
    }

    /// Divides this tensor, in place where nothing else refers to its storage.
    @inlinable
    public static func /= (left: inout Tensor, right: consuming Tensor) {
        left = (consume left) / right
    }
}
