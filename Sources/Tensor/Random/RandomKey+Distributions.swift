import CTensorKernels

// Distributions of floats. Element `i` depends on the key, on `offset + i` and on the parameters only: a partition makes
// just its part. 16-bit floats are the float32 numbers of the same stream, rounded. **The bits are permanent.**

extension RandomKey {
    /// Numbers spread evenly over `low ..< high`: `low + u (high − low)`, not fused, where `u` is the float32 of
    /// ``uniform(_:offset:)``, or for float64 has 53 bits. What rounding would lift to `high` is the number below it.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless the bounds and their distance are finite in the element type,
    ///   ``TensorError/Code/dtypeMismatch`` unless that is a float, ``TensorError/Code/outOfMemory``.
    public func uniform(
        _ shape: Shape, in range: Range<Double>, dtype: DType = .float32, offset: UInt64 = 0
    ) throws(TensorError) -> AnyTensor {
        func rounded(_ bound: Double) -> Double {
            switch dtype {
            case .float64: bound
            case .float16: Double(Float16(bound))
            case .bfloat16: Double(BFloat16(bound))
            default: Double(Float(bound))
            }
        }
        let span = rounded(range.upperBound) - rounded(range.lowerBound)
        // 16-bit numbers are made of float32 ones, which hold their every distance.
        guard dtype == .float64 ? span.isFinite : Float(span).isFinite else {
            throw TensorError(.shapeMismatch, "uniform: the range \(range) or its length is not finite in \(dtype)")
        }
        if dtype == .float64 {
            let (low, high) = (range.lowerBound, range.upperBound)
            let values = try AnyTensor(uninitialized: shape, dtype: .float64)
            // Safe: the tensor is new and holds as many doubles as its shape says.
            unsafe mw_active_kernels().pointee.random.random_uniform_f64(
                word0, word1, offset, values.elementCount, values.elements())
            unsafe mw_scale_and_shift_f64(
                values.elementCount, values.elements(), high - low, low, Swift.max(high.nextDown, low))
            return values
        }
        let (low, high) = (Float(range.lowerBound), Float(range.upperBound))
        let values = try uniform(shape, offset: offset)
        // Rounded to 16 bits, all from the middle of the last two numbers on would be `high`.
        let limit: Float =
            switch dtype {
            case .float16: Float(Float16(high).nextDown)
            case .bfloat16: Float(BFloat16(high).nextBelow)
            default: high.nextDown
            }
        // Safe: as many floats as the tensor has.
        unsafe mw_scale_and_shift_f32(
            values.elementCount, values.elements(), high - low, low, Swift.max(limit, low))
        return try values.rounded(to: dtype, in: "uniform")
    }

    /// Normal numbers: `mean + standardDeviation z` with `z` by Box and Muller's method (1958) from words `2j` and
    /// `2j + 1` for elements `2j` and `2j + 1` (for float64 twice as many words); in float32 `|z|` is at most 6.77.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the type is a float, ``TensorError/Code/outOfMemory``.
    public func normal(
        _ shape: Shape, mean: Double = 0, standardDeviation: Double = 1, dtype: DType = .float32, offset: UInt64 = 0
    ) throws(TensorError) -> AnyTensor {
        // Safe: the kernels are only named here; `floats` calls them.
        unsafe try floats(
            shape, dtype, offset, of: "normal", { unsafe $0.random_normal_f32 }, { unsafe $0.random_normal_f64 },
            scale: standardDeviation,
            shift: mean)
    }

    /// Exponential numbers of a rate: `−ln u / rate`, with `u` the middle of the place that 32 bits (for float64 53)
    /// have in (0, 1), computed in float64.
    ///
    /// - Throws: as ``normal(_:mean:standardDeviation:dtype:offset:)``.
    public func exponential(
        _ shape: Shape, rate: Double = 1, dtype: DType = .float32, offset: UInt64 = 0
    ) throws(TensorError) -> AnyTensor {
        // Safe: the kernels are only named here; `floats` calls them.
        unsafe try floats(
            shape, dtype, offset, of: "exponential", { unsafe $0.random_exponential_f32 },
            { unsafe $0.random_exponential_f64 },
            scale: 1 / rate, shift: 0)
    }

