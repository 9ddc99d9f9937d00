import CTensorKernels

extension Primitive {
    /// The sums of all elements up to each along an axis. The cotangent is summed from the back.
    package static let cumulativeSum: Primitive = Primitive(
        id: 3100, name: "cumulativeSum",
        .unary(rule: cumulativeRule("cumulativeSum") { $0 != .bool }, kernel: cumulative(MW_CUMULATE_SUM)),
        derivative: .reverse([
            OperandDerivative { cotangent, step throws(TensorError) in
                guard case .axis(let axis) = step.attributes else { preconditionFailure("no axis") }
                let length = step.operand.shape[axis]
                let fromBack = try Primitive.cumulativeSum.applied(
                    to: cotangent.sliced(axis: axis, 0..<length, step: -1), step.attributes)
                return try fromBack.sliced(axis: axis, 0..<length, step: -1)
            }
        ]))

    /// `yₖ = Π xⱼ` over j ≤ k along an axis. With a cotangent g: `ẋᵢ = yᵢ₋₁ Σₖ gₖ Πⱼ xⱼ` over k ≥ i and i < j ≤ k.
    package static let cumulativeProduct: Primitive = Primitive(
        id: 3101, name: "cumulativeProduct",
        .unary(
            rule: cumulativeRule("cumulativeProduct") { $0 != .bool }, kernel: cumulative(MW_CUMULATE_PRODUCT)),
        derivative: .reverse([
            OperandDerivative(saving: [.first, .result]) { cotangent, step throws(TensorError) in
                guard case .axis(let axis) = step.attributes else { preconditionFailure("no axis") }
                let products = try step.result.asLines(along: axis)
                let length = products.shape[1]
                if length == 0 { return cotangent }
                let ones = try AnyTensor.scalar(1, dtype: products.dtype).broadcast(
                    to: Shape([products.shape[0], 1, products.shape[2]]))
                let before = try AnyTensor.concatenate([ones, products.sliced(axis: 1, 0..<length - 1)], axis: 1)
                let sums = try cotangent.asLines(along: axis)
                    .recurrenceFromBack(step.operand.asLines(along: axis).nextAlongLine())
                return try (before * sums).reshaped(to: step.operand.shape)
            }
        ]))

    /// The largest elements of all elements up to each along an axis. The cotangent goes to the last that is as large,
    /// or to the last NaN.
    package static let cumulativeMaximum: Primitive = Primitive(
        id: 3102, name: "cumulativeMaximum",
        .unary(
            rule: cumulativeRule("cumulativeMaximum") { $0 != .bool }, kernel: cumulative(MW_CUMULATE_MAXIMUM)),
        derivative: .reverse([runningExtreme(.cumulativeMaximumIndices)]))

    /// The smallest elements of all elements up to each along an axis. The cotangent goes to the last that is as small,
    /// or to the last NaN.
    package static let cumulativeMinimum: Primitive = Primitive(
        id: 3103, name: "cumulativeMinimum",
        .unary(
            rule: cumulativeRule("cumulativeMinimum") { $0 != .bool }, kernel: cumulative(MW_CUMULATE_MINIMUM)),
        derivative: .reverse([runningExtreme(.cumulativeMinimumIndices)]))

    /// `yₖ = log Σ exp(xⱼ)` over j ≤ k along an axis. With a cotangent g: `ẋᵢ = exp(xᵢ - yᵢ) Σₖ gₖ exp(yᵢ - yₖ)` over
    /// k ≥ i, whose exponents are never positive; 0 where yᵢ is -∞.
    package static let cumulativeLogSumExp: Primitive = Primitive(
        id: 3104, name: "cumulativeLogSumExp",
        .unary(
            rule: cumulativeRule("cumulativeLogSumExp") { $0.isFloatingPoint },
            kernel: cumulative(MW_CUMULATE_LOG_SUM_EXP)),
        derivative: .reverse([
            OperandDerivative(saving: [.first, .result]) { cotangent, step throws(TensorError) in
                guard case .axis(let axis) = step.attributes else { preconditionFailure("no axis") }
                let sums = try step.result.asLines(along: axis)
                let zero = try AnyTensor.scalar(0, dtype: sums.dtype)
                let isEmpty = try sums .== -.infinity
                // Two infinities have no difference.
                let finite = try AnyTensor.select(isEmpty, zero, sums)
                let next = try finite.nextAlongLine()
                let factors = try AnyTensor.select(isEmpty, zero, (finite - next).exp())
                let last = try AnyTensor.ones(sums.shape, dtype: .bool).nextAlongLine()
                let weighted = try cotangent.asLines(along: axis)
                    .recurrenceFromBack(AnyTensor.select(last, factors, zero))
                let shares = try (step.operand.asLines(along: axis) - finite).exp()
                return try AnyTensor.select(isEmpty, zero, shares * weighted).reshaped(to: step.operand.shape)
            }
        ]))

