extension AnyTensor {
    /// Batch normalisation with statistics that are known (inference): `(x - mean) / √(variance + ε) · weight + bias` for
    /// each channel along `channelAxis`, with all of them `[channels]`.
    ///
    /// Computed as one multiplication and one addition an element, of 16-bit floats in float32.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, also for an epsilon below 0; ``TensorError/Code/dtypeMismatch`` unless
    ///   all are of one float type; ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks.
    public func batchNorm(
        mean: AnyTensor, variance: AnyTensor, weight: AnyTensor? = nil, bias: AnyTensor? = nil,
        epsilon: Double = 1e-5, channelAxis: Int = 1
    ) throws(TensorError) -> AnyTensor {
        let channels = try ChannelAxis(of: self, at: channelAxis, epsilon, [mean, variance, weight, bias])
        var scale = try channels.inverseDeviation(channels.wide(variance))
        if let weight { scale = try scale * channels.wide(weight) }
        var shift = try (channels.wide(mean) * scale).negated()
        if let bias { shift = try shift + channels.wide(bias) }
        return try (channels.wide(self) * channels.broadcasting(scale) + channels.broadcasting(shift)).cast(to: dtype)
    }

    /// Batch normalisation with the batch's own statistics (training), and these statistics: mean and variance (divided
    /// by n) of each channel along `channelAxis`, `[channels]`, for running averages.
    ///
    /// - Throws: as ``batchNorm(mean:variance:weight:bias:epsilon:channelAxis:)``.
    public func batchNorm(
        weight: AnyTensor? = nil, bias: AnyTensor? = nil, epsilon: Double = 1e-5, channelAxis: Int = 1
    ) throws(TensorError) -> (result: AnyTensor, mean: AnyTensor, variance: AnyTensor) {
        let channels = try ChannelAxis(of: self, at: channelAxis, epsilon, [weight, bias])
        let others = (0..<rank).filter { $0 != channels.axis }
        let values = try channels.wide(self)
        let mean = try values.mean(axes: others)
        var result = try values - channels.broadcasting(mean)
        let variance = try result.squared().mean(axes: others)
        var scale = try channels.inverseDeviation(variance)
        if let weight { scale = try scale * channels.wide(weight) }
        result = try result * channels.broadcasting(scale)
        if let bias { result = try result + channels.broadcasting(channels.wide(bias)) }
        return (try result.cast(to: dtype), try mean.cast(to: dtype), try variance.cast(to: dtype))
    }
}

/// The axis of a tensor that has a parameter for each of its places.
private struct ChannelAxis {
    let axis: Int
    private let shape: Shape
    private let epsilon: Double

    init(
        of tensor: AnyTensor, at axis: Int, _ epsilon: Double, _ parameters: [AnyTensor?]
    ) throws(TensorError) {
        try tensor.type.require(.floats, in: "batchNorm")
        guard epsilon >= 0 else { throw TensorError(.shapeMismatch, "batchNorm: an epsilon of \(epsilon)") }
        self.epsilon = epsilon
        self.axis = try AxisSet.position(of: axis, rank: tensor.rank, of: "batchNorm")
        for case let parameter? in parameters {
            try tensor.type.requireSameType(as: parameter.type, in: "batchNorm")
            guard parameter.shape == [tensor.shape[self.axis]] else {
                throw TensorError(
                    .shapeMismatch,
                    "batchNorm: a parameter \(parameter.shape) for \(tensor.shape) with channels on axis \(self.axis)")
            }
        }
        var dimensions = Array(repeating: 1, count: tensor.rank)
        dimensions[self.axis] = tensor.shape[self.axis]
        shape = try Shape(dimensions)
    }

    /// A parameter `[channels]` that broadcasts to the tensor.
    func broadcasting(_ parameter: AnyTensor) throws(TensorError) -> AnyTensor {
        try parameter.reshaped(to: shape)
    }

    /// Values in the type that is computed in.
    func wide(_ values: AnyTensor) throws(TensorError) -> AnyTensor { try values.cast(to: values.dtype.wide) }

    /// `1 / √(variance + ε)`
    func inverseDeviation(_ variance: AnyTensor) throws(TensorError) -> AnyTensor {
        try 1 / (variance + epsilon).squareRoot()
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// Batch normalisation with statistics that are known (inference), for each channel along `channelAxis`.
    public func batchNorm(
        mean: Tensor, variance: Tensor, weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5,
        channelAxis: Int = 1
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try core.batchNorm(
                mean: mean.core, variance: variance.core, weight: weight?.core, bias: bias?.core, epsilon: epsilon,
                channelAxis: channelAxis)
        }
    }

    /// Batch normalisation with the batch's own statistics (training), and these statistics, `[channels]`.
    public func batchNorm(
        weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5, channelAxis: Int = 1
    ) -> (result: Tensor, mean: Tensor, variance: Tensor) {
        let parts = trapping { () throws(TensorError) in
            try core.batchNorm(
                weight: weight?.core, bias: bias?.core, epsilon: epsilon, channelAxis: channelAxis)
        }
        return (Tensor(known: parts.result), Tensor(known: parts.mean), Tensor(known: parts.variance))
    }
}
