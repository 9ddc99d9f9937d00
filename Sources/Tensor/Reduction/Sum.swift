import CTensorKernels

extension Primitive {
    /// The sum over axes; integers wrap around.
    package static let sum: Primitive = Primitive(
        id: 19, name: "sum",
        .unary(rule: reductionRule("sum") { $0 != .bool }, kernel: reduction(MW_REDUCE_SUM)),
        derivative: .reverse([
            OperandDerivative { cotangent, step throws(TensorError) in try cotangent.spread(overOperandOf: step) }
        ]))

    /// The sum of integers, or of bools as 0 and 1, in another integer type.
    package static let integerSum: Primitive = Primitive(
        id: 3000, name: "sum(as:)",
        .unary(rule: integerRule("sum(as:)"), kernel: reduction(MW_REDUCE_SUM)), derivative: .notDifferentiable)

    /// The rule of a reduction of integers whose result is of another type.
    static func integerRule(_ operation: StaticString) -> UnaryRule {
        { type, attributes throws(TensorError) in
            guard case .reductionTo(let dtype, let axes, let keepsDimensions) = attributes else {
                preconditionFailure("no type of the result")
            }
            guard dtype.isInteger, !type.dtype.isFloatingPoint else {
                throw TensorError(.dtypeMismatch, "\(operation): not defined for \(type) as \(dtype)")
            }
            return TensorType(dtype, type.shape.reduced(over: axes, keepsDimensions: keepsDimensions))
        }
    }
}

extension AnyTensor {
    /// The sum over `axes`, or over all of them when nil; 0 of no elements. Reduced axes vanish, or stay with length 1.
    /// An axis may be counted from the back (−1 is the last).
    ///
    /// The result has the elements' own type, in which integers wrap around; ``sum(axes:keepsDimensions:as:)`` adds them
    /// in a wider one. 16-bit floats are added as float32 and rounded once.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/dtypeMismatch`` for bools.
    public consuming func sum(axes: [Int]? = nil, keepsDimensions: Bool = false) throws(TensorError) -> AnyTensor {
        let attributes = try reduction(over: axes, keepsDimensions: keepsDimensions, of: "sum")
        return try Primitive.sum.apply(&self, attributes)
    }

    /// The sum of integers, or of bools as 0 and 1, over `axes`, as elements of the integer type `dtype`, without a
    /// widened copy. What the Python array API does unasked is `as: .int64`, or `.uint64` for types without a sign.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/dtypeMismatch`` for floats, and unless `dtype` is an integer type.
    public consuming func sum(
        axes: [Int]? = nil, keepsDimensions: Bool = false, as dtype: DType
    ) throws(TensorError) -> AnyTensor {
        let axes = try reducedAxes(axes, of: "sum(as:)")
        return try Primitive.integerSum.apply(&self, .reductionTo(dtype, axes, keepsDimensions: keepsDimensions))
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// The sum over `axes`, or over all of them when nil; 0 of no elements. Reduced axes vanish, or stay with length 1.
    /// Integers wrap around in their own type.
    public consuming func sum(axes: [Int]? = nil, keepsDimensions: Bool = false) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().sum(axes: axes, keepsDimensions: keepsDimensions) }
    }
}

extension Tensor {
    /// The sum of integers, or of bools as 0 and 1, over `axes`, in another integer type, without a widened copy. Traps for
    /// floats.
    public consuming func sum<Result: IntegerTensorScalar>(
        axes: [Int]? = nil, keepsDimensions: Bool = false, as type: Result.Type
    ) -> Tensor<Result> {
        Tensor<Result> { () throws(TensorError) in
            try self.core.take().sum(axes: axes, keepsDimensions: keepsDimensions, as: Result.dtype)
        }
    }
}
