import CTensorKernels

extension Primitive {
    /// `y[n, o, p] = Σ_{c, t} x[n, c, p · stride - padding + t · dilation] w[o, c, t]` over the channels of o's group.
    ///
    /// Without a copy of the input in columns: tiles of the result are summed in registers from a few padded rows.
    package static let convolution: Primitive = Primitive(
        id: 7_000, name: "convolution",
        .binary(
            rule: { input, weights, attributes throws(TensorError) in
                guard case .convolution(let geometry) = attributes else { preconditionFailure("no geometry") }
                try requireConvolution(input, weights, geometry, in: "convolution")
                let channels = input.shape[geometry.layout.channelAxis(rank: input.shape.rank)]
                guard channels == weights.shape[1] * geometry.groups else {
                    throw TensorError(
                        .shapeMismatch,
                        "convolution: \(input.shape) has \(channels) channels, weights \(weights.shape) in "
                            + "\(geometry.groups) groups take \(weights.shape[1] * geometry.groups)")
                }
                return TensorType(
                    input.dtype,
                    try geometry.layout.shape(
                        batch: input.shape[0], channels: weights.shape[0],
                        spatial: geometry.resultLengths(rank: input.shape.rank - 2)))
            },
            kernel: { input, weights, attributes, type throws(TensorError) in
                try convolve(input, weights, attributes, type, isTransposed: false)
            }),
        derivative: .reverse([
            OperandDerivative(saving: .second) { cotangent, step throws(TensorError) in
                try Primitive.transposedConvolution.applied(to: cotangent, step.operands[1], step.attributes)
            },
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try Primitive.convolutionWeights.applied(to: step.operands[0], cotangent, step.attributes)
            },
        ]))

    /// The transpose of ``convolution`` in its input: each element of the operand is spread over the places that a
    /// convolution would have made it of.
    package static let transposedConvolution: Primitive = Primitive(
        id: 7_001, name: "transposedConvolution",
        .binary(
            rule: { input, weights, attributes throws(TensorError) in
                guard case .convolution(let geometry) = attributes else { preconditionFailure("no geometry") }
                try requireConvolution(input, weights, geometry, in: "transposedConvolution")
                let rank = input.shape.rank
                let channels = input.shape[geometry.layout.channelAxis(rank: rank)]
                let first = geometry.layout.firstSpatialAxis
                let lengths = (first..<first + rank - 2).map { input.shape[$0] }
                guard channels == weights.shape[0], lengths == geometry.resultLengths(rank: rank - 2) else {
                    throw TensorError(
                        .shapeMismatch,
                        "transposedConvolution: \(input.shape) and weights \(weights.shape) do not fit each other")
                }
                return TensorType(
                    input.dtype,
                    try geometry.layout.shape(
                        batch: input.shape[0], channels: weights.shape[1] * geometry.groups,
                        spatial: (0..<rank - 2).map { geometry.input[$0] }))
            },
            kernel: { input, weights, attributes, type throws(TensorError) in
                try convolve(input, weights, attributes, type, isTransposed: true)
            }),
        derivative: .reverse([
            OperandDerivative(saving: .second) { cotangent, step throws(TensorError) in
                try Primitive.convolution.applied(to: cotangent, step.operands[1], step.attributes)
            },
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try Primitive.convolutionWeights.applied(to: cotangent, step.operands[0], step.attributes)
            },
        ]))

    /// The transpose of ``convolution`` in its weights: for each weight, the sum over batch and places of what it was
    /// multiplied with, times the second operand, which has the shape of the result.
    package static let convolutionWeights: Primitive = Primitive(
        id: 7_002, name: "convolutionWeights",
        .binary(
            rule: { input, upstream, attributes throws(TensorError) in
                guard case .convolution(let geometry) = attributes else { preconditionFailure("no geometry") }
                try input.require(.float32, in: "convolutionWeights")
                try input.requireSameType(as: upstream, in: "convolutionWeights")
                let axis = geometry.layout.channelAxis(rank: input.shape.rank)
                let spatial = (0..<input.shape.rank - 2).map { geometry.kernel[$0] }
                return TensorType(
                    .float32,
                    try Shape([upstream.shape[axis], input.shape[axis] / geometry.groups] + spatial))
            },
            kernel: { input, upstream, attributes, type throws(TensorError) in
                guard case .convolution(let geometry) = attributes else { preconditionFailure("no geometry") }
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                if geometry.layout == .channelsFirst {
                    let rank = upstream.rank
                    upstream = try upstream.transposed([0] + Array(2..<rank) + [1])
                }
                let packed = try upstream.contiguous()
                var descriptor = geometry.descriptor(rank: type.shape.rank - 2, isTransposed: false)
                descriptor.batch = input.shape[0]
                descriptor.in_strides = geometry.layout.strides(of: input)
                descriptor.setWeights(result.layout, isTransposed: false)
                // Safe: the descriptor has the shapes and strides of the operands and of the result.
                let succeeded = unsafe mw_active_kernels().pointee.convolution.convolution_weight_gradient_f32(
                    &descriptor, result.elements(), input.elements(), packed.elements())
                guard succeeded else {
                    throw TensorError(.outOfMemory, "convolutionWeights: no memory to sum \(type) in")
                }
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: .second) { cotangent, step throws(TensorError) in
                try Primitive.transposedConvolution.applied(to: step.operands[1], cotangent, step.attributes)
            },
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try Primitive.convolution.applied(to: step.operands[0], cotangent, step.attributes)
            },
        ]))

    private static func requireConvolution(
        _ input: TensorType, _ weights: TensorType, _ geometry: ConvolutionGeometry,
        in operation: StaticString
    ) throws(TensorError) {
        try input.require(.float32, .float64, .bfloat16, .float16, in: operation)
        try input.requireSameType(as: weights, in: operation)
        guard weights.shape.rank == input.shape.rank, geometry.groups > 0, weights.shape[0] % geometry.groups == 0
        else {
            throw TensorError(
                .shapeMismatch,
                "\(operation): weights \(weights.shape) in \(geometry.groups) groups for \(input.shape), expected "
                    + "[out channels, in channels of a group, …] with \(input.shape.rank - 2) spatial axes")
        }
    }

    private static func convolve(
        _ input: AnyTensor, _ weights: AnyTensor, _ attributes: Attributes, _ type: TensorType, isTransposed: Bool
    ) throws(TensorError) -> AnyTensor {
        guard case .convolution(let geometry) = attributes else { preconditionFailure("no geometry") }
        let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
        var descriptor = geometry.descriptor(rank: type.shape.rank - 2, isTransposed: isTransposed)
        descriptor.batch = input.shape[0]
        descriptor.in_strides = geometry.layout.strides(of: input)
        descriptor.setWeights(weights.layout, isTransposed: isTransposed)
        // Safe: the descriptor has the shapes and strides of the operands and of the result, as the rule checked them.
        let succeeded = unsafe mw_active_kernels().pointee.convolution.convolution(
            type.dtype.kernel, &descriptor, result.firstByte, input.firstByte, weights.firstByte)
        guard succeeded else {
            throw TensorError(.outOfMemory, "no memory to pack the operands of a convolution to \(type)")
        }
        return result
    }
}
