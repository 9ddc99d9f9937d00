import CTensorKernels

extension Primitive {
    /// The index of the first largest element along an axis, as int32; the first NaN counts as the largest.
    package static let argmax: Primitive = Primitive(
        id: 21, name: "argmax",
        .unary(
            rule: { type, attributes throws(TensorError) in
                guard case .axis(let axis) = attributes else { preconditionFailure("no axis") }
                try type.require(.float32, in: "argmax")
                guard type.shape[axis] > 0, type.shape[axis] <= Int(Int32.max) else {
                    throw TensorError(
                        .shapeMismatch, "argmax: axis \(axis) of \(type.shape) has no index that fits int32")
                }
                var axes = AxisSet()
                axes.insert(axis)
                return TensorType(.int32, type.shape.reduced(over: axes, keepsDimensions: false))
            },
            kernel: { operand, attributes, type throws(TensorError) in
                guard case .axis(let axis) = attributes else { preconditionFailure("no axis") }
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                operand.layout.shape.dimensions.withPointer { shape in
                    operand.layout.strides.withPointer { strides in
                        // Safe: the result has an element for each of the remaining axes' places.
                        unsafe mw_active_kernels().pointee.reduction.argmax_f32(
                            operand.rank, shape, result.elements(), operand.elements(), strides, axis)
                    }
                }
                return result
            }),
        derivative: .notDifferentiable)
}

extension AnyTensor {
    /// The index of the first largest element along `axis`, which the result lacks, as int32. The first NaN counts as
    /// the largest.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/shapeMismatch`` for one without elements, ``TensorError/Code/dtypeMismatch`` unless float32.
    public consuming func argmax(axis: Int = -1) throws(TensorError) -> AnyTensor {
        let axis = try AxisSet.position(of: axis, rank: rank, of: "argmax")
        return try Primitive.argmax.apply(&self, .axis(axis))
    }
}

extension Tensor where Scalar == Float {
    /// The index of the first largest element along `axis`, which the result lacks.
    public consuming func argmax(axis: Int = -1) -> Tensor<Int32> {
        Tensor<Int32> { () throws(TensorError) in try self.core.take().argmax(axis: axis) }
    }
}
