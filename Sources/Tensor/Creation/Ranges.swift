#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension AnyTensor {
    /// The integers from `start` up to, not including, `end`, in steps: what NumPy calls `arange`. A step may be
    /// negative; an end on the wrong side gives no elements.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for a step of 0, ``TensorError/Code/dtypeMismatch`` for bools and
    ///   where the type cannot hold an element, ``TensorError/Code/outOfMemory``.
    public static func stride(
        from start: Int, to end: Int, by step: Int = 1, dtype: DType = .int64
    ) throws(TensorError) -> AnyTensor {
        guard step != 0 else { throw TensorError(.shapeMismatch, "stride: a step of 0 has no end") }
        if dtype.isFloatingPoint {
            return try stride(from: Double(start), to: Double(end), by: Double(step), dtype: dtype)
        }
        guard dtype != .bool else { throw TensorError(.dtypeMismatch, "stride: not defined for bool") }
        // 128 bits hold every difference of two Ints.
        let distance = step > 0 ? Int128(end) - Int128(start) : Int128(start) - Int128(end)
        let magnitude = Int128(step.magnitude)
        let count = distance <= 0 ? 0 : (distance - 1) / magnitude + 1
        guard count <= Int128(Shape.maximumElementCount) else {
            throw TensorError(.outOfMemory, "stride: \(count) elements cannot be addressed")
        }
        if count > 0 {
            let last = Int128(start) + (count - 1) * Int128(step)
            let bounds = dtype.integerBounds
            guard Int128(start) >= bounds.lowerBound, Int128(start) <= bounds.upperBound, last >= bounds.lowerBound,
                last <= bounds.upperBound
            else {
                throw TensorError(.dtypeMismatch, "stride: \(dtype) cannot hold \(start) … \(last)")
            }
        }
        return switch dtype {
        case .int32: try integers(Int32.self, from: start, by: step, count: Int(count))
        case .int16: try integers(Int16.self, from: start, by: step, count: Int(count))
        case .int8: try integers(Int8.self, from: start, by: step, count: Int(count))
        case .uint64: try integers(UInt64.self, from: start, by: step, count: Int(count))
        case .uint32: try integers(UInt32.self, from: start, by: step, count: Int(count))
        case .uint16: try integers(UInt16.self, from: start, by: step, count: Int(count))
        case .uint8: try integers(UInt8.self, from: start, by: step, count: Int(count))
        default: try integers(Int64.self, from: start, by: step, count: Int(count))
        }
    }

    /// The numbers from `start` up to, not including, `end`, in steps: what NumPy calls `arange`, with its count,
    /// `⌈(end − start) / step⌉`, and its elements: `start + i d`, where `d` is the difference of the first two in the
    /// element type. (The count is that of the quotient: rounding may let the last element reach the end. Where the end
    /// must be met, ``linspace(from:through:count:dtype:)`` says how many.)
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for a step of 0 or bounds that are not finite,
    ///   ``TensorError/Code/dtypeMismatch`` unless the type is a float, ``TensorError/Code/outOfMemory``.
    public static func stride(
        from start: Double, to end: Double, by step: Double, dtype: DType = .float32
    ) throws(TensorError) -> AnyTensor {
        guard dtype.isFloatingPoint else { throw TensorError(.dtypeMismatch, "stride: not defined for \(dtype)") }
        guard step != 0, step.isFinite, start.isFinite, end.isFinite else {
            throw TensorError(.shapeMismatch, "stride: from \(start) to \(end) by \(step)")
        }
        var quotient = (end - start) / step
        // Bounds that differ are not equal, however small the quotient.
        if quotient == 0, end != start { quotient = (end > start) == (step > 0) ? 1 : 0 }
        let length = Swift.max(quotient.rounded(.up), 0)
        guard length <= Double(Shape.maximumElementCount / 2) else {
            throw TensorError(.outOfMemory, "stride: \(length) elements cannot be addressed")
        }
        let shape = try Shape([Int(length)])
        switch dtype {
        case .float64:
            let difference = (start + step) - start
            return try filled(shape) { start + Double($0) * difference }
        case .float32:
            let first = Float(start)
            let difference = Float(start + step) - first
            return try filled(shape) { first + Float($0) * difference }
        case .float16:
            let first = Float(Float16(start))
            let difference = Float(Float16(start + step)) - first
            return try filled(shape) { Float16(first + Float($0) * difference) }
        default:
            let first = Float(BFloat16(start))
            let difference = Float(BFloat16(start + step)) - first
            return try filled(shape) { BFloat16(first + Float($0) * difference) }
        }
    }

    /// `count` numbers from `start` through `end` at equal distances, computed in float64 and rounded once; the last is
    /// `end` itself.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for a negative count, ``TensorError/Code/dtypeMismatch`` unless the
    ///   type is a float, ``TensorError/Code/outOfMemory``.
    public static func linspace(
        from start: Double, through end: Double, count: Int, dtype: DType = .float32
    ) throws(TensorError) -> AnyTensor {
        try spaced(from: start, to: end, count: count, reachesEnd: true, dtype: dtype, "linspace") { $0 }
    }

    /// `count` numbers from `start` up to, not including, `end` at equal distances, computed in float64 and rounded once.
    ///
    /// - Throws: as ``linspace(from:through:count:dtype:)``.
    public static func linspace(
        from start: Double, to end: Double, count: Int, dtype: DType = .float32
    ) throws(TensorError) -> AnyTensor {
        try spaced(from: start, to: end, count: count, reachesEnd: false, dtype: dtype, "linspace") { $0 }
    }

    /// `count` numbers from `base` to the power `start` through `base` to the power `end`, whose exponents are at equal
    /// distances: computed in float64 by the C library's `pow` and rounded once.
    ///
    /// - Throws: as ``linspace(from:through:count:dtype:)``.
    public static func logspace(
        from start: Double, through end: Double, count: Int, base: Double = 10, dtype: DType = .float32
    ) throws(TensorError) -> AnyTensor {
        try spaced(from: start, to: end, count: count, reachesEnd: true, dtype: dtype, "logspace") {
            pow(base, $0)
        }
    }

    /// NumPy's formula: `i · step + start`, and exactly `end` where the last interval ends.
    private static func spaced(
        from start: Double, to end: Double, count: Int, reachesEnd: Bool, dtype: DType, _ operation: StaticString,
        _ transform: (Double) -> Double
    ) throws(TensorError) -> AnyTensor {
        guard count >= 0 else { throw TensorError(.shapeMismatch, "\(operation): \(count) elements") }
        guard dtype.isFloatingPoint else {
            throw TensorError(.dtypeMismatch, "\(operation): not defined for \(dtype)")
        }
        let shape = try Shape([count])
        let intervals = reachesEnd ? count - 1 : count
        let span = end - start
        let step = span / Double(Swift.max(intervals, 1))
        func value(_ index: Int) -> Double {
            if index == intervals, index > 0 { return transform(end) }
            // A step that underflowed to 0 is applied in two parts.
            let distance = step == 0 ? Double(index) / Double(Swift.max(intervals, 1)) * span : Double(index) * step
            return transform(distance + start)
        }
        return switch dtype {
        case .float64: try filled(shape, value)
        case .float32: try filled(shape) { Float(value($0)) }
        case .float16: try filled(shape) { Float16(value($0)) }
        default: try filled(shape) { BFloat16(value($0)) }
        }
    }

    private static func integers<Scalar: IntegerTensorScalar>(
        _: Scalar.Type, from start: Int, by step: Int, count: Int
    ) throws(TensorError) -> AnyTensor {
        let first = Scalar(truncatingIfNeeded: start)
        let step = Scalar(truncatingIfNeeded: step)
        return try filled(Shape([count])) { first &+ Scalar(truncatingIfNeeded: $0) &* step }
    }

    /// A new tensor whose elements are made from their places in row-major order.
    static func filled<Scalar: TensorScalar>(
        _ shape: Shape, _ element: (Int) -> Scalar
    ) throws(TensorError) -> AnyTensor {
        let tensor = try AnyTensor(uninitialized: shape, dtype: Scalar.dtype)
        let elements: UnsafeMutablePointer<Scalar> = unsafe tensor.elements()
        for index in 0..<tensor.elementCount {
            // Safe: the storage is new, aligned, and as large as the elements.
            unsafe (elements + index).initialize(to: element(index))
        }
        return tensor
    }
}

