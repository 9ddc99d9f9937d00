extension Primitive {
    /// The same elements, in row-major order, in another shape: a view where strides can say so, else a packed copy.
    package static let reshape: Primitive = Primitive(
        id: 14, name: "reshape",
        .unary(
            rule: { type, attributes throws(TensorError) in
                guard case .shape(let shape) = attributes else { preconditionFailure("no shape to reshape to") }
                guard shape.elementCount == type.shape.elementCount else {
                    throw TensorError(
                        .shapeMismatch,
                        "reshape: \(type.shape) has \(type.shape.elementCount) elements, \(shape) has "
                            + "\(shape.elementCount)")
                }
                return TensorType(type.dtype, shape)
            },
            kernel: { operand, _, type throws(TensorError) in
                if let layout = operand.layout.reshaped(to: type.shape) {
                    operand.layout = layout
                    return operand.take()
                }
                var packed = try operand.contiguous()
                packed.layout = Layout(contiguous: type.shape)
                return packed
            }),
        derivative: .reverse([
            OperandDerivative { cotangent, step throws(TensorError) in
                try cotangent.reshaped(to: step.operand.shape)
            }
        ]))
}

extension AnyTensor {
    /// The same elements, in row-major order, in another shape. Copies only where no strides can say it (a transposed
    /// matrix made flat).
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless both shapes have as many elements.
    public consuming func reshaped(to shape: Shape) throws(TensorError) -> AnyTensor {
        if shape == self.shape { return self }
        return try Primitive.reshape.apply(&self, .shape(shape))
    }

    /// The elements `range` of the row-major order, as a tensor with one axis: a view without a copy when this tensor
    /// is contiguous. That is how a partition of a parameter, or a chunk of a message, is seen.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for a range outside the elements.
    public consuming func slice(elements range: Range<Int>) throws(TensorError) -> AnyTensor {
        let count = elementCount
        guard range.lowerBound >= 0, range.upperBound <= count else {
            throw TensorError(.indexOutOfRange, "slice: elements \(range) of \(count)")
        }
        return try self.reshaped(to: Shape([count])).sliced(axis: 0, range)
    }
}

extension Tensor {
    /// The same elements, in row-major order, in another shape. Copies only where no strides can say it.
    public consuming func reshaped(to shape: Shape) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().reshaped(to: shape) }
    }
}
