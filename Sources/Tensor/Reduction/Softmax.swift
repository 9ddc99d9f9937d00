import CTensorKernels

extension Primitive {
    /// `yⱼ = exp(xⱼ) / Σₖ exp(xₖ)` along the last axis, shifted by the maximum so that nothing overflows.
    /// With a cotangent `g`: `ẋ = y ∘ (g - Σⱼ gⱼ yⱼ)`.
    package static let softmax: Primitive = Primitive(
        id: 22, name: "softmax",
        .unary(
            rule: rowsRule("softmax"),
            kernel: { operand, _, type throws(TensorError) in
                try rowwise(&operand, type) { rows, result in
                    // Safe: the result has as many elements as the rows.
                    unsafe mw_active_kernels().pointee.rows.softmax(
                        type.dtype.kernel, rows.count, rows.width, result.firstByte, rows.tensor.firstByte,
                        rows.stride)
                }
            }),
        derivative: .reverse([
            OperandDerivative(saving: .result) { cotangent, step throws(TensorError) in
                let weighted = try cotangent * step.result
                let total = try weighted.sum(axes: [-1], keepsDimensions: true)
                return try weighted - step.result * total
            }
        ]))

    /// `yⱼ = xⱼ - log Σₖ exp(xₖ)` along the last axis. With a cotangent `g`: `ẋ = g - eʸ Σⱼ gⱼ`.
    package static let logSoftmax: Primitive = Primitive(
        id: 23, name: "logSoftmax",
        .unary(
            rule: rowsRule("logSoftmax"),
            kernel: { operand, _, type throws(TensorError) in
                try rowwise(&operand, type) { rows, result in
                    // Safe: as for softmax.
                    unsafe mw_active_kernels().pointee.rows.log_softmax(
                        type.dtype.kernel, rows.count, rows.width, result.firstByte, rows.tensor.firstByte,
                        rows.stride)
                }
            }),
        derivative: .reverse([
            OperandDerivative(saving: .result) { cotangent, step throws(TensorError) in
                let total = try cotangent.sum(axes: [-1], keepsDimensions: true)
                return try cotangent - step.result.exp() * total
            }
        ]))

    /// Runs a kernel over the rows of an operand, in place where the operand allows it; the kernel says whether there was
    /// memory for its working space.
    static func rowwise(
        _ operand: inout AnyTensor, _ type: TensorType, innerAxes: Int = 1, _ kernel: (Rows, AnyTensor) -> Bool
    ) throws(TensorError) -> AnyTensor {
        let result =
            operand.layout.isContiguous && operand.isReusable(for: type)
            ? operand : try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
        guard kernel(try Rows(of: operand, innerAxes: innerAxes), result) else {
            throw TensorError(.outOfMemory, "no memory for a widened row of \(type)")
        }
        return result
    }
}

extension AnyTensor {
    /// The exponentials along `axis`, scaled so that they add up to 1. Values of only -∞ give NaN.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/dtypeMismatch`` unless of a float type.
    public consuming func softmax(axis: Int = -1) throws(TensorError) -> AnyTensor {
        let axis = try AxisSet.position(of: axis, rank: rank, of: "softmax")
        var rows = try self.swappingLast(with: axis)
        return try Primitive.softmax.apply(&rows).swappingLast(with: axis)
    }

    /// The logarithm of ``softmax(axis:)``, without its underflow.
    ///
    /// - Throws: as ``softmax(axis:)``.
    public consuming func logSoftmax(axis: Int = -1) throws(TensorError) -> AnyTensor {
        let axis = try AxisSet.position(of: axis, rank: rank, of: "logSoftmax")
        var rows = try self.swappingLast(with: axis)
        return try Primitive.logSoftmax.apply(&rows).swappingLast(with: axis)
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The exponentials along `axis`, scaled so that they add up to 1. Values of only -∞ give NaN.
    public consuming func softmax(axis: Int = -1) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().softmax(axis: axis) }
    }

    /// The logarithm of ``softmax(axis:)``, without its underflow.
    public consuming func logSoftmax(axis: Int = -1) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().logSoftmax(axis: axis) }
    }
}