extension DType {
    /// The least and the greatest value of an integer type.
    fileprivate var integerBounds: ClosedRange<Int128> {
        let bits = byteWidth * 8
        return switch self {
        case .uint8, .uint16, .uint32, .uint64: 0...(Int128(1) << bits - 1)
        default: -(Int128(1) << (bits - 1))...(Int128(1) << (bits - 1) - 1)
        }
    }
}

extension Tensor where Scalar: IntegerTensorScalar {
    /// The integers from `start` up to, not including, `end`, in steps. Traps for a step of 0, and where the type cannot
    /// hold an element.
    public static func stride(from start: Int, to end: Int, by step: Int = 1) -> Tensor {
        Tensor { () throws(TensorError) in try .stride(from: start, to: end, by: step, dtype: Scalar.dtype) }
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The numbers from `start` up to, not including, `end`, in steps, as ``AnyTensor/stride(from:to:by:dtype:)-(Double,_,_,_)``
    /// counts and makes them.
    public static func stride(from start: Double, to end: Double, by step: Double = 1) -> Tensor {
        Tensor { () throws(TensorError) in try .stride(from: start, to: end, by: step, dtype: Scalar.dtype) }
    }

    /// `count` numbers from `start` through `end` at equal distances; the last is `end` itself.
    public static func linspace(from start: Double, through end: Double, count: Int) -> Tensor {
        Tensor { () throws(TensorError) in
            try .linspace(from: start, through: end, count: count, dtype: Scalar.dtype)
        }
    }

    /// `count` numbers from `start` up to, not including, `end` at equal distances.
    public static func linspace(from start: Double, to end: Double, count: Int) -> Tensor {
        Tensor { () throws(TensorError) in try .linspace(from: start, to: end, count: count, dtype: Scalar.dtype) }
    }

    /// `count` numbers from `base` to the power `start` through `base` to the power `end`, whose exponents are at equal
    /// distances.
    public static func logspace(from start: Double, through end: Double, count: Int, base: Double = 10) -> Tensor {
        Tensor { () throws(TensorError) in
            try .logspace(from: start, through: end, count: count, base: base, dtype: Scalar.dtype)
        }
    }
}
