import CTensorKernels

extension Primitive {
    /// The elements in another type.
    package static let cast: Primitive = Primitive(
        id: 13, name: "cast",
        .unary(
            rule: { type, attributes throws(TensorError) in
                guard case .dtype(let dtype) = attributes else { preconditionFailure("no type to cast to") }
                try type.require(.float32, .int32, .bool, in: "cast")
                try TensorType(dtype, type.shape).require(.float32, .int32, .bool, in: "cast")
                return TensorType(dtype, type.shape)
            },
            kernel: { operand, _, type throws(TensorError) in
                if operand.dtype == type.dtype { return operand.take() }
                let result = try ElementwiseResult(new: type)
                result.withStrides(of: operand) { shape, strides in
                    // Safe: the types are those that the operand and the result hold.
                    unsafe mw_active_kernels().pointee.elementwise.convert(
                        type.dtype.kernel, operand.dtype.kernel, result.rank, shape, result.tensor.firstByte,
                        operand.firstByte, strides)
                }
                return result.tensor
            }),
        // Between types one side is not a float, and a cast of a float to itself never reaches the primitive.
        derivative: .notDifferentiable)
}

extension AnyTensor {
    /// The elements in another type. Float to integer rounds toward zero and saturates, and NaN gives 0; to bool,
    /// whatever is not 0 is true.
    ///
    /// - Throws: ``TensorError/Code/outOfMemory``.
    public consuming func cast(to dtype: DType) throws(TensorError) -> AnyTensor {
        if dtype == self.dtype { return self }
        return try Primitive.cast.apply(&self, .dtype(dtype))
    }
}

extension Tensor {
    /// The elements in another type. Float to integer rounds toward zero and saturates, and NaN gives 0; to bool,
    /// whatever is not 0 is true.
    public consuming func cast<Other: TensorScalar>(to type: Other.Type = Other.self) -> Tensor<Other> {
        Tensor<Other> { () throws(TensorError) in try self.core.take().cast(to: Other.dtype) }
    }
}
