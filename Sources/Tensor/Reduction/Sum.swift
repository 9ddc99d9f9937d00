import CTensorKernels

extension Primitive {
    /// The sum over axes; integers wrap around.
    package static let sum: Primitive = Primitive(
        id: 19, name: "sum",
        .unary(rule: reductionRule("sum", .float32, .int32), kernel: reduction(MW_REDUCE_SUM)),
        derivative: .reverse([
            OperandDerivative { cotangent, step throws(TensorError) in try cotangent.spread(overOperandOf: step) }
        ]))
}

extension AnyTensor {
    /// The sum over `axes`, or over all of them when nil; 0 of no elements. Reduced axes vanish, or stay with length 1.
    /// An axis may be counted from the back (−1 is the last).
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/dtypeMismatch`` for bools.
    public consuming func sum(axes: [Int]? = nil, keepsDimensions: Bool = false) throws(TensorError) -> AnyTensor {
        let attributes = try reduction(over: axes, keepsDimensions: keepsDimensions, of: "sum")
        return try Primitive.sum.apply(&self, attributes)
    }

    /// The arithmetic mean over `axes`, or over all of them when nil: the sum divided by the number of elements; NaN of
    /// none.
    ///
    /// - Throws: as ``sum(axes:keepsDimensions:)``; ``TensorError/Code/dtypeMismatch`` unless float32.
    public consuming func mean(axes: [Int]? = nil, keepsDimensions: Bool = false) throws(TensorError) -> AnyTensor {
        try type.require(.float32, in: "mean")
        let before = elementCount
        let shape = self.shape
        let attributes = try reduction(over: axes, keepsDimensions: keepsDimensions, of: "mean")
        guard case .reduction(let reduced, _) = attributes else { preconditionFailure("no axes to reduce") }
        let after = shape.reduced(over: reduced, keepsDimensions: false).elementCount
        let sum = try Primitive.sum.apply(&self, attributes)
        return try sum / .scalar(after == 0 ? 1 : Float(before / after))
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// The sum over `axes`, or over all of them when nil; 0 of no elements. Reduced axes vanish, or stay with length 1.
    public consuming func sum(axes: [Int]? = nil, keepsDimensions: Bool = false) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().sum(axes: axes, keepsDimensions: keepsDimensions) }
    }
}

extension Tensor where Scalar == Float {
    /// The arithmetic mean over `axes`, or over all of them when nil; NaN of no elements.
    public consuming func mean(axes: [Int]? = nil, keepsDimensions: Bool = false) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().mean(axes: axes, keepsDimensions: keepsDimensions) }
    }
}
