extension AnyTensor {
    /// Each float, or `slope` times it where it is negative.
    ///
    /// - Parameter slope: 0.01 by default.
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public func leakyRelu(slope: Double = 0.01) throws(TensorError) -> AnyTensor {
        try type.require(.floats, in: "leakyRelu")
        return try .select(self .> 0, self, self * slope)
    }

    /// Each float, or `scale (eˣ - 1)` where it is negative (Clevert, Unterthiner & Hochreiter 2015).
    ///
    /// - Parameter scale: what is approached toward −∞, with the other sign; 1 by default.
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public func elu(scale: Double = 1) throws(TensorError) -> AnyTensor {
        try type.require(.floats, in: "elu")
        let zero = try AnyTensor.scalar(0, dtype: dtype)
        // Not of the positive ones, whose exponential may be infinite and has no part in the gradient.
        let below = try AnyTensor.minimum(self, zero).expm1() * scale
        return try .select(self .> 0, self, below)
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// Each element, or `slope` times it where it is negative.
    public func leakyRelu(slope: Double = 0.01) -> Tensor {
        Tensor { () throws(TensorError) in try core.leakyRelu(slope: slope) }
    }

    /// Each element, or `scale (eˣ - 1)` where it is negative.
    public func elu(scale: Double = 1) -> Tensor {
        Tensor { () throws(TensorError) in try core.elu(scale: scale) }
    }
}
