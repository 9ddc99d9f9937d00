import CTensorKernels

extension Primitive {
    /// Whether each number is no number, as bools; the other classes likewise. No integer is.
    package static let isNaN: Primitive = classification(1016, "isNaN", MW_FLOAT_IS_NAN, ofIntegers: false)
    package static let isInfinite: Primitive = classification(
        1017, "isInfinite", MW_FLOAT_IS_INFINITE, ofIntegers: false)
    package static let isFinite: Primitive = classification(1018, "isFinite", MW_FLOAT_IS_FINITE, ofIntegers: true)

    private static func classification(
        _ id: Int, _ name: StaticString, _ floatClass: mw_float_class, ofIntegers: Bool
    ) -> Primitive {
        Primitive(
            id: id, name: name,
            .unary(
                rule: { type, _ throws(TensorError) in
                    try type.require(.numbers, in: name)
                    return TensorType(.bool, type.shape)
                },
                kernel: { operand, _, type throws(TensorError) in
                    guard operand.dtype.isFloatingPoint else { return try .full(type.shape, ofIntegers) }
                    let result = try ElementwiseResult(new: type)
                    result.withStrides(of: operand) { shape, strides in
                        // Safe: the result holds a byte for each element, and the strides stay in the operand.
                        unsafe mw_active_kernels().pointee.elementwise.classify(
                            floatClass, operand.dtype.kernel, result.rank, shape, result.tensor.elements(),
                            operand.firstByte, strides)
                    }
                    return result.tensor
                }),
            derivative: .notDifferentiable)
    }
}

extension AnyTensor {
    /// Whether each number is NaN, as bools. No integer is.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` for bools.
    public consuming func isNaN() throws(TensorError) -> AnyTensor { try Primitive.isNaN.apply(&self) }

    /// Whether each number is plus or minus infinity, as bools. No integer is.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` for bools.
    public consuming func isInfinite() throws(TensorError) -> AnyTensor { try Primitive.isInfinite.apply(&self) }

    /// Whether each number is neither infinite nor NaN, as bools. Every integer is.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` for bools.
    public consuming func isFinite() throws(TensorError) -> AnyTensor { try Primitive.isFinite.apply(&self) }

    /// Each float, or another in the place of what is not finite: `nan` for NaN, and for the infinities the largest finite
    /// numbers of the type unless `positiveInfinity` and `negativeInfinity` say others.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public func replacingNonFinite(
        nan: Double = 0, positiveInfinity: Double? = nil, negativeInfinity: Double? = nil
    ) throws(TensorError) -> AnyTensor {
        try type.require(.floats, in: "replacingNonFinite")
        let dtype = self.dtype
        var result = try AnyTensor.select(self.isNaN(), .scalar(nan, dtype: dtype), self)
        result = try AnyTensor.select(
            result .== .infinity, .scalar(positiveInfinity ?? dtype.greatestFiniteMagnitude, dtype: dtype), result)
        return try AnyTensor.select(
            result .== -.infinity, .scalar(negativeInfinity ?? -dtype.greatestFiniteMagnitude, dtype: dtype), result)
    }

    /// Whether the elements of each pair are close: `|x - y| ≤ absolute + relative · |y|`, or equal, infinities among it.
    /// NaN is close to NaN only if `equalNaN`. Shapes broadcast. As NumPy's `isclose`, and not symmetric.
    ///
    /// - Parameters:
    ///   - relative: a share of the other's magnitude, 10⁻⁵ by default.
    ///   - absolute: for what is close to 0, 10⁻⁸ by default.
    ///   - equalNaN: whether two NaN count as close; false by default.
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` unless both are floats.
    public func isClose(
        to other: AnyTensor, relative: Double = 1e-5, absolute: Double = 1e-8, equalNaN: Bool = false
    ) throws(TensorError) -> AnyTensor {
        try type.require(.floats, in: "isClose")
        let distance = try (self - other).abs()
        let magnitude = try other.abs()
        // The tolerance of an infinite `other` is infinite, and would let every finite number pass.
        let isNear = try (distance .<= magnitude * relative + absolute) & other.isFinite()
        let isClose = try isNear | (self .== other)
        return equalNaN ? try isClose | (self.isNaN() & other.isNaN()) : isClose
    }
}

extension DType {
    /// The largest finite number of a type of floats.
    var greatestFiniteMagnitude: Double {
        switch self {
        case .float16: 65_504
        case .bfloat16: Double(BFloat16.greatestFiniteMagnitude)
        case .float32: Double(Float.greatestFiniteMagnitude)
        default: .greatestFiniteMagnitude
        }
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// Whether each element is NaN.
    public consuming func isNaN() -> Tensor<Bool> {
        Tensor<Bool> { () throws(TensorError) in try Primitive.isNaN.apply(&self.core) }
    }

    /// Whether each element is plus or minus infinity.
    public consuming func isInfinite() -> Tensor<Bool> {
        Tensor<Bool> { () throws(TensorError) in try Primitive.isInfinite.apply(&self.core) }
    }

    /// Whether each element is neither infinite nor NaN.
    public consuming func isFinite() -> Tensor<Bool> {
        Tensor<Bool> { () throws(TensorError) in try Primitive.isFinite.apply(&self.core) }
    }

    /// Each element, or another in the place of what is not finite: `nan` for NaN, and for the infinities the largest
    /// finite numbers of the type unless `positiveInfinity` and `negativeInfinity` say others.
    public func replacingNonFinite(
        nan: Double = 0, positiveInfinity: Double? = nil, negativeInfinity: Double? = nil
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try core.replacingNonFinite(
                nan: nan, positiveInfinity: positiveInfinity, negativeInfinity: negativeInfinity)
        }
    }

    /// Whether the elements of each pair are close: `|x - y| ≤ absolute + relative · |y|`, or equal. NaN is close to NaN
    /// only if `equalNaN`. Shapes broadcast.
    public func isClose(
        to other: Tensor, relative: Double = 1e-5, absolute: Double = 1e-8, equalNaN: Bool = false
    ) -> Tensor<Bool> {
        Tensor<Bool> { () throws(TensorError) in
            try core.isClose(to: other.core, relative: relative, absolute: absolute, equalNaN: equalNaN)
        }
    }
}
