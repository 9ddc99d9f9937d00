import CTensorKernels

extension Primitive {
    /// Whether an element over axes is not 0.
    package static let any: Primitive = Primitive(
        id: 3010, name: "any",
        .unary(rule: reductionRule("any", as: .bool) { _ in true }, kernel: reduction(MW_REDUCE_ANY)),
        derivative: .notDifferentiable)

    /// Whether no element over axes is 0.
    package static let allTrue: Primitive = Primitive(
        id: 3011, name: "all",
        .unary(rule: reductionRule("all", as: .bool) { _ in true }, kernel: reduction(MW_REDUCE_ALL)),
        derivative: .notDifferentiable)

    /// How many elements over axes are not 0, as int64.
    package static let countNonzero: Primitive = Primitive(
        id: 3012, name: "countNonzero",
        .unary(rule: reductionRule("countNonzero", as: .int64) { _ in true }, kernel: reduction(MW_REDUCE_COUNT)),
        derivative: .notDifferentiable)
}

extension AnyTensor {
    /// Whether any element over `axes`, or over all of them when nil, is true, or a number other than 0 (NaN is one), as
    /// bools; false of no elements.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks.
    public consuming func any(axes: [Int]? = nil, keepsDimensions: Bool = false) throws(TensorError) -> AnyTensor {
        let attributes = try reduction(over: axes, keepsDimensions: keepsDimensions, of: "any")
        return try Primitive.any.apply(&self, attributes)
    }

    /// Whether all elements over `axes`, or over all of them when nil, are true, or numbers other than 0, as bools; true of
    /// no elements.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks.
    public consuming func all(axes: [Int]? = nil, keepsDimensions: Bool = false) throws(TensorError) -> AnyTensor {
        let attributes = try reduction(over: axes, keepsDimensions: keepsDimensions, of: "all")
        return try Primitive.allTrue.apply(&self, attributes)
    }

    /// How many elements over `axes`, or over all of them when nil, are true, or numbers other than 0, as int64.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks.
    public consuming func countNonzero(
        axes: [Int]? = nil, keepsDimensions: Bool = false
    ) throws(TensorError) -> AnyTensor {
        let attributes = try reduction(over: axes, keepsDimensions: keepsDimensions, of: "countNonzero")
        return try Primitive.countNonzero.apply(&self, attributes)
    }
}

extension Tensor {
    /// Whether any element over `axes`, or over all of them when nil, is true, or a number other than 0.
    public consuming func any(axes: [Int]? = nil, keepsDimensions: Bool = false) -> Tensor<Bool> {
        Tensor<Bool> { () throws(TensorError) in
            try self.core.take().any(axes: axes, keepsDimensions: keepsDimensions)
        }
    }

    /// Whether all elements over `axes`, or over all of them when nil, are true, or numbers other than 0.
    public consuming func all(axes: [Int]? = nil, keepsDimensions: Bool = false) -> Tensor<Bool> {
        Tensor<Bool> { () throws(TensorError) in
            try self.core.take().all(axes: axes, keepsDimensions: keepsDimensions)
        }
    }

    /// How many elements over `axes`, or over all of them when nil, are true, or numbers other than 0.
    public consuming func countNonzero(axes: [Int]? = nil, keepsDimensions: Bool = false) -> Tensor<Int64> {
        Tensor<Int64> { () throws(TensorError) in
            try self.core.take().countNonzero(axes: axes, keepsDimensions: keepsDimensions)
        }
    }
}
