extension AnyTensor {
    /// From this tensor's elements toward another's: `x + weight (y - x)`, the first at weight 0. Shapes broadcast.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch``.
    public func interpolated(to end: consuming AnyTensor, weight: consuming AnyTensor) throws(TensorError) -> AnyTensor
    {
        try (end - self) * weight + self
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// From this tensor's elements toward another's: `x + weight (y - x)`, the first at weight 0. Shapes broadcast.
    public func interpolated(to end: consuming Tensor, weight: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in
            try core.interpolated(to: end.core.take(), weight: weight.core.take())
        }
    }
}
