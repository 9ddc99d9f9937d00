import CTensorKernels

extension Primitive {
    /// `condition ? a : b` for each element; all three broadcast.
    package static let select: Primitive = Primitive(
        id: 12, name: "select",
        .ternary(
            rule: { condition, first, second, _ throws(TensorError) in
                try condition.require(.bool, in: "select")
                try first.requireSameType(as: second, in: "select")
                let values = try Shape.broadcast(first.shape, second.shape, in: "select")
                return TensorType(first.dtype, try Shape.broadcast(condition.shape, values, in: "select"))
            },
            kernel: { condition, first, second, _, type throws(TensorError) in
                let result = try ElementwiseResult(of: &first, &second, as: type)
                result.withStrides(of: condition) { shape, conditionStrides in
                    result.withStrides(of: first) { _, firstStrides in
                        result.withStrides(of: second) { _, secondStrides in
                            // Safe: both have elements of the result's type; the kernel moves bits only.
                            unsafe mw_active_kernels().pointee.elementwise.select(
                                type.dtype.byteWidth, result.rank, shape, result.tensor.firstByte,
                                condition.elements(), conditionStrides, first.firstByte, firstStrides,
                                second.firstByte, secondStrides)
                        }
                    }
                }
                return result.tensor
            }),
        derivative: .reverse([
            .constant,
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try AnyTensor.select(step.operands[0], cotangent, .scalar(0, dtype: step.result.dtype))
                    .summed(toOperandOf: step)
            },
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try AnyTensor.select(step.operands[0], .scalar(0, dtype: step.result.dtype), cotangent)
                    .summed(toOperandOf: step)
            },
        ]))
}

extension AnyTensor {
    /// Elements of `first` where `condition` holds and of `second` elsewhere. The three broadcast.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` unless the condition is bool and
    ///   the others have one type.
    public static func select(
        _ condition: consuming AnyTensor, _ first: consuming AnyTensor, _ second: consuming AnyTensor
    ) throws(TensorError) -> AnyTensor {
        try Primitive.select.apply(&condition, &first, &second)
    }
}

extension Tensor where Scalar == Bool {
    /// Elements of `first` where this tensor holds true and of `second` elsewhere. The three broadcast.
    public consuming func select<Value: TensorScalar>(
        _ first: consuming Tensor<Value>, _ second: consuming Tensor<Value>
    ) -> Tensor<Value> {
        Tensor<Value> { () throws(TensorError) in
            try Primitive.select.apply(&self.core, &first.core, &second.core)
        }
    }
}