    /// Gumbel numbers: `location − scale ln(−ln u)`, with `u` as for
    /// ``exponential(_:rate:dtype:offset:)``. The place of the largest of `logits + gumbel` is a draw from the softmax.
    ///
    /// - Throws: as ``normal(_:mean:standardDeviation:dtype:offset:)``.
    public func gumbel(
        _ shape: Shape, location: Double = 0, scale: Double = 1, dtype: DType = .float32, offset: UInt64 = 0
    ) throws(TensorError) -> AnyTensor {
        // Safe: the kernels are only named here; `floats` calls them.
        unsafe try floats(
            shape, dtype, offset, of: "gumbel", { unsafe $0.random_gumbel_f32 }, { unsafe $0.random_gumbel_f64 },
            scale: scale,
            shift: location)
    }

    /// Normal numbers that lie in a range, which is given in standard deviations from the mean: the quantile of
    /// `p + u (q − p)`, where `p` and `q` are the bounds' probabilities and `u` has 53 bits, computed in float64 (Wichura's
    /// AS 241).
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for a range that is empty, NaN, or so far out (beyond about 37
    ///   standard deviations) that nothing lies in it; else as
    ///   ``normal(_:mean:standardDeviation:dtype:offset:)``.
    public func truncatedNormal(
        _ shape: Shape, in range: ClosedRange<Double> = -2...2, mean: Double = 0, standardDeviation: Double = 1,
        dtype: DType = .float32, offset: UInt64 = 0
    ) throws(TensorError) -> AnyTensor {
        // On the left of the mean, where probabilities are small, they have all their digits.
        let isMirrored = range.lowerBound > 0
        let low = isMirrored ? -range.upperBound : range.lowerBound
        let high = isMirrored ? -range.lowerBound : range.upperBound
        let (p, q) = (normalProbability(below: low), normalProbability(below: high))
        guard p < q else {
            throw TensorError(.shapeMismatch, "truncatedNormal: no normal number lies in \(range)")
        }
        guard dtype.isFloatingPoint else {
            throw TensorError(.dtypeMismatch, "truncatedNormal: not defined for \(dtype)")
        }
        let values = try AnyTensor(uninitialized: shape, dtype: .float64)
        // Safe: the tensor is new and holds as many doubles as its shape says.
        unsafe mw_active_kernels().pointee.random.random_truncated_normal(
            word0, word1, offset, values.elementCount, p, q, values.elements())
        // The quantile has about 16 digits; what it lifts out of the range is the bound.
        unsafe mw_scale_and_shift_f64(values.elementCount, values.elements(), 1, 0, high)
        unsafe mw_scale_and_shift_f64(values.elementCount, values.elements(), -1, 0, -low)
        let scale = isMirrored ? standardDeviation : -standardDeviation
        unsafe mw_scale_and_shift_f64(values.elementCount, values.elements(), scale, mean, .infinity)
        return try values.rounded(to: dtype, in: "truncatedNormal")
    }

    /// Gamma numbers: `x / rate`, where x has the density `x^(concentration - 1) e^(-x) / Γ(concentration)`, by Marsaglia and
    /// Tsang's method (2000), computed in float64. NumPy's `shape` is the concentration, and its `scale` is `1 / rate`.
    ///
    /// Below about 0.01, many of the numbers are too small for the element type, and 0.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless the concentration and the rate are positive and finite,
    ///   ``TensorError/Code/indexOutOfRange`` for elements beyond 2⁵³; else as
    ///   ``normal(_:mean:standardDeviation:dtype:offset:)``.
    public func gamma(
        _ shape: Shape, concentration: Double, rate: Double = 1, dtype: DType = .float32, offset: UInt64 = 0
    ) throws(TensorError) -> AnyTensor {
        guard concentration > 0, concentration.isFinite, rate > 0, rate.isFinite else {
            throw TensorError(.shapeMismatch, "gamma: a concentration of \(concentration) and a rate of \(rate)")
        }
        guard dtype.isFloatingPoint else { throw TensorError(.dtypeMismatch, "gamma: not defined for \(dtype)") }
        let values = try AnyTensor(uninitialized: shape, dtype: .float64)
        let count = values.elementCount
        guard offset <= 1 << 53, UInt64(count) <= 1 << 53 - offset else {
            throw TensorError(.indexOutOfRange, "gamma: elements \(offset) + \(count) of 2^53")
        }
        // Safe: the tensor is new and holds as many doubles as its shape says.
        unsafe mw_active_kernels().pointee.random.random_gamma(
            word0, word1, offset, count, concentration, values.elements())
        if rate != 1 { unsafe mw_scale_and_shift_f64(count, values.elements(), 1 / rate, 0, .infinity) }
        return try values.rounded(to: dtype, in: "gamma")
    }

    private typealias Kernel<Element> = (mw_random_kernels) -> (
        (UInt32, UInt32, UInt64, Int, UnsafeMutablePointer<Element>) -> Void
    )

    /// A standard distribution, scaled and shifted, in any float type.
    private func floats(
        _ shape: Shape, _ dtype: DType, _ offset: UInt64, of operation: StaticString, _ kernel32: Kernel<Float>,
        _ kernel64: Kernel<Double>, scale: Double, shift: Double
    ) throws(TensorError) -> AnyTensor {
        guard dtype.isFloatingPoint else {
            throw TensorError(.dtypeMismatch, "\(operation): not defined for \(dtype)")
        }
        let isStandard = scale == 1 && shift == 0
        if dtype == .float64 {
            let values = try AnyTensor(uninitialized: shape, dtype: .float64)
            // Safe: the tensor is new and holds as many doubles as its shape says.
            unsafe kernel64(mw_active_kernels().pointee.random)(
                word0, word1, offset, values.elementCount, values.elements())
            if !isStandard {
                unsafe mw_scale_and_shift_f64(values.elementCount, values.elements(), scale, shift, .infinity)
            }
            return values
        }
        let values = try AnyTensor(uninitialized: shape, dtype: .float32)
        // Safe: the tensor is new and holds as many floats as its shape says.
        unsafe kernel32(mw_active_kernels().pointee.random)(
            word0, word1, offset, values.elementCount, values.elements())
        if !isStandard {
            unsafe mw_scale_and_shift_f32(
                values.elementCount, values.elements(), Float(scale), Float(shift), .infinity)
        }
        return try values.rounded(to: dtype, in: operation)
    }
}

/// The probability that a standard normal number lies below `bound`: what ``mw_standard_normal_quantile`` inverts, found
/// by bisection, so that its bits are as permanent as the quantile's. 0 and 1 beyond what has a probability.
private func normalProbability(below bound: Double) -> Double {
    if bound > 0 { return 1 - normalProbability(below: -bound) }
    var (low, high) = (UInt64(0), (0.5).bitPattern)
    // Positive floats have the order of their bits.
    while high - low > 1 {
        let middle = low + (high - low) / 2
        if mw_standard_normal_quantile(Swift.max(Double(bitPattern: middle), .leastNormalMagnitude)) <= bound {
            low = middle
        } else {
            high = middle
        }
    }
    return low == 0 || bound.isNaN ? (bound.isNaN ? .nan : 0) : Double(bitPattern: high)
}

extension AnyTensor {
    /// Floats just made, in the element type that was asked for.
    fileprivate func rounded(to dtype: DType, in operation: StaticString) throws(TensorError) -> AnyTensor {
        if dtype == self.dtype { return self }
        switch (self.dtype, dtype) {
        case (.float32, .float16), (.float32, .bfloat16):
            return try narrowed(to: dtype)
        case (.float64, .float32), (.float64, .float16), (.float64, .bfloat16):
            let wide: UnsafeMutablePointer<Double> = unsafe elements()
            // Safe: as many as the shape has elements.
            let single = try AnyTensor.filled(shape) { unsafe Float(wide[$0]) }
            extendLifetime(storage)
            return dtype == .float32 ? single : try single.narrowed(to: dtype)
        default:
            throw TensorError(.dtypeMismatch, "\(operation): not defined for \(dtype)")
        }
    }
}

extension BFloat16 {
    /// The next smaller number.
    fileprivate var nextBelow: BFloat16 {
        if bitPattern & 0x7fff == 0 { return BFloat16(bitPattern: 0x8001) }
        return BFloat16(bitPattern: bitPattern & 0x8000 == 0 ? bitPattern - 1 : bitPattern + 1)
    }
}
