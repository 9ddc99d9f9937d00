extension AnyTensor {
    /// Batch normalisation with statistics that are known (inference): `(x - mean) / √(variance + ε) · weight + bias` for
    /// each channel along `channelAxis`, with all of them `[channels]`.
    ///
    /// Computed as one multiplication and one addition an element.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch``,
    ///   ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks.
    public func batchNorm(
        mean: AnyTensor, variance: AnyTensor, weight: AnyTensor? = nil, bias: AnyTensor? = nil,
        epsilon: Double = 1e-5, channelAxis: Int = 1
    ) throws(TensorError) -> AnyTensor {
        let channels = try ChannelAxis(of: self, at: channelAxis, [mean, variance, weight, bias])
        var scale = try channels.inverseDeviation(variance, epsilon)
        if let weight { scale = try scale * weight }
        var shift = try (mean * scale).negated()
        if let bias { shift = try shift + bias }
        return try self * channels.broadcasting(scale) + channels.broadcasting(shift)
    }

    /// Batch normalisation with the batch's own statistics (training), and these statistics: mean and variance (divided
    /// by n) of each channel along `channelAxis`, `[channels]`, for running averages.
    ///
    /// - Throws: as ``batchNorm(mean:variance:weight:bias:epsilon:channelAxis:)``.
    public func batchNorm(
        weight: AnyTensor? = nil, bias: AnyTensor? = nil, epsilon: Double = 1e-5, channelAxis: Int = 1
    ) throws(TensorError) -> (result: AnyTensor, mean: AnyTensor, variance: AnyTensor) {
        let channels = try ChannelAxis(of: self, at: channelAxis, [weight, bias])
        let others = (0..<rank).filter { $0 != channels.axis }
        let mean = try self.mean(axes: others)
        var centered = try self - channels.broadcasting(mean)
        let variance = try (centered * centered).mean(axes: others)
        var scale = try channels.inverseDeviation(variance, epsilon)
        if let weight { scale = try scale * weight }
        centered = try centered * channels.broadcasting(scale)
        if let bias { centered = try centered + channels.broadcasting(bias) }
        return (centered, mean, variance)
    }
}

/// The axis of a tensor that has a parameter for each of its places.
private struct ChannelAxis {
    let axis: Int
    private let shape: Shape

    init(of tensor: AnyTensor, at axis: Int, _ parameters: [AnyTensor?]) throws(TensorError) {
        self.axis = try AxisSet.position(of: axis, rank: tensor.rank, of: "batchNorm")
        for case let parameter? in parameters where parameter.shape != [tensor.shape[self.axis]] {
            throw TensorError(
                .shapeMismatch,
                "batchNorm: a parameter \(parameter.shape) for \(tensor.shape) with channels on axis \(self.axis)")
        }
        var dimensions = Array(repeating: 1, count: tensor.rank)
        dimensions[self.axis] = tensor.shape[self.axis]
        shape = try Shape(dimensions)
    }

    /// A parameter `[channels]` that broadcasts to the tensor.
    func broadcasting(_ parameter: AnyTensor) throws(TensorError) -> AnyTensor {
        try parameter.reshaped(to: shape)
    }

    /// `1 / √(variance + ε)`
    func inverseDeviation(_ variance: AnyTensor, _ epsilon: Double) throws(TensorError) -> AnyTensor {
        let one = try AnyTensor.scalar(Float(1)).cast(to: variance.dtype)
        let addend = try AnyTensor.scalar(Float(epsilon)).cast(to: variance.dtype)
        return try one / (variance + addend).squareRoot()
    }
}

extension Tensor where Scalar == Float {
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
