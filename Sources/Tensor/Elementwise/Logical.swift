// Logic on elements of every type: what is not 0 is true, as in a cast to bool.

extension AnyTensor {
    /// Whether both elements of each pair are true: bools, or what is not 0, NaN among it. Shapes broadcast; the two types
    /// may differ.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``.
    public consuming func logicalAnd(_ other: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try self.cast(to: .bool) & other.cast(to: .bool)
    }

    /// Whether one element of each pair is true, as ``logicalAnd(_:)`` understands it.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``.
    public consuming func logicalOr(_ other: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try self.cast(to: .bool) | other.cast(to: .bool)
    }

    /// Whether just one element of each pair is true, as ``logicalAnd(_:)`` understands it.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``.
    public consuming func logicalXor(_ other: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try self.cast(to: .bool) ^ other.cast(to: .bool)
    }

    /// Whether each element is false: the bool false, or 0.
    ///
    /// - Throws: ``TensorError/Code/outOfMemory``.
    public consuming func logicalNot() throws(TensorError) -> AnyTensor {
        try ~self.cast(to: .bool)
    }
}

extension Tensor where Scalar == Bool {
    /// Whether each element is false.
    public static prefix func ! (operand: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.bitwiseNot.apply(&operand.core) }
    }
}
