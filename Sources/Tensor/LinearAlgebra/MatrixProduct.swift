import CTensorKernels

extension Primitive {
    /// The product of matrices in the last two axes, `[…, m, k] · […, k, n]`; the axes before them broadcast.
    ///
    /// A transposed view costs nothing: the kernel takes both strides of each matrix. With a cotangent `g`:
    /// `Ȧ = g · Bᵀ` and `Ḃ = Aᵀ · g`, summed over the axes that were broadcast.
    package static let matrixProduct: Primitive = Primitive(
        id: 24, name: "matmul",
        .binary(
            rule: { left, right, _ throws(TensorError) in try matrixProductType(left, right, in: "matmul") },
            kernel: { left, right, _, type throws(TensorError) in
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                ProductPlan(left.layout, right.layout, type).multiply(left, right, into: result, accumulate: false)
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: .second) { cotangent, step throws(TensorError) in
                try cotangent.matmul(step.operands[1].transposed()).summed(toOperandOf: step)
            },
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try step.operands[0].transposed().matmul(cotangent).summed(toOperandOf: step)
            },
        ]))

    /// The rule of a product of matrices of one numeric type.
    static func matrixProductType(
        _ left: TensorType, _ right: TensorType, in operation: StaticString
    ) throws(TensorError) -> TensorType {
        guard left.dtype != .bool else {
            throw TensorError(.dtypeMismatch, "\(operation): not defined for \(left)")
        }
        try left.requireSameType(as: right, in: operation)
        guard left.shape.rank >= 2, right.shape.rank >= 2,
            left.shape[left.shape.rank - 1] == right.shape[right.shape.rank - 2]
        else {
            throw TensorError(
                .shapeMismatch, "\(operation): \(left.shape) and \(right.shape) are not […, m, k] and […, k, n]")
        }
        let batch = try Shape.broadcast(left.shape.batch, right.shape.batch, in: operation)
        // In place, because arrays would cost a small product as much again as everything else before its kernel.
        var dimensions = batch.dimensions
        dimensions[batch.rank] = left.shape[left.shape.rank - 2]
        dimensions[batch.rank + 1] = right.shape[right.shape.rank - 1]
        return TensorType(left.dtype, try Shape(checking: dimensions, rank: batch.rank + 2))
    }
}

extension AnyTensor {
    /// The product of matrices in the last two axes, `[…, m, k] · […, k, n]`; the axes before them broadcast.
    /// Transposed and sliced views are multiplied where they lie.
    ///
    /// A vector counts as a row on the left and as a column on the right, and the axis that it gained vanishes again:
    /// `[k] · […, k, n]` is `[…, n]`, `[…, m, k] · [k]` is `[…, m]`, and `[k] · [k]` a scalar. Integers wrap around;
    /// 16-bit floats are summed in float32 and rounded once.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` for bools and for two types.
    public consuming func matmul(_ other: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        if let product = try ProductPlan.product(self, other) { return product }
        return try (consume self).generalProduct(consume other)
    }

    /// ``matmul(_:)`` of operands of any rank. Apart, because the short way has no need of values that can be changed.
    private consuming func generalProduct(_ other: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        if rank >= 2, other.rank >= 2 { return try Primitive.matrixProduct.apply(&self, &other) }
        let (left, right) = (shape, other.shape)
        guard let length = left.last, right.rank >= 1, length == right[Swift.max(right.rank - 2, 0)] else {
            throw TensorError(
                .shapeMismatch, "matmul: \(left) and \(right) are not […, m, k] and […, k, n], with vectors [k]")
        }
        if left.rank == 1 { self = try self.reshaped(to: [1, length]) }
        if right.rank == 1 { other = try other.reshaped(to: [length, 1]) }
        var product = try Primitive.matrixProduct.apply(&self, &other)
        var kept = Array(product.shape)
        if right.rank == 1 { kept.removeLast() }
        if left.rank == 1 { kept.remove(at: kept.count - (right.rank == 1 ? 1 : 2)) }
        return try Primitive.reshape.apply(&product, .shape(Shape(kept)))
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// The product of matrices in the last two axes, `[…, m, k] · […, k, n]`; the axes before them broadcast.
    /// Transposed and sliced views are multiplied where they lie. A vector `[k]` counts as a row on the left and as a
    /// column on the right, and the axis that it gained vanishes again.
    public consuming func matmul(_ other: consuming Tensor) -> Tensor {
        Tensor(
            { left, right throws(TensorError) in try (consume left).matmul(consume right) }, consume self, consume other
        )
    }
}
