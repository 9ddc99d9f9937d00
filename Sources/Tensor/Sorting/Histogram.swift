import CTensorKernels

extension AnyTensor {
    /// How often each integer from 0 on is among the elements, as int64: `[m]` with m one more than the largest, or
    /// `minimumCount` if that is more.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for a negative element or count, ``TensorError/Code/dtypeMismatch``
    ///   unless the elements are integers, ``TensorError/Code/valuesUnknown`` for an abstract tensor, as the shape depends
    ///   on the values, ``TensorError/Code/outOfMemory``.
    public func binCounts(minimumCount: Int = 0) throws(TensorError) -> AnyTensor {
        guard dtype.isInteger else { throw TensorError(.dtypeMismatch, "binCounts: not defined for \(type)") }
        guard minimumCount >= 0 else {
            throw TensorError(.indexOutOfRange, "binCounts: a minimum of \(minimumCount) bins")
        }
        let values = try withoutTrace().contiguous()
        defer { extendLifetime(values) }
        guard elementCount > 0 else { return try .zeros(Shape([minimumCount]), dtype: .int64) }
        // In 64 bits an unsigned element beyond Int is negative too.
        let smallest = try values.min().integer()
        let largest = try values.max().integer()
        guard smallest >= 0, largest >= 0, largest < Int(Int32.max) else {
            throw TensorError(
                .indexOutOfRange, "binCounts: elements from \(smallest) to \(largest) are no bins of 0..<\(Int32.max)")
        }
        let counts = try AnyTensor.zeros(Shape([Swift.max(largest + 1, minimumCount)]), dtype: .int64)
        // Safe: every element has a bin.
        unsafe mw_count_bins(dtype.kernel, elementCount, counts.elements(), values.firstByte)
        return counts
    }

    /// How many elements are in each of `bins` bins of equal width over `range`, as int64: `[bins]`. A bin holds its lower
    /// end and not its upper one, but for the last, which holds both. Elements outside the range, and NaN, are in none.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` unless there is a bin and the range is finite and not empty,
    ///   ``TensorError/Code/valuesUnknown`` for an abstract tensor, ``TensorError/Code/outOfMemory``.
    public func histogram(bins: Int, range: ClosedRange<Double>) throws(TensorError) -> AnyTensor {
        let width = range.upperBound - range.lowerBound
        guard bins > 0, width > 0, width.isFinite else {
            throw TensorError(.indexOutOfRange, "histogram: \(bins) bins over \(range)")
        }
        let values = try withoutTrace().contiguous()
        defer { extendLifetime(values) }
        let counts = try AnyTensor.zeros(Shape([bins]), dtype: .int64)
        // Safe: the counts have the bins that are named.
        unsafe mw_histogram(
            dtype.kernel, range.lowerBound, range.upperBound, bins, elementCount, counts.elements(), values.firstByte)
        return counts
    }

    /// The only element of an integer tensor, in the bits of an Int.
    private func integer() throws(TensorError) -> Int {
        let word = try sum(as: .int64).scalars(as: Int64.self)
        return Int(word[0])
    }
}

extension Tensor where Scalar: IntegerTensorScalar {
    /// How often each integer from 0 on is among the elements.
    public func binCounts(minimumCount: Int = 0) -> Tensor<Int64> {
        Tensor<Int64> { () throws(TensorError) in try core.binCounts(minimumCount: minimumCount) }
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// How many elements are in each of `bins` bins of equal width over `range`.
    public func histogram(bins: Int, range: ClosedRange<Double>) -> Tensor<Int64> {
        Tensor<Int64> { () throws(TensorError) in try core.histogram(bins: bins, range: range) }
    }
}
