extension AnyTensor {
    /// Each float with a probability of `1 - probability`, divided by that, and 0 otherwise: what training does between
    /// layers (Srivastava et al. 2014). Which ones stay is what ``RandomKey/bernoulli(_:probability:offset:)`` says for
    /// the key, so that a derivative, or another machine, drops the same. `probability` 0 gives the tensor itself, 1 zeros.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless the probability is in `0...1`,
    ///   ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public func dropout(probability: Double, key: RandomKey, offset: UInt64 = 0) throws(TensorError) -> AnyTensor {
        try type.require(.floats, in: "dropout")
        guard probability >= 0, probability <= 1 else {
            throw TensorError(.shapeMismatch, "dropout: \(probability) of \(shape) is no probability")
        }
        if probability == 0 { return self }
        let zero = try AnyTensor.scalar(0, dtype: dtype)
        if probability == 1 { return try .select(.scalar(false), self, zero) }
        let stays = try key.bernoulli(shape, probability: 1 - probability, offset: offset)
        return try .select(stays, self / (1 - probability), zero)
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// Each element with a probability of `1 - probability`, divided by that, and 0 otherwise.
    public func dropout(probability: Double, key: RandomKey) -> Tensor {
        Tensor { () throws(TensorError) in try core.dropout(probability: probability, key: key) }
    }
}
