import CTensorKernels

extension Primitive {
    /// The elements in another type, where one of the two is not a float: constant, or without meaning for a gradient.
    package static let cast: Primitive = Primitive(
        id: 13, name: "cast", .unary(rule: castRule, kernel: castKernel), derivative: .notDifferentiable)

    /// The floats in another type of floats, with derivative 1.
    package static let floatCast: Primitive = Primitive(
        id: 1000, name: "floatCast", .unary(rule: castRule, kernel: castKernel),
        derivative: .reverse([
            OperandDerivative { cotangent, step throws(TensorError) in try cotangent.cast(to: step.operand.dtype) }
        ]))

    private static let castRule: UnaryRule = { type, attributes throws(TensorError) in
        guard case .dtype(let dtype) = attributes else { preconditionFailure("no type to cast to") }
        return TensorType(dtype, type.shape)
    }

    private static let castKernel: UnaryKernel = { operand, _, type throws(TensorError) in
        if operand.dtype == type.dtype { return operand.take() }
        let result = try ElementwiseResult(new: type)
        result.withStrides(of: operand) { shape, strides in
            // Safe: the types are those that the operand and the result hold.
            unsafe mw_active_kernels().pointee.elementwise.convert(
                type.dtype.kernel, operand.dtype.kernel, result.rank, shape, result.tensor.firstByte,
                operand.firstByte, strides)
        }
        return result.tensor
    }
}

extension AnyTensor {
    /// The elements in another type. Float to integer rounds toward zero and saturates, and NaN gives 0; integers become
    /// other integers modulo their range; to floats is rounded to nearest, ties to even; to bool, whatever is not 0 is
    /// true.
    ///
    /// - Throws: ``TensorError/Code/outOfMemory``.
    public consuming func cast(to dtype: DType) throws(TensorError) -> AnyTensor {
        if dtype == self.dtype { return self }
        let isBetweenFloats = dtype.isFloatingPoint && self.dtype.isFloatingPoint
        return try (isBetweenFloats ? Primitive.floatCast : .cast).apply(&self, .dtype(dtype))
    }
}

extension Tensor {
    /// The elements in another type. Float to integer rounds toward zero and saturates, and NaN gives 0; integers become
    /// other integers modulo their range; to floats is rounded to nearest, ties to even; to bool, whatever is not 0 is
    /// true.
    public consuming func cast<Other: TensorScalar>(to type: Other.Type = Other.self) -> Tensor<Other> {
        Tensor<Other> { () throws(TensorError) in try self.core.take().cast(to: Other.dtype) }
    }
}
