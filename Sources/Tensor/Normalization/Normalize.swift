import CTensorKernels

extension Primitive {
    /// `(x - mean) / √(variance + ε)` over the last axes together, times weights and plus biases of their shape.
    package static let layerNorm = normalization(id: 4_000, "layerNorm", MW_NORMALIZE_MOMENTS, hasGroups: false)

    /// `x / √(mean of x² + ε)` over the last axes together, times weights of their shape.
    package static let rootMeanSquareNorm = normalization(
        id: 4_001, "rmsNorm", MW_NORMALIZE_ROOT_SQUARE, hasGroups: false)

    /// ``layerNorm`` of each of some groups of channels of `[batch, channels, …]`, with weights and biases `[channels]`.
    package static let groupNorm = normalization(id: 4_002, "groupNorm", MW_NORMALIZE_MOMENTS, hasGroups: true)

    /// Operands: what is normalised, and then, where given, weights, and biases.
    ///
    /// With a cotangent `g` of the result, `x̂` the normalised elements, `s` what they were scaled by, and means over what
    /// is normalised together: `ẋ = s (g w - mean(g w) - x̂ mean(g w x̂))`, without `mean(g w)` where the mean is not
    /// taken off; `ẇ = Σ g x̂`, `ḃ = Σ g`.
    private static func normalization(
        id: Int, _ name: StaticString, _ kind: mw_normalization, hasGroups: Bool
    ) -> Primitive {
        let standardized: @Sendable (AnyTensor, Attributes) throws(TensorError) -> Standardized = {
            operand, attributes throws(TensorError) in
            guard case .normalization(let epsilon, let extent) = attributes else { preconditionFailure("no axes") }
            return try Standardized(
                operand, epsilon: epsilon, centers: kind == MW_NORMALIZE_MOMENTS, groups: hasGroups ? extent : nil,
                innerAxes: extent)
        }
        return Primitive(
            id: id, name: name,
            .variadic(
                rule: { types, attributes throws(TensorError) in
                    guard case .normalization(_, let extent) = attributes else { preconditionFailure("no axes") }
                    return try normalizationRule(types, extent, hasGroups: hasGroups, of: name)
                },
                kernel: { operands, attributes, type throws(TensorError) in
                    guard case .normalization(let epsilon, let extent) = attributes else {
                        preconditionFailure("no axes")
                    }
                    let weight = operands.count > 1 ? try operands[1].contiguous() : nil
                    let bias = operands.count > 2 ? try operands[2].contiguous() : nil
                    var operand = operands[0].take()
                    operands.removeAll()
                    var shape = mw_rows_to_normalize()
                    shape.epsilon = epsilon
                    shape.groups = hasGroups ? extent : 1
                    if hasGroups {
                        let grouped = try Shape([type.shape[0], extent, -1], of: type.shape)
                        shape.channels = type.shape[1] / extent
                        shape.width = type.shape.dropFirst(2).reduce(1, *)
                        operand = try operand.contiguous()
                        operand.layout = Layout(contiguous: grouped)
                    }
                    let rowType = TensorType(type.dtype, operand.shape)
                    var result = try rowwise(&operand, rowType, innerAxes: hasGroups ? 1 : extent) { rows, result in
                        shape.rows = rows.count
                        shape.a_row_stride = rows.stride
                        if !hasGroups {
                            shape.channels = rows.width
                            shape.width = 1
                        }
                        // Safe: the result has as many elements as the rows, and a weight and a bias belong to each
                        // element of a row, or to each channel.
                        return unsafe mw_active_kernels().pointee.rows.normalize(
                            kind, type.dtype.kernel, &shape, result.firstByte, rows.tensor.firstByte,
                            weight?.firstByte, bias?.firstByte)
                    }
                    result.layout = Layout(contiguous: type.shape)
                    return result
                }),
            derivative: .reverse([
                OperandDerivative(saving: [.first, .second]) { cotangent, step throws(TensorError) in
                    let rows = try standardized(step.operands[0], step.attributes)
                    let weighted =
                        step.operands.count > 1
                        ? try cotangent * rows.perChannel(step.operands[1], of: step.operand.shape) : cotangent
                    return try rows.pulledBack(weighted).reshaped(to: step.operand.shape)
                },
                OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                    let rows = try standardized(step.operands[0], step.attributes)
                    let normalized = try rows.normalized.reshaped(to: step.operands[0].shape)
                    return try rows.summedPerChannel(cotangent * normalized, to: step.operand.shape)
                },
                OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                    try standardized(step.operands[0], step.attributes)
                        .summedPerChannel(cotangent, to: step.operand.shape)
                },
            ]))
    }

    private static func normalizationRule(
        _ types: [TensorType], _ extent: Int, hasGroups: Bool, of operation: StaticString
    ) throws(TensorError) -> TensorType {
        let type = types[0]
        try type.require(.float32, .float64, .bfloat16, .float16, in: operation)
        let weights: ArraySlice<Int>
        if hasGroups {
            guard type.shape.rank >= 2, extent > 0, extent <= Swift.max(type.shape[1], 1), type.shape[1] % extent == 0
            else {
                throw TensorError(
                    .shapeMismatch, "\(operation): \(type.shape) is not [batch, channels, …] with \(extent) groups")
            }
            weights = [type.shape[1]]
        } else {
            guard extent >= 1, extent <= type.shape.rank else {
                throw TensorError(.shapeMismatch, "\(operation): the last \(extent) axes of \(type.shape)")
            }
            weights = ArraySlice(type.shape.suffix(extent))
        }
        for parameter in types.dropFirst() {
            try type.requireSameType(as: parameter, in: operation)
            guard parameter.shape.elementsEqual(weights) else {
                throw TensorError(
                    .shapeMismatch,
                    "\(operation): weights or biases \(parameter.shape) for \(type.shape), expected "
                        + "\(Array(weights))")
            }
        }
        return type
    }
}

