// The typed face of the distributions: the same numbers as those of the key, in the tensor's element type.

extension Tensor where Scalar: FloatingTensorScalar {
    /// Numbers spread evenly over a range, from ``RandomKey/uniform(_:in:dtype:offset:)``.
    public static func uniform(_ shape: Shape, in range: Range<Double> = 0..<1, key: RandomKey) -> Tensor {
        Tensor { () throws(TensorError) in try key.uniform(shape, in: range, dtype: Scalar.dtype) }
    }

    /// Normal numbers, from ``RandomKey/normal(_:mean:standardDeviation:dtype:offset:)``.
    public static func normal(
        _ shape: Shape, mean: Double = 0, standardDeviation: Double = 1, key: RandomKey
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try key.normal(shape, mean: mean, standardDeviation: standardDeviation, dtype: Scalar.dtype)
        }
    }

    /// Normal numbers in a range of standard deviations, from
    /// ``RandomKey/truncatedNormal(_:in:mean:standardDeviation:dtype:offset:)``.
    public static func truncatedNormal(
        _ shape: Shape, in range: ClosedRange<Double> = -2...2, mean: Double = 0, standardDeviation: Double = 1,
        key: RandomKey
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try key.truncatedNormal(
                shape, in: range, mean: mean, standardDeviation: standardDeviation, dtype: Scalar.dtype)
        }
    }

    /// Exponential numbers, from ``RandomKey/exponential(_:rate:dtype:offset:)``.
    public static func exponential(_ shape: Shape, rate: Double = 1, key: RandomKey) -> Tensor {
        Tensor { () throws(TensorError) in try key.exponential(shape, rate: rate, dtype: Scalar.dtype) }
    }

    /// Gamma numbers, from ``RandomKey/gamma(_:concentration:rate:dtype:offset:)``.
    public static func gamma(_ shape: Shape, concentration: Double, rate: Double = 1, key: RandomKey) -> Tensor {
        Tensor { () throws(TensorError) in
            try key.gamma(shape, concentration: concentration, rate: rate, dtype: Scalar.dtype)
        }
    }

    /// Gumbel numbers, from ``RandomKey/gumbel(_:location:scale:dtype:offset:)``.
    public static func gumbel(_ shape: Shape, location: Double = 0, scale: Double = 1, key: RandomKey) -> Tensor {
        Tensor { () throws(TensorError) in
            try key.gumbel(shape, location: location, scale: scale, dtype: Scalar.dtype)
        }
    }
}

extension Tensor where Scalar: IntegerTensorScalar {
    /// Integers spread evenly over a range, from ``RandomKey/integers(_:in:offset:)-(_,Range<Scalar>,_)``. Traps for an
    /// empty range.
    public static func integers(_ shape: Shape, in range: Range<Scalar>, key: RandomKey) -> Tensor {
        Tensor { () throws(TensorError) in try key.integers(shape, in: range) }
    }
}

extension Tensor where Scalar == Bool {
    /// Bools that are true with a probability, from ``RandomKey/bernoulli(_:probability:offset:)``.
    public static func bernoulli(_ shape: Shape, probability: Double, key: RandomKey) -> Tensor {
        Tensor { () throws(TensorError) in try key.bernoulli(shape, probability: probability) }
    }
}

extension Tensor {
    /// The slices of an axis in random order, from ``RandomKey/shuffled(_:axis:)``.
    public consuming func shuffled(axis: Int = 0, key: RandomKey) -> Tensor {
        Tensor { () throws(TensorError) in try key.shuffled(self.core.take(), axis: axis) }
    }
}
