import CTensorKernels

extension Primitive {
    /// The index of the first largest element along an axis, as int32; the first NaN counts as the largest.
    package static let argmax: Primitive = Primitive(
        id: 21, name: "argmax",
        .unary(rule: indexRule("argmax"), kernel: indexOfExtreme(isMinimum: false)), derivative: .notDifferentiable)

    /// The index of the first smallest element along an axis, as int32; the first NaN counts as the smallest.
    package static let argmin: Primitive = Primitive(
        id: 3013, name: "argmin",
        .unary(rule: indexRule("argmin"), kernel: indexOfExtreme(isMinimum: true)), derivative: .notDifferentiable)

    private static func indexRule(_ operation: StaticString) -> UnaryRule {
        { type, attributes throws(TensorError) in
            guard case .axis(let axis) = attributes else { preconditionFailure("no axis") }
            guard type.shape[axis] > 0, type.shape[axis] <= Int(Int32.max) else {
                throw TensorError(
                    .shapeMismatch, "\(operation): axis \(axis) of \(type.shape) has no index that fits int32")
            }
            var axes = AxisSet()
            axes.insert(axis)
            return TensorType(.int32, type.shape.reduced(over: axes, keepsDimensions: false))
        }
    }

    private static func indexOfExtreme(isMinimum: Bool) -> UnaryKernel {
        { operand, attributes, type throws(TensorError) in
            guard case .axis(let axis) = attributes else { preconditionFailure("no axis") }
            let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
            operand.layout.shape.dimensions.withPointer { shape in
                operand.layout.strides.withPointer { strides in
                    // Safe: the result has an element for each of the remaining axes' places.
                    unsafe mw_active_kernels().pointee.reduction.argument_of_extreme(
                        isMinimum, operand.dtype.kernel, operand.rank, shape, result.elements(), operand.firstByte,
                        strides, axis)
                }
            }
            return result
        }
    }
}

extension AnyTensor {
    /// The index of the first largest element along `axis`, which the result lacks, as int32. The first NaN counts as
    /// the largest, and of bools true does.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/shapeMismatch`` for one without elements.
    public consuming func argmax(axis: Int = -1) throws(TensorError) -> AnyTensor {
        let axis = try AxisSet.position(of: axis, rank: rank, of: "argmax")
        return try Primitive.argmax.apply(&self, .axis(axis))
    }

    /// The index of the first smallest element along `axis`, which the result lacks, as int32. The first NaN counts as
    /// the smallest.
    ///
    /// - Throws: as ``argmax(axis:)``.
    public consuming func argmin(axis: Int = -1) throws(TensorError) -> AnyTensor {
        let axis = try AxisSet.position(of: axis, rank: rank, of: "argmin")
        return try Primitive.argmin.apply(&self, .axis(axis))
    }
}

extension Tensor {
    /// The index of the first largest element along `axis`, which the result lacks.
    public consuming func argmax(axis: Int = -1) -> Tensor<Int32> {
        Tensor<Int32> { () throws(TensorError) in try self.core.take().argmax(axis: axis) }
    }

    /// The index of the first smallest element along `axis`, which the result lacks.
    public consuming func argmin(axis: Int = -1) -> Tensor<Int32> {
        Tensor<Int32> { () throws(TensorError) in try self.core.take().argmin(axis: axis) }
    }
}
