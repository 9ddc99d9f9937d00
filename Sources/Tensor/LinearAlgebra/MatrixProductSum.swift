import CTensorKernels

extension Primitive {
    /// `bias + a · b` in one pass: the product is added to the bias, which broadcasts to it.
    package static let matrixProductSum: Primitive = Primitive(
        id: 5_000, name: "addingProduct",
        .ternary(
            rule: { bias, left, right, _ throws(TensorError) in
                let type = try matrixProductType(left, right, in: "addingProduct")
                try bias.requireSameType(as: type, in: "addingProduct")
                guard bias.shape.broadcasts(to: type.shape) else {
                    throw TensorError(
                        .shapeMismatch, "addingProduct: \(bias.shape) does not broadcast to the product's \(type.shape)"
                    )
                }
                return type
            },
            kernel: { bias, left, right, _, type throws(TensorError) in
                let plan = ProductPlan(left.layout, right.layout, type)
                if bias.isReusable(for: type), bias.isContiguous {
                    let result = bias.take()
                    plan.multiply(left, right, into: result, accumulate: true)
                    return result
                }
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                bias.layout = bias.layout.broadcast(to: type.shape)
                // Safe: the result is new, and has the layout that is passed.
                unsafe bias.copyElements(to: result.firstByte, layout: result.layout)
                plan.multiply(left, right, into: result, accumulate: true)
                return result
            }),
        derivative: .reverse([
            OperandDerivative { cotangent, step throws(TensorError) in try cotangent.summed(toOperandOf: step) },
            OperandDerivative(saving: .third) { cotangent, step throws(TensorError) in
                try cotangent.matmul(step.operands[2].transposed()).summed(toOperandOf: step)
            },
            OperandDerivative(saving: .second) { cotangent, step throws(TensorError) in
                try step.operands[1].transposed().matmul(cotangent).summed(toOperandOf: step)
            },
        ]))
}

extension AnyTensor {
    /// This tensor plus the product of two matrices, `self + left · right`, in one pass. The tensor broadcasts to the
    /// product `[…, m, n]`; where it has that shape and nothing else refers to it, it is added to in place.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, also for vectors; ``TensorError/Code/dtypeMismatch`` for bools and
    ///   for types that differ.
    public consuming func addingProduct(
        of left: consuming AnyTensor, _ right: consuming AnyTensor
    ) throws(TensorError) -> AnyTensor {
        try Primitive.matrixProductSum.apply(&self, &left, &right)
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// This tensor plus the product of two matrices, `self + left · right`, in one pass. The tensor broadcasts to the
    /// product `[…, m, n]`; where it has that shape and nothing else refers to it, it is added to in place.
    public consuming func addingProduct(of left: consuming Tensor, _ right: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in
            try Primitive.matrixProductSum.apply(&self.core, &left.core, &right.core)
        }
    }
}
