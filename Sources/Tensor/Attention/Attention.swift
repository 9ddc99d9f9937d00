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
                return try (heads.scoreCotangent(cotangent).matmul(heads.keys) * heads.scale)
                    .reshaped(to: step.operand.shape)
            },
            OperandDerivative(saving: [.first, .second, .third, .fourth]) { cotangent, step throws(TensorError) in
                let heads = try AttentionHeads(step)
                let each = try heads.scoreCotangent(cotangent).transposed().matmul(heads.queries)
                return try heads.summedOverGroup(each * heads.scale, to: step.operand.shape)
            },
            OperandDerivative(saving: [.first, .second, .fourth]) { cotangent, step throws(TensorError) in
                let heads = try AttentionHeads(step)
                let each = try heads.probabilities.transposed().matmul(heads.grouped(cotangent))
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

/// Attention made of primitives, with the heads that share keys along an axis of their own:
/// `[batch, key heads, group, …, …]`.
private struct AttentionHeads {
    let queries: AnyTensor
    let keys: AnyTensor
    let probabilities: AnyTensor
    let scale: Double
    private let values: AnyTensor
    private let group: Int
    private let isCausal: Bool

    /// The heads of an application of the primitive, whose operands may be traced.
    init(_ step: ReverseStep) throws(TensorError) {
        let mask = step.operands.count > 3 ? step.operands[3] : nil
        try self.init(step.operands[0], step.operands[1], step.operands[2], mask, step.attributes, firstQuery: 0)
    }

    /// The heads of queries that come after `firstQuery` others; the mask broadcasts to the scores of these queries.
    private init(
        _ query: AnyTensor, _ key: AnyTensor, _ value: AnyTensor, _ mask: AnyTensor?, _ attributes: Attributes,
        firstQuery: Int
    ) throws(TensorError) {
        guard case .attention(let scale, let isCausal) = attributes else { preconditionFailure("no scale") }
        (self.scale, self.isCausal) = (scale, isCausal)
        group = query.shape[1] / key.shape[1]
        let keyHeads = key.shape[1]
        queries = try query.reshaped(
            to: Shape([query.shape[0], keyHeads, group, query.shape[2], query.shape[3]]))
        keys = try key.reshaped(to: Shape([key.shape[0], keyHeads, 1, key.shape[2], key.shape[3]]))
        values = try value.reshaped(to: Shape([value.shape[0], keyHeads, 1, value.shape[2], value.shape[3]]))
        var scores = try queries.matmul(keys.transposed()) * scale
        let (rows, columns) = (query.shape[2], key.shape[2])
        if let mask {
            let whole = try Shape([query.shape[0], query.shape[1], rows, columns])
            scores = try scores + mask.broadcast(to: whole).reshaped(to: scores.shape)
        }
        if isCausal {
            let isSeen = try AnyTensor.triangle(rows, columns, diagonal: firstQuery)
            scores = try .select(isSeen, scores, .scalar(-.infinity, dtype: scores.dtype))
        }
        probabilities = try scores.softmax()
    }

    /// The primitive's result, for as many queries at a time as keep the scores to a few MiB.
    static func attention(
        _ operands: [AnyTensor], _ attributes: Attributes, _ type: TensorType
    ) throws(TensorError) -> AnyTensor {
        let (count, keys) = (type.shape[2], operands[1].shape[2])
        // A query without keys is a mean of nothing.
        guard keys > 0 else { return try .full(type.shape, number: .nan, dtype: type.dtype) }
        let scores = try Shape([type.shape[0], type.shape[1], count, keys])
        let mask = operands.count > 3 ? try operands[3].broadcast(to: scores) : nil
        let block = Swift.max(1, (1 << 20) / Swift.max(1, type.shape[0] * type.shape[1] * keys))
        var parts: [AnyTensor] = []
        for first in Swift.stride(from: 0, to: count, by: block) {
            let range = first..<Swift.min(first + block, count)
            let heads = try AttentionHeads(
                operands[0].sliced(axis: 2, range), operands[1], operands[2], mask?.sliced(axis: 2, range), attributes,
                firstQuery: first)
            let shape = try Shape([type.shape[0], type.shape[1], range.count, type.shape[3]])
            parts.append(try heads.weightedValues(firstQuery: first).reshaped(to: shape))
        }
        return switch parts.count {
        case 0: try .zeros(type.shape, dtype: type.dtype)
        case 1: parts[0]
        default: try .concatenate(parts, axis: 2)
        }
    }

    /// The values weighted by the probabilities. A causal query has probabilities of 0 for later keys, which times NaN
    /// or an infinity would be NaN: such values are added only to whom they are not hidden from.
    private func weightedValues(firstQuery: Int) throws(TensorError) -> AnyTensor {
        guard isCausal, try values.firstNonFinite() != nil else { return try probabilities.matmul(values) }
        let zero = try AnyTensor.scalar(0, dtype: values.dtype)
        let isFinite = try values.isFinite()
        var result = try probabilities.matmul(AnyTensor.select(isFinite, values, zero))
        let isKeyFinite = try isFinite.all(axes: [0, 1, 2, 4]).scalars(as: Bool.self)
        for key in isKeyFinite.indices where !isKeyFinite[key] && key < firstQuery + queries.shape[3] {
            let (range, last) = (key..<key + 1, Swift.max(key - firstQuery, 0)..<queries.shape[3])
            let weighted =
                try probabilities.sliced(axis: 3, last).sliced(axis: 4, range) * values.sliced(axis: 3, range)
            let added = try AnyTensor.select(isFinite.sliced(axis: 3, range), zero, weighted)
            let hidden = try AnyTensor.zeros(result.sliced(axis: 3, 0..<last.lowerBound).shape, dtype: zero.dtype)
            result = try result + .concatenate([hidden, added], axis: 3)
        }
        return result
    }

    /// A cotangent of the result, in groups of heads.
    func grouped(_ cotangent: AnyTensor) throws(TensorError) -> AnyTensor {
        try cotangent.reshaped(
            to: Shape([cotangent.shape[0], keys.shape[1], group, cotangent.shape[2], cotangent.shape[3]]))
    }

    func scoreCotangent(_ cotangent: AnyTensor) throws(TensorError) -> AnyTensor {
        let weighted = try probabilities * grouped(cotangent).matmul(values.transposed())
        return try weighted - probabilities * weighted.sum(axes: [-1], keepsDimensions: true)
    }

    /// The sum over the heads that share keys.
    func summedOverGroup(_ each: AnyTensor, to shape: Shape) throws(TensorError) -> AnyTensor {
        try each.sum(axes: [2]).reshaped(to: shape)
    }
}
