import CTensorKernels

extension Primitive {
    /// Where the largest of all elements up to each along an axis lies, as int32.
    package static let cumulativeMaximumIndices: Primitive = Primitive(
        id: 3105, name: "cumulativeMaximumIndices",
        .unary(rule: cumulativeIndexRule("cumulativeMaximumIndices"), kernel: cumulativeIndices(isMinimum: false)),
        derivative: .notDifferentiable)

    /// Where the smallest of all elements up to each along an axis lies, as int32.
    package static let cumulativeMinimumIndices: Primitive = Primitive(
        id: 3106, name: "cumulativeMinimumIndices",
        .unary(rule: cumulativeIndexRule("cumulativeMinimumIndices"), kernel: cumulativeIndices(isMinimum: true)),
        derivative: .notDifferentiable)

    /// The cotangent of each running extreme, sent to where it lies.
    static func runningExtreme(_ places: Primitive) -> OperandDerivative {
        OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
            var sources = try places.applied(to: step.operands[0].withoutTrace(), step.attributes)
            var zeros = try AnyTensor.zeros(step.operand.shape, dtype: cotangent.dtype)
            var values = cotangent
            return try Primitive.scatterAdd.apply(&zeros, &sources, &values, step.attributes)
        }
    }

    private static func cumulativeIndexRule(_ operation: StaticString) -> UnaryRule {
        { type, attributes throws(TensorError) in
            guard case .axis(let axis) = attributes else { preconditionFailure("no axis") }
            try type.require(.numbers, in: operation)
            guard type.shape[axis] <= Int(Int32.max) else {
                throw TensorError(
                    .shapeMismatch, "\(operation): axis \(axis) of \(type.shape) has places that no int32 names")
            }
            return TensorType(.int32, type.shape)
        }
    }

    private static func cumulativeIndices(isMinimum: Bool) -> UnaryKernel {
        { operand, attributes, type throws(TensorError) in
            guard case .axis(let axis) = attributes else { preconditionFailure("no axis") }
            let shape = type.shape
            let result = try AnyTensor(uninitialized: shape, dtype: .int32)
            let values = try operand.contiguous()
            defer { extendLifetime(values) }
            let outer = (0..<axis).reduce(1) { $0 * shape[$1] }
            let inner = (axis + 1..<shape.rank).reduce(1) { $0 * shape[$1] }
            // Safe: both are contiguous and of this shape.
            unsafe mw_cumulative_places(
                isMinimum, values.dtype.kernel, outer, shape[axis], inner, result.elements(), values.firstByte)
            return result
        }
    }
}

extension AnyTensor {
    /// Where the elements of ``cumulativeMaximum(axis:)`` lie along `axis`, as int32: of equal ones the last so far, as in
    /// PyTorch, and NaNs are equal to each other.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/dtypeMismatch`` for bools, ``TensorError/Code/shapeMismatch`` for an axis of 2³¹ places or more.
    public consuming func cumulativeMaximumIndices(axis: Int = -1) throws(TensorError) -> AnyTensor {
        let axis = try AxisSet.position(of: axis, rank: rank, of: "cumulativeMaximumIndices")
        return try Primitive.cumulativeMaximumIndices.apply(&self, .axis(axis))
    }

    /// Where the elements of ``cumulativeMinimum(axis:)`` lie along `axis`, as int32: of equal ones the last so far, as in
    /// PyTorch, and NaNs are equal to each other.
    ///
    /// - Throws: as ``cumulativeMaximumIndices(axis:)``.
    public consuming func cumulativeMinimumIndices(axis: Int = -1) throws(TensorError) -> AnyTensor {
        let axis = try AxisSet.position(of: axis, rank: rank, of: "cumulativeMinimumIndices")
        return try Primitive.cumulativeMinimumIndices.apply(&self, .axis(axis))
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// Where the largest of all elements up to each lies along `axis`: of equal ones, as which NaNs count, the last.
    public consuming func cumulativeMaximumIndices(axis: Int = -1) -> Tensor<Int32> {
        Tensor<Int32> { () throws(TensorError) in try self.core.take().cumulativeMaximumIndices(axis: axis) }
    }

    /// Where the smallest of all elements up to each lies along `axis`: of equal ones, as which NaNs count, the last.
    public consuming func cumulativeMinimumIndices(axis: Int = -1) -> Tensor<Int32> {
        Tensor<Int32> { () throws(TensorError) in try self.core.take().cumulativeMinimumIndices(axis: axis) }
    }
}
