import CTensorKernels

// What the reductions over axes share.

extension Primitive {
    /// The rule of a reduction; `needsElements` where nothing can be said of no elements.
    static func reductionRule(
        _ operation: StaticString, _ allowed: DType..., needsElements: Bool = false
    ) -> UnaryRule {
        { type, attributes throws(TensorError) in
            guard case .reduction(let axes, let keepsDimensions) = attributes else {
                preconditionFailure("no axes to reduce")
            }
            guard allowed.contains(type.dtype) else {
                throw TensorError(.dtypeMismatch, "\(operation): not defined for \(type)")
            }
            if needsElements, (0..<type.shape.rank).contains(where: { axes.contains($0) && type.shape[$0] == 0 }) {
                throw TensorError(.shapeMismatch, "\(operation): \(type.shape) has no elements along the axes")
            }
            return TensorType(type.dtype, type.shape.reduced(over: axes, keepsDimensions: keepsDimensions))
        }
    }

    /// Reduces by one fixed tree over the elements in row-major order, so that the bits depend on nothing else.
    static func reduction(_ reduction: mw_reduction) -> UnaryKernel {
        { operand, attributes, type throws(TensorError) in
            guard case .reduction(let axes, _) = attributes else { preconditionFailure("no axes to reduce") }
            let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
            operand.layout.shape.dimensions.withPointer { shape in
                operand.layout.strides.withPointer { strides in
                    // Safe: the result holds the elements of the remaining axes, and the strides stay in the operand.
                    if type.dtype == .float32 {
                        unsafe mw_active_kernels().pointee.reduction.reduce_f32(
                            reduction, operand.rank, shape, result.elements(), operand.elements(), strides, axes.mask)
                    } else {
                        unsafe mw_active_kernels().pointee.reduction.reduce_i32(
                            reduction, operand.rank, shape, result.elements(), operand.elements(), strides, axes.mask)
                    }
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
        guard let axes else { return .reduction(.all(rank: rank), keepsDimensions: keepsDimensions) }
        return .reduction(try AxisSet(axes, rank: rank, of: operation), keepsDimensions: keepsDimensions)
    }

    /// A reduction's result, or its cotangent, repeated along the reduced axes of the operand.
    consuming func spread(overOperandOf step: ReverseStep) throws(TensorError) -> AnyTensor {
        guard case .reduction(let axes, _) = step.attributes else { preconditionFailure("no axes to reduce") }
        let shape = step.operand.shape
        return try self.reshaped(to: shape.reduced(over: axes, keepsDimensions: true)).broadcast(to: shape)
    }
}
