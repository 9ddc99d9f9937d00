extension AnyTensor {
    /// The norm of each window, `(Σ |x|ᵖ)^(1/p)` with p = `order`, over windows as of
    /// ``maxPool(_:strides:padding:dilations:roundsUp:layout:)``.
    ///
    /// Made of powers, sums and a root, which overflow where a power does. 16-bit floats are computed in float32 and rounded
    /// once.
    ///
    /// - Throws: as `averagePool`; ``TensorError/Code/valueOutOfRange`` unless the order is positive and finite.
    public func normPool(
        order: Double = 2, _ kernel: [Int], strides: [Int] = [], padding: ConvolutionPadding = .valid,
        dilations: [Int] = [], roundsUp: Bool = false, layout: SpatialLayout = .channelsFirst
    ) throws(TensorError) -> AnyTensor {
        guard order > 0, order.isFinite else {
            throw TensorError(.valueOutOfRange, "normPool: an order of \(order), expected a positive number")
        }
        try type.require(.floats, in: "normPool")
        let windows = try SpatialArguments(shape, of: "normPool").windows(
            kernel, strides: strides, padding: padding, dilations: dilations, layout: layout, roundsUp: roundsUp)
        let wide = try cast(to: dtype.wide)
        let powers = order == 2 ? try wide.squared() : try wide.abs().raised(to: .scalar(order, dtype: wide.dtype))
        let means = try Primitive.averagePool.applied(to: powers, .pooling(windows))
        let sums = try means * windows.counts(of: shape).cast(to: wide.dtype)
        let norms = order == 2 ? try sums.squareRoot() : try sums.raised(to: .scalar(1 / order, dtype: wide.dtype))
        return try norms.cast(to: dtype)
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The norm of each window over one to three spatial axes, `(Σ |x|ᵖ)^(1/p)` with p = `order`.
    public func normPool(
        order: Double = 2, _ kernel: [Int], strides: [Int] = [], padding: ConvolutionPadding = .valid,
        dilations: [Int] = [], roundsUp: Bool = false, layout: SpatialLayout = .channelsFirst
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try core.normPool(
                order: order, kernel, strides: strides, padding: padding, dilations: dilations, roundsUp: roundsUp,
                layout: layout)
        }
    }
}