/// The elements of rows with mean 0 and variance 1, made of primitives: what derivatives are written with.
private struct Standardized {
    let normalized: AnyTensor
    private let scale: AnyTensor
    private let axes: [Int]
    private let centers: Bool
    private let hasGroups: Bool

    init(
        _ operand: AnyTensor, epsilon: Double, centers: Bool, groups: Int?, innerAxes: Int
    ) throws(TensorError) {
        var rows = operand
        if let groups {
            rows = try rows.reshaped(to: Shape([operand.shape[0], groups, -1], of: operand.shape))
            axes = [-1]
        } else {
            axes = (1...innerAxes).map { -$0 }
        }
        self.centers = centers
        hasGroups = groups != nil
        if centers { rows = try rows - rows.mean(axes: axes, keepsDimensions: true) }
        let spread = try (rows * rows).mean(axes: axes, keepsDimensions: true)
        scale = try 1 / (spread + epsilon).squareRoot()
        normalized = try rows * scale
    }

    /// A parameter `[channels]` that broadcasts to `shape`; one for each element of a row does already.
    func perChannel(_ parameter: AnyTensor, of shape: Shape) throws(TensorError) -> AnyTensor {
        guard hasGroups else { return parameter }
        return try parameter.reshaped(to: Shape([shape[1]] + Array(repeating: 1, count: shape.rank - 2)))
    }

    /// The cotangent of the operand, in the shape of the rows, from that of the normalised elements.
    func pulledBack(_ cotangent: AnyTensor) throws(TensorError) -> AnyTensor {
        let cotangent = try cotangent.reshaped(to: normalized.shape)
        let along = try (cotangent * normalized).mean(axes: axes, keepsDimensions: true)
        var result = try cotangent - normalized * along
        if centers { result = try result - cotangent.mean(axes: axes, keepsDimensions: true) }
        return try result * scale
    }

    /// The sum of what belongs to each weight.
    func summedPerChannel(_ values: AnyTensor, to shape: Shape) throws(TensorError) -> AnyTensor {
        let others =
            hasGroups ? (0..<values.rank).filter { $0 != 1 } : Array(0..<values.rank - shape.rank)
        return others.isEmpty ? values : try values.sum(axes: others)
    }
}

extension Shape {
    /// These dimensions, of which one is -1: as long as the elements of `whole` make it.
    fileprivate init(_ dimensions: [Int], of whole: Shape) throws(TensorError) {
        let others = dimensions.reduce(1) { $1 < 0 ? $0 : $0 * $1 }
        let rest = others == 0 ? whole.dropFirst().reduce(1, *) / dimensions[1] : whole.elementCount / others
        try self.init(dimensions.map { $0 < 0 ? rest : $0 })
    }
}
