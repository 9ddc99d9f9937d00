extension Primitive {
    /// The axes in another order: a view.
    package static let transpose: Primitive = Primitive(
        id: 15, name: "transpose",
        .unary(
            rule: { type, attributes throws(TensorError) in
                guard case .permutation(let order) = attributes else { preconditionFailure("no order of axes") }
                return TensorType(type.dtype, Layout(contiguous: type.shape).permuted(order).shape)
            },
            kernel: { operand, attributes, _ throws(TensorError) in
                guard case .permutation(let order) = attributes else { preconditionFailure("no order of axes") }
                operand.layout = operand.layout.permuted(order)
                return operand.take()
            }),
        derivative: .reverse([
            OperandDerivative { cotangent, step throws(TensorError) in
                guard case .permutation(let order) = step.attributes else { preconditionFailure("no order of axes") }
                var inverse = AxisValues(repeating: 0)
                for axis in 0..<cotangent.rank { inverse[order[axis]] = axis }
                return try Primitive.transpose.applied(to: cotangent, .permutation(inverse))
            }
        ]))
}

extension AnyTensor {
    /// The axes in another order, without a copy: axis `i` of the result is axis `axes[i]` of this tensor.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless each axis is named once,
    ///   ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks.
    public consuming func transposed(_ axes: [Int]) throws(TensorError) -> AnyTensor {
        let rank = self.rank
        guard axes.count == rank else {
            throw TensorError(.shapeMismatch, "transpose: \(axes) does not order the axes of \(shape)")
        }
        _ = try AxisSet(axes, rank: rank, of: "transpose")
        var order = AxisValues(repeating: 0)
        for (axis, source) in axes.enumerated() { order[axis] = source < 0 ? source + rank : source }
        return try Primitive.transpose.apply(&self, .permutation(order))
    }

    /// The last two axes swapped, without a copy.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for fewer than two axes.
    public consuming func transposed() throws(TensorError) -> AnyTensor {
        let rank = self.rank
        guard rank >= 2 else {
            throw TensorError(.shapeMismatch, "transpose: \(shape) has fewer than two axes")
        }
        return try Primitive.transpose.apply(&self, .permutation(AxisValues.swapping(rank - 2, rank - 1)))
    }

    /// One axis moved to the end and back is what operations along the last axis need of others.
    consuming func swappingLast(with axis: Int) throws(TensorError) -> AnyTensor {
        let last = rank - 1
        if axis == last { return self }
        return try Primitive.transpose.apply(&self, .permutation(AxisValues.swapping(axis, last)))
    }
}

extension AxisValues {
    /// The order of axes that exchanges two of them.
    package static func swapping(_ first: Int, _ second: Int) -> AxisValues {
        var order = AxisValues(repeating: 0)
        for axis in 0..<capacity { order[axis] = axis }
        order[first] = second
        order[second] = first
        return order
    }
}

extension Tensor {
    /// The axes in another order, without a copy: axis `i` of the result is axis `axes[i]` of this tensor.
    public consuming func transposed(_ axes: [Int]) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().transposed(axes) }
    }

    /// The last two axes swapped, without a copy.
    public consuming func transposed() -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().transposed() }
    }
}
