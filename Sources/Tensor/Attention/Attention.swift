import CTensorKernels

extension Primitive {
    /// `softmax(scale · q kᵀ + mask) v` for each head, without a matrix of all scores. Operands: queries
    /// `[batch, heads, queries, width]`, keys `[batch, key heads, keys, width]`, values
    /// `[batch, key heads, keys, value width]`, and where given a mask that broadcasts to
    /// `[batch, heads, queries, keys]` and is added. All of float32, or all of float64, which is made of products and
    /// softmax for a block of queries at a time.
    ///
    /// Derivatives make the probabilities `p` again. With a cotangent `g`: `v̇ = pᵀ g`; the scores' is
    /// `ṡ = p ∘ (g vᵀ - Σ over keys of p ∘ g vᵀ)`, and `q̇ = scale · ṡ k`, `k̇ = scale · ṡᵀ q`, the mask's `ṡ`.
    package static let attention: Primitive = Primitive(
        id: 7_200, name: "attention",
        .variadic(
            rule: { types, _ throws(TensorError) in try attentionRule(types) },
            kernel: { operands, attributes, type throws(TensorError) in
                if type.dtype == .float64 { return try AttentionHeads.attention(operands, attributes, type) }
                guard case .attention(let scale, let isCausal) = attributes else { preconditionFailure("no scale") }
                let queries = try operands[0].withContiguousRows()
                let keys = try operands[1].withContiguousRows()
                let values = try operands[2].withContiguousRows()
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                var shape = mw_attention()
                shape.batch = type.shape[0]
                shape.heads = type.shape[1]
                shape.key_heads = keys.shape[1]
                shape.queries = type.shape[2]
                shape.keys = keys.shape[2]
                shape.width = queries.shape[3]
                shape.value_width = type.shape[3]
                shape.query_strides = queries.layout.rowStrides
                shape.key_strides = keys.layout.rowStrides
                shape.value_strides = values.layout.rowStrides
                shape.scale = Float(scale)
                shape.is_causal = isCausal
                let mask = operands.count > 3 ? operands[3] : nil
                if let mask {
                    let target = try Shape([shape.batch, shape.heads, shape.queries, shape.keys])
                    let strides = mask.layout.strides(broadcastTo: target)
                    shape.mask_strides = (strides[0], strides[1], strides[2], strides[3])
                }
                // Safe: the shapes and strides are those of the operands, whose rows are contiguous, and of the result.
                let succeeded = unsafe mw_active_kernels().pointee.attention.attention_f32(
                    &shape, result.elements(), queries.elements(), keys.elements(), values.elements(),
                    mask?.elements())
                guard succeeded else { throw TensorError(.outOfMemory, "attention: no memory for a block of scores") }
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: [.first, .second, .third, .fourth]) { cotangent, step throws(TensorError) in
                let heads = try AttentionHeads(step)
                let scores = try heads.scoreCotangent(cotangent)
                return try (heads.sum(of: heads.keys, weightedBy: scores) * heads.scale)
                    .reshaped(to: step.operand.shape)
            },
            OperandDerivative(saving: [.first, .second, .third, .fourth]) { cotangent, step throws(TensorError) in
                let heads = try AttentionHeads(step)
                let each = try heads.sum(of: heads.queries, forKeysBy: heads.scoreCotangent(cotangent))
                return try heads.summedOverGroup(each * heads.scale, to: step.operand.shape)
            },
            OperandDerivative(saving: [.first, .second, .fourth]) { cotangent, step throws(TensorError) in
                let heads = try AttentionHeads(step)
                let each = try heads.sum(of: heads.grouped(cotangent), forKeysBy: heads.probabilities)
                return try heads.summedOverGroup(each, to: step.operand.shape)
            },
            OperandDerivative(saving: [.first, .second, .third, .fourth]) { cotangent, step throws(TensorError) in
                let heads = try AttentionHeads(step)
                let shape = try Shape([
                    step.operands[0].shape[0], step.operands[0].shape[1], step.operands[0].shape[2],
                    step.operands[1].shape[2],
                ])
                return try heads.scoreCotangent(cotangent).reshaped(to: shape).summed(toOperandOf: step)
            },
        ]))

    private static func attentionRule(_ types: [TensorType]) throws(TensorError) -> TensorType {
        let (queries, keys, values) = (types[0].shape, types[1].shape, types[2].shape)
        try types[0].require(.float32, .float64, in: "attention")
        for type in types { try types[0].requireSameType(as: type, in: "attention") }
        guard queries.rank == 4, keys.rank == 4, values.rank == 4, queries[0] == keys[0], keys[0] == values[0],
            keys[1] == values[1], keys[2] == values[2], queries[3] == keys[3], keys[1] > 0,
            queries[1] % keys[1] == 0
        else {
            throw TensorError(
                .shapeMismatch,
                "attention: queries \(queries), keys \(keys) and values \(values) are not [batch, heads, queries, width], "
                    + "[batch, key heads, keys, width] and [batch, key heads, keys, value width]")
        }
        let scores = try Shape([queries[0], queries[1], queries[2], keys[2]])
        if types.count > 3, !types[3].shape.broadcasts(to: scores) {
            throw TensorError(
                .shapeMismatch, "attention: a mask \(types[3].shape) does not broadcast to scores \(scores)")
        }
        return TensorType(types[0].dtype, try Shape([queries[0], queries[1], queries[2], values[3]]))
    }
}

extension AnyTensor {
    /// This tensor, or a packed copy where elements of its last axis do not follow each other.
    fileprivate func withContiguousRows() throws(TensorError) -> AnyTensor {
        shape[rank - 1] <= 1 || layout.strides[rank - 1] == 1 ? self : try contiguous()
    }
}

extension Layout {
    fileprivate var rowStrides: (Int, Int, Int) { (strides[0], strides[1], strides[2]) }
}
