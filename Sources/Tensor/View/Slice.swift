extension Primitive {
    /// A range with a step on each axis: a view.
    package static let slice: Primitive = Primitive(
        id: 17, name: "slice",
        .unary(
            rule: { type, attributes throws(TensorError) in
                guard case .bounds(let bounds, let whole) = attributes, whole == type.shape else {
                    preconditionFailure("bounds of another shape")
                }
                return TensorType(type.dtype, bounds.shape)
            },
            kernel: { operand, attributes, _ throws(TensorError) in
                guard case .bounds(let bounds, _) = attributes else { preconditionFailure("no bounds") }
                let (layout, offset) = operand.layout.sliced(bounds)
                operand.layout = layout
                operand.byteOffset += offset &* operand.dtype.byteWidth
                return operand.take()
            }),
        derivative: .reverse([
            OperandDerivative { cotangent, step throws(TensorError) in
                try Primitive.embed.applied(to: cotangent, step.attributes)
            }
        ]))

    /// The operand at the place of a slice of a whole that is 0 elsewhere: the adjoint of ``slice``.
    package static let embed: Primitive = Primitive(
        id: 18, name: "embed",
        .unary(
            rule: { type, attributes throws(TensorError) in
                guard case .bounds(let bounds, let whole) = attributes, bounds.shape == type.shape else {
                    preconditionFailure("bounds of another shape")
                }
                return TensorType(type.dtype, whole)
            },
            kernel: { operand, attributes, type throws(TensorError) in
                guard case .bounds(let bounds, _) = attributes else { preconditionFailure("no bounds") }
                let whole = try AnyTensor.zeros(type.shape, dtype: type.dtype)
                let (layout, offset) = whole.layout.sliced(bounds)
                // Safe: bounds were checked against the whole's shape when they were made.
                unsafe operand.copyElements(
                    to: whole.firstByte + offset &* type.dtype.byteWidth, layout: layout)
                return whole
            }),
        derivative: .reverse([
            OperandDerivative { cotangent, step throws(TensorError) in
                try Primitive.slice.applied(to: cotangent, step.attributes)
            }
        ]))
}

extension AnyTensor {
    /// The elements `range` of an axis, without a copy: every one, or every `step`-th; with a negative step, from the
    /// back of the range to its front. An axis may be counted from the back (−1 is the last).
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for a range, an axis or a step that does not fit.
    public consuming func sliced(axis: Int, _ range: Range<Int>, step: Int = 1) throws(TensorError) -> AnyTensor {
        let shape = self.shape
        let axis = try AxisSet.position(of: axis, rank: shape.rank, of: "slice")
        var bounds = SliceBounds(whole: shape)
        try bounds.narrow(axis: axis, to: range, step: step, in: "slice")
        return try Primitive.slice.apply(&self, .bounds(bounds, whole: shape))
    }

    /// The elements at one place of an axis, which the result lacks; without a copy.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange``.
    public consuming func element(_ index: Int, axis: Int = 0) throws(TensorError) -> AnyTensor {
        let shape = self.shape
        let axis = try AxisSet.position(of: axis, rank: shape.rank, of: "element")
        guard index >= 0, index < shape[axis] else {
            throw TensorError(.indexOutOfRange, "element: \(index) on axis \(axis) of \(shape)")
        }
        var axes = AxisSet()
        axes.insert(axis)
        return try self.sliced(axis: axis, index..<index + 1)
            .reshaped(to: shape.reduced(over: axes, keepsDimensions: false))
    }
}

extension Tensor {
    /// The elements `range` of an axis, without a copy: every one, or every `step`-th; with a negative step, from the
    /// back of the range to its front.
    public consuming func sliced(axis: Int, _ range: Range<Int>, step: Int = 1) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().sliced(axis: axis, range, step: step) }
    }
}
