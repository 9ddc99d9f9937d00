import CTensorKernels

extension Primitive {
    /// `left + right`, broadcasting; integers wrap around.
    package static let add: Primitive = Primitive(
        id: 1, name: "add", pairwise: MW_BINARY_ADD, of: .numbers,
        derivative: .reverse([
            OperandDerivative { cotangent, step throws(TensorError) in try cotangent.summed(toOperandOf: step) }
        ]))
}

extension AnyTensor {
    /// The sum of each pair of elements. Shapes broadcast; integers wrap around.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch``.
    public static func + (left: consuming AnyTensor, right: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.add.combine(&left, &right)
        return left
    }

    /// Adds the elements of a tensor of the same shape to this one's: in this storage where nothing else refers to it,
    /// in debug builds too, else in the other's where nothing refers to that.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless the shapes are equal, ``TensorError/Code/dtypeMismatch``.
    public mutating func accumulate(_ other: consuming AnyTensor) throws(TensorError) {
        guard shape == other.shape else {
            throw TensorError(.shapeMismatch, "accumulate: \(type) and \(other.type) differ in shape")
        }
        try replace(beside: other.trace) { own throws(TensorError) in try Primitive.add.apply(&own, &other) }
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// The sum of each pair of elements. Shapes broadcast; integers wrap around.
    public static func + (left: consuming Tensor, right: consuming Tensor) -> Tensor {
        Tensor(+, consume left, consume right)
    }

    /// Adds to this tensor, in place where nothing else refers to its storage.
    @inlinable
    public static func += (left: inout Tensor, right: consuming Tensor) {
        left = (consume left) + right
    }
}
