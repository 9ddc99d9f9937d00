import CTensorKernels

// What the reductions over axes share.

extension Primitive {
    /// The rule of a reduction for the element types that `isDefined` lets through, with a result of the same type or of
    /// `resultType`; `needsElements` where nothing can be said of no elements.
    static func reductionRule(
        _ operation: StaticString, as resultType: DType? = nil, needsElements: Bool = false,
        where isDefined: @escaping @Sendable (DType) -> Bool
    ) -> UnaryRule {
        { type, attributes throws(TensorError) in
            let (axes, keepsDimensions) = attributes.reduced
            guard isDefined(type.dtype) else {
                throw TensorError(.dtypeMismatch, "\(operation): not defined for \(type)")
            }
            if needsElements, (0..<type.shape.rank).contains(where: { axes.contains($0) && type.shape[$0] == 0 }) {
                throw TensorError(.shapeMismatch, "\(operation): \(type.shape) has no elements along the axes")
            }
            return TensorType(
                resultType ?? type.dtype, type.shape.reduced(over: axes, keepsDimensions: keepsDimensions))
        }
    }

    /// Reduces by one fixed tree over the elements in row-major order, so that the bits depend on nothing else.
    static func reduction(_ reduction: mw_reduction) -> UnaryKernel {
        { operand, attributes, type throws(TensorError) in
            let axes = attributes.reduced.axes
            var parameter = 0.0
            if case .reductionBy(let number, _, _) = attributes { parameter = number }
            let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
            operand.layout.shape.dimensions.withPointer { shape in
                operand.layout.strides.withPointer { strides in
                    // Safe: the result holds the elements of the remaining axes, and the strides stay in the operand;
                    // the rule lets those types through that the kernel has.
                    unsafe mw_active_kernels().pointee.reduction.reduce(
                        reduction, type.dtype.kernel, operand.dtype.kernel, parameter, operand.rank, shape,
                        result.firstByte, operand.firstByte, strides, axes.mask)
                }
            }
            return result
        }
    }
}

extension AnyTensor {
    /// The attributes of a reduction over `axes`, or over all when they are nil.
    func reduction(
        over axes: [Int]?, keepsDimensions: Bool, of operation: StaticString
    ) throws(TensorError) -> Attributes {
        .reduction(try reducedAxes(axes, of: operation), keepsDimensions: keepsDimensions)
    }

    /// The axes that a caller names, or all when they are nil.
    func reducedAxes(_ axes: [Int]?, of operation: StaticString) throws(TensorError) -> AxisSet {
        guard let axes else { return .all(rank: rank) }
        return try AxisSet(axes, rank: rank, of: operation)
    }

    /// A reduction's result, or its cotangent, repeated along the reduced axes of the operand.
    consuming func spread(overOperandOf step: ReverseStep) throws(TensorError) -> AnyTensor {
        let shape = step.operand.shape
        return try self.reshaped(to: shape.reduced(over: step.attributes.reduced.axes, keepsDimensions: true))
            .broadcast(to: shape)
    }
}

extension ReverseStep {
    /// How many elements of the operand each element of the result was made of.
    var reducedCount: Int {
        let shape = operand.shape
        let axes = attributes.reduced.axes
        return (0..<shape.rank).reduce(1) { axes.contains($1) ? $0 * shape[$1] : $0 }
    }

    /// A saved operand less its mean over the reduced axes.
    func deviations() throws(TensorError) -> AnyTensor {
        let mean = try Primitive.mean.applied(
            to: operand, .reduction(attributes.reduced.axes, keepsDimensions: true))
        return try operand - mean
    }
}
