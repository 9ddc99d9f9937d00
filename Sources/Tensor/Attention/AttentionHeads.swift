/// Attention made of primitives, with the heads that share keys along an axis of their own:
/// `[batch, key heads, group, …, …]`.
///
/// A causal query does not see later keys: whatever they hold, NaN too, does not reach its result or its cotangent, and
/// nothing of it reaches theirs.
struct AttentionHeads {
    let queries: AnyTensor
    let keys: AnyTensor
    /// 0 for keys that are not seen.
    let probabilities: AnyTensor
    let scale: Double
    private let values: AnyTensor
    private let group: Int
    /// `[queries, keys]`; nil where every query sees every key.
    private let isSeen: AnyTensor?

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
        self.scale = scale
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
        isSeen = try isCausal ? .triangle(rows, columns, diagonal: firstQuery) : nil
        guard let isSeen else {
            probabilities = try scores.softmax()
            return
        }
        scores = try .select(isSeen, scores, .scalar(-.infinity, dtype: scores.dtype))
        // A row that sees NaN is NaN also where it sees nothing.
        probabilities = try .select(isSeen, scores.softmax(), .scalar(0, dtype: scores.dtype))
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
            let weighted = try heads.sum(of: heads.values, weightedBy: heads.probabilities)
            parts.append(try weighted.reshaped(to: shape))
        }
        return switch parts.count {
        case 0: try .zeros(type.shape, dtype: type.dtype)
        case 1: parts[0]
        default: try .concatenate(parts, axis: 2)
        }
    }

    /// For each query, the sum of rows of keys or values by its weights, which are 0 where it sees nothing.
    func sum(of rows: AnyTensor, weightedBy weights: AnyTensor) throws(TensorError) -> AnyTensor {
        try Self.product(weights, rows, where: isSeen)
    }

    /// For each key, the sum of rows of queries by the weights of those that see it.
    func sum(of rows: AnyTensor, forKeysBy weights: AnyTensor) throws(TensorError) -> AnyTensor {
        try Self.product(weights.transposed(), rows, where: isSeen?.transposed())
    }

    /// `weights · rows`, of weights that are 0 but where they count. As 0 times NaN or an infinity is NaN, such elements
    /// are added only where their weights count.
    private static func product(
        _ weights: AnyTensor, _ rows: AnyTensor, where counts: AnyTensor?
    ) throws(TensorError) -> AnyTensor {
        guard let counts, !rows.isAbstract, try rows.firstNonFinite() != nil else { return try weights.matmul(rows) }
        let zero = try AnyTensor.scalar(0, dtype: rows.dtype)
        let isFinite = try rows.isFinite()
        var result = try weights.matmul(AnyTensor.select(isFinite, rows, zero))
        let isRowFinite = try isFinite.all(axes: [0, 1, 2, 4]).scalars(as: Bool.self)
        for row in isRowFinite.indices where !isRowFinite[row] {
            let range = row..<row + 1
            let weighted = try weights.sliced(axis: 4, range) * rows.sliced(axis: 3, range)
            let added = try AnyTensor.select(isFinite.sliced(axis: 3, range), zero, weighted)
            result = try result + .select(counts.sliced(axis: 1, range), added, zero)
        }
        return result
    }

    /// A cotangent of the result, in groups of heads.
    func grouped(_ cotangent: AnyTensor) throws(TensorError) -> AnyTensor {
        try cotangent.reshaped(
            to: Shape([cotangent.shape[0], keys.shape[1], group, cotangent.shape[2], cotangent.shape[3]]))
    }

    /// The cotangent of the scores, 0 where a query does not see a key.
    func scoreCotangent(_ cotangent: AnyTensor) throws(TensorError) -> AnyTensor {
        let zero = try AnyTensor.scalar(0, dtype: probabilities.dtype)
        func seen(_ scores: AnyTensor) throws(TensorError) -> AnyTensor {
            guard let isSeen else { return scores }
            return try .select(isSeen, scores, zero)
        }
        let weighted = try probabilities * seen(grouped(cotangent).matmul(values.transposed()))
        return try seen(weighted - probabilities * weighted.sum(axes: [-1], keepsDimensions: true))
    }

    /// The sum over the heads that share keys.
    func summedOverGroup(_ each: AnyTensor, to shape: Shape) throws(TensorError) -> AnyTensor {
        try each.sum(axes: [2]).reshaped(to: shape)
    }
}
