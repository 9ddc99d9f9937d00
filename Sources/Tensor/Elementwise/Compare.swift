import CTensorKernels

/// An order relation of two elements. With a NaN only ``notEqual`` holds.
package enum Comparison: Sendable, Hashable, CaseIterable {
    case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual

    fileprivate var kernel: mw_comparison {
        switch self {
        case .equal: MW_COMPARISON_EQUAL
        case .notEqual: MW_COMPARISON_NOT_EQUAL
        case .less: MW_COMPARISON_LESS
        case .lessOrEqual: MW_COMPARISON_LESS_EQUAL
        case .greater: MW_COMPARISON_GREATER
        case .greaterOrEqual: MW_COMPARISON_GREATER_EQUAL
        }
    }
}

extension Primitive {
    /// Whether a relation holds between each pair of elements, as bools.
    package static let compare: Primitive = Primitive(
        id: 11, name: "compare",
        .binary(
            rule: { left, right, _ throws(TensorError) in
                try left.requireSameType(as: right, in: "compare")
                return TensorType(.bool, try Shape.broadcast(left.shape, right.shape, in: "compare"))
            },
            kernel: { left, right, attributes, type throws(TensorError) in
                guard case .comparison(let comparison) = attributes else { preconditionFailure("no comparison") }
                let result = try ElementwiseResult(new: type)
                result.withStrides(of: left) { shape, leftStrides in
                    result.withStrides(of: right) { _, rightStrides in
                        // Safe: the result holds a byte for each element, and the strides stay in the operands.
                        unsafe mw_active_kernels().pointee.elementwise.compare(
                            comparison.kernel, left.dtype.kernel, result.rank, shape, result.tensor.elements(),
                            left.firstByte, leftStrides, right.firstByte, rightStrides)
                    }
                }
                return result.tensor
            }),
        derivative: .notDifferentiable)
}

extension AnyTensor {
    /// Whether each pair of elements is equal, as bools; the other comparisons likewise. Shapes broadcast. Of bools,
    /// false is less than true.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch``.
    public static func .== (left: consuming AnyTensor, right: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.compare.apply(&left, &right, .comparison(.equal))
    }

    /// Whether each pair of elements differs.
    ///
    /// - Throws: as `.==`.
    public static func .!= (left: consuming AnyTensor, right: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.compare.apply(&left, &right, .comparison(.notEqual))
    }

    /// Whether each left element is less than the right one.
    ///
    /// - Throws: as `.==`.
    public static func .< (left: consuming AnyTensor, right: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.compare.apply(&left, &right, .comparison(.less))
    }

    /// Whether each left element is at most the right one.
    ///
    /// - Throws: as `.==`.
    public static func .<= (left: consuming AnyTensor, right: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.compare.apply(&left, &right, .comparison(.lessOrEqual))
    }

    /// Whether each left element is greater than the right one.
    ///
    /// - Throws: as `.==`.
    public static func .> (left: consuming AnyTensor, right: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.compare.apply(&left, &right, .comparison(.greater))
    }

    /// Whether each left element is at least the right one.
    ///
    /// - Throws: as `.==`.
    public static func .>= (left: consuming AnyTensor, right: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.compare.apply(&left, &right, .comparison(.greaterOrEqual))
    }
}

extension Tensor {
    /// Whether each pair of elements is equal; the other comparisons likewise. Shapes broadcast.
    public static func .== (left: consuming Tensor, right: consuming Tensor) -> Tensor<Bool> {
        compare(.equal, &left, &right)
    }

    /// Whether each pair of elements differs.
    public static func .!= (left: consuming Tensor, right: consuming Tensor) -> Tensor<Bool> {
        compare(.notEqual, &left, &right)
    }

    /// Whether each left element is less than the right one.
    public static func .< (left: consuming Tensor, right: consuming Tensor) -> Tensor<Bool> {
        compare(.less, &left, &right)
    }

    /// Whether each left element is at most the right one.
    public static func .<= (left: consuming Tensor, right: consuming Tensor) -> Tensor<Bool> {
        compare(.lessOrEqual, &left, &right)
    }

    /// Whether each left element is greater than the right one.
    public static func .> (left: consuming Tensor, right: consuming Tensor) -> Tensor<Bool> {
        compare(.greater, &left, &right)
    }

    /// Whether each left element is at least the right one.
    public static func .>= (left: consuming Tensor, right: consuming Tensor) -> Tensor<Bool> {
        compare(.greaterOrEqual, &left, &right)
    }

    static func compare(_ comparison: Comparison, _ left: inout Tensor, _ right: inout Tensor) -> Tensor<Bool> {
        Tensor<Bool> { () throws(TensorError) in
            try Primitive.compare.apply(&left.core, &right.core, .comparison(comparison))
        }
    }
}