    static func cumulativeRule(
        _ operation: StaticString, where isDefined: @escaping @Sendable (DType) -> Bool
    ) -> UnaryRule {
        { type, _ throws(TensorError) in
            guard isDefined(type.dtype) else {
                throw TensorError(.dtypeMismatch, "\(operation): not defined for \(type)")
            }
            return type
        }
    }

    private static func cumulative(_ cumulation: mw_cumulation) -> UnaryKernel {
        { operand, attributes, type throws(TensorError) in
            guard case .axis(let axis) = attributes else { preconditionFailure("no axis") }
            let shape = type.shape
            let isInPlace = operand.layout.isContiguous && operand.isReusable(for: type)
            let result = isInPlace ? operand : try AnyTensor(uninitialized: shape, dtype: type.dtype)
            let values = try operand.contiguous()
            defer { extendLifetime(values) }
            let outer = (0..<axis).reduce(1) { $0 * shape[$1] }
            let inner = (axis + 1..<shape.rank).reduce(1) { $0 * shape[$1] }
            // Safe: both are contiguous and of this shape, and the kernel may work in place.
            unsafe mw_active_kernels().pointee.scan.cumulate(
                cumulation, type.dtype.kernel, outer, shape[axis], inner, result.firstByte, values.firstByte)
            return result
        }
    }
}

extension AnyTensor {
    /// The sum of all elements up to each along `axis`, itself included. Integers wrap around. float32 is added as float64
    /// and 16-bit floats as float32, each element of the result rounded once.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/dtypeMismatch`` for bools.
    public consuming func cumulativeSum(axis: Int = -1) throws(TensorError) -> AnyTensor {
        let axis = try AxisSet.position(of: axis, rank: rank, of: "cumulativeSum")
        return try Primitive.cumulativeSum.apply(&self, .axis(axis))
    }

    /// The product of all elements up to each along `axis`, itself included, as ``cumulativeSum(axis:)`` otherwise.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/dtypeMismatch`` for bools.
    public consuming func cumulativeProduct(axis: Int = -1) throws(TensorError) -> AnyTensor {
        let axis = try AxisSet.position(of: axis, rank: rank, of: "cumulativeProduct")
        return try Primitive.cumulativeProduct.apply(&self, .axis(axis))
    }

    /// The largest of all elements up to each along `axis`, itself included; NaN from the first NaN on.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/dtypeMismatch`` for bools.
    public consuming func cumulativeMaximum(axis: Int = -1) throws(TensorError) -> AnyTensor {
        let axis = try AxisSet.position(of: axis, rank: rank, of: "cumulativeMaximum")
        return try Primitive.cumulativeMaximum.apply(&self, .axis(axis))
    }

    /// The smallest of all elements up to each along `axis`, itself included; NaN from the first NaN on.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/dtypeMismatch`` for bools.
    public consuming func cumulativeMinimum(axis: Int = -1) throws(TensorError) -> AnyTensor {
        let axis = try AxisSet.position(of: axis, rank: rank, of: "cumulativeMinimum")
        return try Primitive.cumulativeMinimum.apply(&self, .axis(axis))
    }

    /// The logarithm of the sum of the exponentials of all elements up to each along `axis`, itself included, without
    /// overflow. Computed in float64 and rounded to float32 (16-bit floats: float32, then once more) for each element.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func cumulativeLogSumExp(axis: Int = -1) throws(TensorError) -> AnyTensor {
        let axis = try AxisSet.position(of: axis, rank: rank, of: "cumulativeLogSumExp")
        return try Primitive.cumulativeLogSumExp.apply(&self, .axis(axis))
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// The sum of all elements up to each along `axis`, itself included; integers wrap around.
    public consuming func cumulativeSum(axis: Int = -1) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().cumulativeSum(axis: axis) }
    }

    /// The product of all elements up to each along `axis`, itself included; integers wrap around.
    public consuming func cumulativeProduct(axis: Int = -1) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().cumulativeProduct(axis: axis) }
    }

    /// The largest of all elements up to each along `axis`, itself included; NaN from the first NaN on.
    public consuming func cumulativeMaximum(axis: Int = -1) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().cumulativeMaximum(axis: axis) }
    }

    /// The smallest of all elements up to each along `axis`, itself included; NaN from the first NaN on.
    public consuming func cumulativeMinimum(axis: Int = -1) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().cumulativeMinimum(axis: axis) }
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The logarithm of the sum of the exponentials of all elements up to each along `axis`, itself included.
    public consuming func cumulativeLogSumExp(axis: Int = -1) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().cumulativeLogSumExp(axis: axis) }
    }
}
