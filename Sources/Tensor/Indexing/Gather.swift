import CTensorKernels

extension Primitive {
    /// `result[…, i, …] = operand[…, indices[…, i, …], …]` along one axis; the other dimensions are equal.
    package static let gather: Primitive = Primitive(
        id: 6_000, name: "gather",
        .binary(
            rule: { operand, indices, attributes throws(TensorError) in
                try checkIndices(of: operand, indices, attributes, in: "gather")
                return TensorType(operand.dtype, indices.shape)
            },
            kernel: { operand, indices, attributes, type throws(TensorError) in
                guard case .axis(let axis) = attributes else { preconditionFailure("no axis") }
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                let indices = try indices.normalizedIndices(
                    below: operand.shape[axis], fromTheBack: true, in: "gather")
                type.shape.dimensions.withPointer { shape in
                    operand.layout.strides.withPointer { strides in
                        indices.layout.strides.withPointer { indexStrides in
                            // Safe: every index names a place of the axis, and the other dimensions are equal.
                            unsafe mw_gather(
                                type.dtype.byteWidth, type.shape.rank, shape, axis, result.firstByte,
                                operand.firstByte, strides, indices.elements(), indexStrides)
                        }
                    }
                }
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: .second) { cotangent, step throws(TensorError) in
                var zeros = try AnyTensor.zeros(step.operand.shape, dtype: cotangent.dtype)
                var indices = step.operands[1]
                var values = cotangent
                return try Primitive.scatterAdd.apply(&zeros, &indices, &values, step.attributes)
            },
            .constant,
        ]))

    /// Throws unless the indices of a gather or a scatter fit the operand that they point into.
    static func checkIndices(
        of operand: TensorType, _ indices: TensorType, _ attributes: Attributes, in operation: StaticString
    ) throws(TensorError) {
        guard case .axis(let axis) = attributes else { preconditionFailure("no axis") }
        try indices.requireIndices(in: operation)
        guard indices.shape.rank == operand.shape.rank,
            try indices.shape.replacing(axis: axis, with: 0) == operand.shape.replacing(axis: axis, with: 0)
        else {
            throw TensorError(
                .shapeMismatch,
                "\(operation): indices of shape \(indices.shape) for \(operand.shape) differ beside axis \(axis)")
        }
    }
}

extension AnyTensor {
    /// One element for each index: `result[…, i, …] = self[…, indices[…, i, …], …]` along `axis`. The other dimensions
    /// broadcast. An index may be counted from the back (−1 is the last place).
    ///
    /// ```swift
    /// let order = try scores.argsort(axis: -1)          // [rows, columns]
    /// let sorted = try scores.taking(along: -1, order)  // [rows, columns]
    /// ```
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an index that names no place, or an axis that the tensor
    ///   lacks; ``TensorError/Code/shapeMismatch``; ``TensorError/Code/dtypeMismatch`` unless the indices are int32 or
    ///   int64.
    public consuming func taking(along axis: Int, _ indices: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        let shape = self.shape
        let axis = try AxisSet.position(of: axis, rank: shape.rank, of: "gather")
        guard indices.rank == shape.rank else {
            throw TensorError(.shapeMismatch, "gather: indices of shape \(indices.shape) for \(shape)")
        }
        let sides = try Shape.broadcast(
            shape.replacing(axis: axis, with: 1), indices.shape.replacing(axis: axis, with: 1), in: "gather")
        let length = indices.shape[axis]
        var operand = try self.broadcast(to: sides.replacing(axis: axis, with: shape[axis]))
        var places = try indices.broadcast(to: sides.replacing(axis: axis, with: length))
        return try Primitive.gather.apply(&operand, &places, .axis(axis))
    }

    /// The slices of an axis that the indices name, in their order: `[…, n, …]` and `[i, …]` give `[…, i, …, …]`, the
    /// indices' axes in the place of the one that they index. An index may be counted from the back (−1 is the last).
    ///
    /// - Throws: as ``taking(along:_:)``.
    public consuming func taking(_ indices: consuming AnyTensor, axis: Int = 0) throws(TensorError) -> AnyTensor {
        let shape = self.shape
        let axis = try AxisSet.position(of: axis, rank: shape.rank, of: "take")
        let indexShape = indices.shape
        let result = try Shape(shape.prefix(axis) + Array(indexShape) + shape.dropFirst(axis + 1))
        var places = try indices.repeated(along: axis, of: shape)
        return try Primitive.gather.apply(&self, &places, .axis(axis)).reshaped(to: result)
    }

    /// Indices of one axis of `shape`, the same for all places of the others: a view with strides of 0 beside the axis.
    consuming func repeated(along axis: Int, of shape: Shape) throws(TensorError) -> AnyTensor {
        let count = elementCount
        var column = AxisValues(repeating: 1)
        column[axis] = count
        return try self.reshaped(to: Shape(checking: column, rank: shape.rank))
            .broadcast(to: shape.replacing(axis: axis, with: count))
    }
}

extension Tensor {
    /// One element for each index: `result[…, i, …] = self[…, indices[…, i, …], …]` along `axis`. The other dimensions
    /// broadcast; −1 is the last place. Traps for an index that names no place: indices from data belong to
    /// ``AnyTensor/taking(along:_:)``.
    public consuming func taking<Index: IndexTensorScalar>(
        along axis: Int, _ indices: consuming Tensor<Index>
    ) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().taking(along: axis, indices.core) }
    }

    /// The slices of an axis that the indices name, in their order: `[…, n, …]` and `[i, …]` give `[…, i, …, …]`; −1 is
    /// the last. Traps for an index that names no slice.
    public consuming func taking<Index: IndexTensorScalar>(
        _ indices: consuming Tensor<Index>, axis: Int = 0
    ) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().taking(indices.core, axis: axis) }
    }
}
