import CTensorKernels

extension Primitive {
    /// `left · right` element by element, broadcasting; integers wrap around.
    package static let multiply: Primitive = Primitive(
        id: 3, name: "multiply", pairwise: MW_BINARY_MULTIPLY, of: .numbers,
        derivative: .reverse([
            OperandDerivative(saving: .second) { cotangent, step throws(TensorError) in
                try (cotangent * step.operands[1]).summed(toOperandOf: step)
            },
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try (cotangent * step.operands[0]).summed(toOperandOf: step)
            },
        ]))
}

extension AnyTensor {
    /// The product of each pair of elements. Shapes broadcast; integers wrap around.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch``.
    public static func * (left: consuming AnyTensor, right: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.multiply.combine(&left, &right)
        return left
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// The product of each pair of elements. Shapes broadcast; integers wrap around.
    public static func * (left: consuming Tensor, right: consuming Tensor) -> Tensor {
        Tensor(*, consume left, consume right)
    }

    /// Multiplies this tensor, in place where nothing else refers to its storage.
    @inlinable
    public static func *= (left: inout Tensor, right: consuming Tensor) {
        left = (consume left) * right
    }
}
