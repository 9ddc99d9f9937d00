import CTensorKernels

// Distributions of integers and bools. Element `i` depends on the key, on `offset + i` and on the parameters only.
// **The bits are permanent.**

extension RandomKey {
    /// Integers spread evenly over a range, without any bias (Lemire 2019): element `i` is the upper half of the product
    /// of the range's length with words `2i` (low) and `2i + 1` (high), drawn again from other words where that would
    /// favour some numbers.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for an empty range, ``TensorError/Code/indexOutOfRange`` for elements
    ///   beyond 2⁵⁶, ``TensorError/Code/outOfMemory``.
    public func integers<Scalar: IntegerTensorScalar>(
        _ shape: Shape, in range: Range<Scalar>, offset: UInt64 = 0
    ) throws(TensorError) -> AnyTensor {
        guard !range.isEmpty else { throw TensorError(.shapeMismatch, "integers: the range \(range) is empty") }
        return try integers(shape, in: range.lowerBound...range.upperBound - 1, offset: offset)
    }

    /// As for a range without its last number.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for elements beyond 2⁵⁶, ``TensorError/Code/outOfMemory``.
    public func integers<Scalar: IntegerTensorScalar>(
        _ shape: Shape, in range: ClosedRange<Scalar>, offset: UInt64 = 0
    ) throws(TensorError) -> AnyTensor {
        let lowest = UInt64(truncatingIfNeeded: range.lowerBound)
        // All 64 bits are a length of 0, as the kernel takes it.
        let length = UInt64(truncatingIfNeeded: range.upperBound) &- lowest &+ 1
        return try integers(shape, lowest: lowest, length: length, dtype: Scalar.dtype, offset: offset)
    }

    private func integers(
        _ shape: Shape, lowest: UInt64, length: UInt64, dtype: DType, offset: UInt64
    ) throws(TensorError) -> AnyTensor {
        let result = try AnyTensor(uninitialized: shape, dtype: dtype)
        let count = result.elementCount
        guard offset <= 1 << 56, UInt64(count) <= 1 << 56 - offset else {
            throw TensorError(.indexOutOfRange, "integers: elements \(offset) + \(count) of 2^56")
        }
        if dtype.byteWidth == 8 {
            // Safe: the tensor is new and holds as many integers of 64 bits as its shape says.
            unsafe mw_active_kernels().pointee.random.random_integers(
                word0, word1, offset, count, length, result.elements())
            unsafe mw_shift_integers(8, count, result.firstByte, result.elements(), lowest)
            return result
        }
        // Blocks that stay in the cache.
        let block = Swift.min(count, 1 << 16)
        let wide = try AnyTensor(uninitialized: Shape([block]), dtype: .uint64)
        for start in Swift.stride(from: 0, to: count, by: Swift.max(block, 1)) {
            let part = Swift.min(block, count - start)
            // Safe: the block holds `part` integers, and the result as many from `start` on.
            unsafe mw_active_kernels().pointee.random.random_integers(
                word0, word1, offset + UInt64(start), part, length, wide.elements())
            unsafe mw_shift_integers(
                dtype.byteWidth, part, result.firstByte + start * dtype.byteWidth, wide.elements(), lowest)
        }
        return result
    }

    /// Bools that are true with a probability: where word `i` is below `probability · 2³²`, rounded.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless the probability is in `0...1`,
    ///   ``TensorError/Code/outOfMemory``.
    public func bernoulli(_ shape: Shape, probability: Double, offset: UInt64 = 0) throws(TensorError) -> AnyTensor {
        guard probability >= 0, probability <= 1 else {
            throw TensorError(.shapeMismatch, "bernoulli: \(probability) is no probability")
        }
        let result = try AnyTensor(uninitialized: shape, dtype: .bool)
        // Safe: the tensor is new and holds as many bools as its shape says.
        unsafe mw_active_kernels().pointee.random.random_bernoulli(
            word0, word1, offset, result.elementCount, UInt64((probability * 0x1p32).rounded()), result.elements())
        return result
    }

    /// Bools that are true with the probability that a float32 tensor has in their place: where the float of
    /// ``uniform(_:offset:)`` is below it. What is below 0, or NaN, is never true, and 1 always.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless float32, ``TensorError/Code/outOfMemory``.
    public func bernoulli(probabilities: AnyTensor, offset: UInt64 = 0) throws(TensorError) -> AnyTensor {
        try probabilities.type.require(.float32, in: "bernoulli")
        return try uniform(probabilities.shape, offset: offset) .< probabilities.withoutTrace()
    }

    /// For each row of scores along the last axis a class drawn from their softmax: int32 `[…, classes]` gives `[…]`.
    /// The place of the largest of `logits + gumbel` (Gumbel's trick); −∞ is never drawn beside a finite score.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless float32, ``TensorError/Code/shapeMismatch`` without classes,
    ///   ``TensorError/Code/outOfMemory``.
    public func categorical(logits: AnyTensor, offset: UInt64 = 0) throws(TensorError) -> AnyTensor {
        try logits.type.require(.float32, in: "categorical")
        return try (gumbel(logits.shape, offset: offset) + logits.withoutTrace()).argmax(axis: -1)
    }

    /// The slices of an axis in random order, that of ``permutation(_:)``.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/outOfMemory``.
    public func shuffled(_ tensor: AnyTensor, axis: Int = 0) throws(TensorError) -> AnyTensor {
        let axis = try AxisSet.position(of: axis, rank: tensor.rank, of: "shuffled")
        guard tensor.shape[axis] <= Int(Int32.max) else {
            throw TensorError(.outOfMemory, "shuffled: axis \(axis) of \(tensor.shape) is too long to be ordered")
        }
        let order = permutation(tensor.shape[axis])
        return try tensor.taking(AnyTensor(order.map(Int64.init), shape: [order.count]), axis: axis)
    }
}
