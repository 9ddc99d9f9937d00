import CTensorKernels

extension AnyTensor {
    /// How often each integer from 0 on is among the elements, as int64: `[m]` with m one more than the largest, or
    /// `minimumCount` if that is more.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for a negative element or count, ``TensorError/Code/dtypeMismatch``
    ///   unless the elements are integers, ``TensorError/Code/valuesUnknown`` for an abstract tensor, as the shape depends
    ///   on the values, ``TensorError/Code/outOfMemory``.
    public func binCounts(minimumCount: Int = 0) throws(TensorError) -> AnyTensor {
        let values = try withoutTrace().contiguous()
        defer { extendLifetime(values) }
        let counts = try AnyTensor.zeros(Shape([values.binCount(atLeast: minimumCount)]), dtype: .int64)
        // Safe: every element has a bin.
        unsafe mw_count_bins(dtype.kernel, elementCount, counts.elements(), values.firstByte)
        return counts
    }

    /// The sum of the weights of the elements that equal each integer from 0 on, as float64: `[m]` as for
    /// ``binCounts(minimumCount:)``. Weights have the elements' shape and any type; they are added as float64, in the
    /// elements' order.
    ///
    /// - Throws: as there, and ``TensorError/Code/shapeMismatch`` unless there is a weight for each element.
    public func binCounts(weights: AnyTensor, minimumCount: Int = 0) throws(TensorError) -> AnyTensor {
        guard weights.shape == shape else {
            throw TensorError(.shapeMismatch, "binCounts: weights \(weights.shape) for \(type)")
        }
        let values = try withoutTrace().contiguous()
        let sums = try AnyTensor.zeros(Shape([values.binCount(atLeast: minimumCount)]), dtype: .float64)
        let flat = try Shape([elementCount])
        return try sums.scattering(
            weights.cast(to: .float64).reshaped(to: flat), along: 0, values.cast(to: .int64).reshaped(to: flat),
            mode: .add)
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

    /// One more than the largest of these integers, or `least` if that is more.
    private func binCount(atLeast least: Int) throws(TensorError) -> Int {
        guard dtype.isInteger else { throw TensorError(.dtypeMismatch, "binCounts: not defined for \(type)") }
        guard least >= 0 else { throw TensorError(.indexOutOfRange, "binCounts: a minimum of \(least) bins") }
        guard elementCount > 0 else { return least }
        // In 64 bits an unsigned element beyond Int is negative too.
        let smallest = try min().integer()
        let largest = try max().integer()
        guard smallest >= 0, largest >= 0, largest < Int(Int32.max) else {
            throw TensorError(
                .indexOutOfRange, "binCounts: elements from \(smallest) to \(largest) are no bins of 0..<\(Int32.max)")
        }
        return Swift.max(largest + 1, least)
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

    /// The sum of the weights of the elements that equal each integer from 0 on.
    public func binCounts<Weight: TensorScalar>(weights: Tensor<Weight>, minimumCount: Int = 0) -> Tensor<Double> {
        Tensor<Double> { () throws(TensorError) in
            try core.binCounts(weights: weights.core, minimumCount: minimumCount)
        }
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// How many elements are in each of `bins` bins of equal width over `range`.
    public func histogram(bins: Int, range: ClosedRange<Double>) -> Tensor<Int64> {
        Tensor<Int64> { () throws(TensorError) in try core.histogram(bins: bins, range: range) }
    }
}
