extension AnyTensor {
    /// Layer normalisation: `(x - mean) / √(variance + ε) · weight + bias`, with mean and variance (divided by n) over the
    /// last `axes` axes together. Weight and bias have the shape of these axes; a bias needs a weight.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` unless all are of one float type.
    public consuming func layerNorm(
        weight: AnyTensor? = nil, bias: AnyTensor? = nil, axes: Int = 1, epsilon: Double = 1e-5
    ) throws(TensorError) -> AnyTensor {
        let operands = try normalizationOperands(weight, bias, epsilon, of: "layerNorm")
        _ = self.take()
        return try Primitive.layerNorm.apply(to: operands, .normalization(epsilon: epsilon, extent: axes))
    }

    /// Normalisation by the root of the mean square (Zhang & Sennrich 2019): `x / √(mean of x² + ε) · weight`, over the
    /// last `axes` axes together, whose shape the weight has.
    ///
    /// - Throws: as ``layerNorm(weight:bias:axes:epsilon:)``.
    public consuming func rmsNorm(
        weight: AnyTensor? = nil, axes: Int = 1, epsilon: Double = 1e-6
    ) throws(TensorError) -> AnyTensor {
        let operands = try normalizationOperands(weight, nil, epsilon, of: "rmsNorm")
        _ = self.take()
        return try Primitive.rootMeanSquareNorm.apply(to: operands, .normalization(epsilon: epsilon, extent: axes))
    }

    /// Group normalisation (Wu & He 2018) of `[batch, channels, …]`: mean and variance of each image over each of
    /// `groups` groups of neighbouring channels and all places; weight and bias are `[channels]`.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless the groups divide the channels,
    ///   ``TensorError/Code/dtypeMismatch`` unless all are of one float type.
    public consuming func groupNorm(
        groups: Int, weight: AnyTensor? = nil, bias: AnyTensor? = nil, epsilon: Double = 1e-5
    ) throws(TensorError) -> AnyTensor {
        let operands = try normalizationOperands(weight, bias, epsilon, of: "groupNorm")
        _ = self.take()
        return try Primitive.groupNorm.apply(to: operands, .normalization(epsilon: epsilon, extent: groups))
    }

    /// Instance normalisation of `[batch, channels, …]`: ``groupNorm(groups:weight:bias:epsilon:)`` with each channel its
    /// own group.
    ///
    /// - Throws: as ``groupNorm(groups:weight:bias:epsilon:)``.
    public consuming func instanceNorm(
        weight: AnyTensor? = nil, bias: AnyTensor? = nil, epsilon: Double = 1e-5
    ) throws(TensorError) -> AnyTensor {
        guard rank >= 2, shape[1] > 0 else {
            throw TensorError(.shapeMismatch, "instanceNorm: \(shape) is not [batch, channels, …]")
        }
        let channels = shape[1]
        return try groupNorm(groups: channels, weight: weight, bias: bias, epsilon: epsilon)
    }

    private func normalizationOperands(
        _ weight: AnyTensor?, _ bias: AnyTensor?, _ epsilon: Double, of operation: StaticString
    ) throws(TensorError) -> [AnyTensor] {
        guard epsilon >= 0 else {
            throw TensorError(.shapeMismatch, "\(operation): an epsilon of \(epsilon)")
        }
        guard weight != nil || bias == nil else {
            throw TensorError(.shapeMismatch, "\(operation): a bias \(bias!.shape) without a weight")
        }
        return [self, weight, bias].compactMap { $0 }
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// Layer normalisation: `(x - mean) / √(variance + ε) · weight + bias` over the last `axes` axes together.
    public consuming func layerNorm(
        weight: Tensor? = nil, bias: Tensor? = nil, axes: Int = 1, epsilon: Double = 1e-5
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().layerNorm(weight: weight?.core, bias: bias?.core, axes: axes, epsilon: epsilon)
        }
    }

    /// Normalisation by the root of the mean square: `x / √(mean of x² + ε) · weight` over the last `axes` axes together.
    public consuming func rmsNorm(weight: Tensor? = nil, axes: Int = 1, epsilon: Double = 1e-6) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().rmsNorm(weight: weight?.core, axes: axes, epsilon: epsilon)
        }
    }

    /// Group normalisation of `[batch, channels, …]`, with weight and bias `[channels]`.
    public consuming func groupNorm(
        groups: Int, weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().groupNorm(groups: groups, weight: weight?.core, bias: bias?.core, epsilon: epsilon)
        }
    }

    /// Instance normalisation of `[batch, channels, …]`, with weight and bias `[channels]`.
    public consuming func instanceNorm(
        weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().instanceNorm(weight: weight?.core, bias: bias?.core, epsilon: epsilon)
        }
    }
}
