import CTensorKernels

extension Primitive {
    /// The product over axes; integers wrap around. With a cotangent g: `ẋᵢ = g Πⱼ xⱼ` over all others, also where an
    /// element is 0.
    package static let product: Primitive = Primitive(
        id: 3001, name: "product",
        .unary(rule: reductionRule("product") { $0 != .bool }, kernel: reduction(MW_REDUCE_PRODUCT)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                let (axes, shape) = (step.attributes.reduced.axes, step.operand.shape)
                let kept = shape.indices.filter { !axes.contains($0) }
                let order = kept + shape.indices.filter { axes.contains($0) }
                let moved = try step.operand.transposed(order)
                let outer = kept.reduce(1) { $0 * shape[$1] }
                let others = try moved.reshaped(to: Shape([outer, step.reducedCount, 1])).productsOfOthers()
                    .reshaped(to: moved.shape).transposed(shape.indices.map { order.firstIndex(of: $0)! })
                return try others * cotangent.spread(overOperandOf: step)
            }
        ]))

    /// The product of integers, or of bools as 0 and 1, in another integer type.
    package static let integerProduct: Primitive = Primitive(
        id: 3002, name: "product(as:)",
        .unary(rule: integerRule("product(as:)"), kernel: reduction(MW_REDUCE_PRODUCT)),
        derivative: .notDifferentiable)
}

extension AnyTensor {
    /// The product over `axes`, or over all of them when nil; 1 of no elements. Reduced axes vanish, or stay with length 1.
    /// Integers wrap around in their own type; 16-bit floats are multiplied as float32 and rounded once.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/dtypeMismatch`` for bools.
    public consuming func product(axes: [Int]? = nil, keepsDimensions: Bool = false) throws(TensorError) -> AnyTensor {
        let attributes = try reduction(over: axes, keepsDimensions: keepsDimensions, of: "product")
        return try Primitive.product.apply(&self, attributes)
    }

    /// The product of integers, or of bools as 0 and 1, over `axes`, as elements of the integer type `dtype`.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/dtypeMismatch`` for floats, and unless `dtype` is an integer type.
    public consuming func product(
        axes: [Int]? = nil, keepsDimensions: Bool = false, as dtype: DType
    ) throws(TensorError) -> AnyTensor {
        let axes = try reducedAxes(axes, of: "product(as:)")
        return try Primitive.integerProduct.apply(&self, .reductionTo(dtype, axes, keepsDimensions: keepsDimensions))
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// The product over `axes`, or over all of them when nil; 1 of no elements. Integers wrap around in their own type.
    public consuming func product(axes: [Int]? = nil, keepsDimensions: Bool = false) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().product(axes: axes, keepsDimensions: keepsDimensions) }
    }
}

extension Tensor {
    /// The product of integers, or of bools as 0 and 1, over `axes`, in another integer type. Traps for floats.
    public consuming func product<Result: IntegerTensorScalar>(
        axes: [Int]? = nil, keepsDimensions: Bool = false, as type: Result.Type
    ) -> Tensor<Result> {
        Tensor<Result> { () throws(TensorError) in
            try self.core.take().product(axes: axes, keepsDimensions: keepsDimensions, as: Result.dtype)
        }
    }
}
