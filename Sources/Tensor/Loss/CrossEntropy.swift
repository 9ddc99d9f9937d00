import CTensorKernels

extension Primitive {
    /// `log Σⱼ exp(zⱼ) - z_label` for each row of logits: `[…, classes]` and int32 labels `[…]` give `[…]`.
    package static let crossEntropy: Primitive = Primitive(
        id: 28, name: "crossEntropy",
        .binary(
            rule: { logits, labels, _ throws(TensorError) in
                try logits.require(.float32, in: "crossEntropy")
                try requireClasses(logits, labels, in: "crossEntropy")
                return TensorType(.float32, labels.shape)
            },
            kernel: { logits, labels, _, type throws(TensorError) in
                let rows = try Rows(of: logits.take())
                let labels = try labels.checkedIndices(below: rows.width, in: "crossEntropy: labels")
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                // Safe: a label and a result for each row, and every label names a class.
                unsafe mw_active_kernels().pointee.rows.cross_entropy_f32(
                    rows.count, rows.width, result.elements(), rows.tensor.elements(), rows.stride, labels.elements())
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: [.first, .second]) { cotangent, step throws(TensorError) in
                try Primitive.crossEntropyGradient.applied(to: step.operands[0], step.operands[1], cotangent)
            },
            .constant,
        ]))

    /// `u (softmax(z) - onehot(label))` for each row, with an upstream cotangent `u` for each: `[…, classes]`.
    ///
    /// With a cotangent `c` of the result and `p = softmax(z)`: `ż = u · p ∘ (c - Σⱼ cⱼ pⱼ)` and
    /// `u̇ = Σⱼ cⱼ (p - onehot(label))ⱼ`.
    package static let crossEntropyGradient: Primitive = Primitive(
        id: 29, name: "crossEntropyGradient",
        .ternary(
            rule: { logits, labels, upstream, _ throws(TensorError) in
                try logits.require(.float32, in: "crossEntropyGradient")
                try requireClasses(logits, labels, in: "crossEntropyGradient")
                guard upstream == TensorType(.float32, labels.shape) else {
                    throw TensorError(
                        .shapeMismatch, "crossEntropyGradient: upstream \(upstream) for labels \(labels)")
                }
                return logits
            },
            kernel: { logits, labels, upstream, _, type throws(TensorError) in
                let rows = try Rows(of: logits.take())
                let labels = try labels.checkedIndices(below: rows.width, in: "crossEntropyGradient: labels")
                // A mean's cotangent is one value repeated: a stride of 0, which needs no copy.
                let merged = upstream.layout.stride(ofMergedAxes: 0..<upstream.rank)
                let scales = merged == nil ? try upstream.contiguous() : upstream
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                // Safe: a label and an upstream value for each row, and every label names a class.
                unsafe mw_active_kernels().pointee.rows.cross_entropy_gradient_f32(
                    rows.count, rows.width, result.elements(), rows.tensor.elements(), rows.stride, labels.elements(),
                    scales.elements(), merged ?? 1)
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: [.first, .third]) { cotangent, step throws(TensorError) in
                let probabilities = try step.operands[0].softmax()
                let upstream = try step.operands[2].asColumn()
                let weighted = try cotangent * probabilities
                let total = try weighted.sum(axes: [-1], keepsDimensions: true)
                return try (weighted - probabilities * total) * upstream
            },
            .constant,
            OperandDerivative(saving: [.first, .second]) { cotangent, step throws(TensorError) in
                let labels = step.operands[1]
                let ones = try AnyTensor.scalar(Float(1)).broadcast(to: labels.shape)
                let slope = try Primitive.crossEntropyGradient.applied(to: step.operands[0], labels, ones)
                return try (cotangent * slope).sum(axes: [-1])
            },
        ]))

    fileprivate static func requireClasses(
        _ logits: TensorType, _ labels: TensorType, in operation: StaticString
    ) throws(TensorError) {
        try logits.require(.floats, in: operation)
        try labels.require(.int32, in: operation)
        guard logits.shape.rank >= 1, logits.shape.dropLast().elementsEqual(labels.shape) else {
            throw TensorError(
                .shapeMismatch, "\(operation): logits \(logits.shape) are not […, classes] for labels \(labels.shape)")
        }
    }
}

extension AnyTensor {
    /// The same elements with an axis of length 1 after the last.
    fileprivate consuming func asColumn() throws(TensorError) -> AnyTensor {
        let shape = try Shape(Array(shape) + [1])
        return try self.reshaped(to: shape)
    }

    /// The cross-entropy, in nats, of each row of logits with its label, of any integer type: `[…, classes]` and `[…]`
    /// give `[…]`.
    ///
    /// 16-bit floats are computed in float32, and the result is rounded to their type.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for a label that names no class,
    ///   ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` unless the logits are floats.
    public consuming func crossEntropy(labels: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        let dtype = self.dtype
        labels = try labels.classLabels(in: "crossEntropy")
        if dtype == .float32 { return try Primitive.crossEntropy.apply(&self, &labels) }
        try Primitive.requireClasses(type, labels.type, in: "crossEntropy")
        if dtype == .float64 {
            return try self.logSoftmax().picked(by: labels, in: "crossEntropy: labels").negated()
        }
        var logits = try self.cast(to: dtype.wide)
        return try Primitive.crossEntropy.apply(&logits, &labels).cast(to: dtype)
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The cross-entropy, in nats, of each row of logits with its label: `[…, classes]` and `[…]` give `[…]`. Traps for
    /// a label that names no class; labels from data belong to ``AnyTensor/crossEntropy(labels:)``.
    public consuming func crossEntropy<Label: IntegerTensorScalar>(labels: consuming Tensor<Label>) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().crossEntropy(labels: labels.core) }
    }
}
