import CTensorKernels

extension Primitive {
    /// `left - right`, broadcasting; integers wrap around.
    package static let subtract: Primitive = Primitive(
        id: 2, name: "subtract", pairwise: MW_BINARY_SUBTRACT, of: .numbers,
        derivative: .reverse([
            OperandDerivative { cotangent, step throws(TensorError) in try cotangent.summed(toOperandOf: step) },
            OperandDerivative { cotangent, step throws(TensorError) in
                try cotangent.summed(toOperandOf: step).negated()
            },
        ]))
}

extension AnyTensor {
    /// The difference of each pair of elements. Shapes broadcast; integers wrap around.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch``.
    public static func - (left: consuming AnyTensor, right: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.subtract.combine(&left, &right)
        return left
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// The difference of each pair of elements. Shapes broadcast; integers wrap around.
    public static func - (left: consuming Tensor, right: consuming Tensor) -> Tensor {
        Tensor(-, consume left, consume right)
    }

    /// Subtracts from this tensor, in place where nothing else refers to its storage.
    @inlinable
    public static func -= (left: inout Tensor, right: consuming Tensor) {
        left = (consume left) - right
    }
}
