import CTensorKernels

/// How a parameter's first values are made.
///
/// A value depends on the key and on its place in the parameter only, so that each partition of a parameter server
/// makes just its part, and the parts are bit by bit what one machine would have made. The bits are permanent.
public enum Initializer: Sendable, Hashable {
    /// All 0.
    case zeros
    /// All the same value.
    case constant(Float)
    /// Uniform between `low` and `high`: `low + u · (high - low)`, rounded once after a rounded difference, with `u`
    /// from ``RandomKey/uniform(_:offset:)``.
    case uniform(low: Float, high: Float)

    /// Glorot and Bengio's uniform initialisation (2010, equation 16), for layers whose activation is about linear:
    /// bounds `±√(6 / (fanIn + fanOut))`.
    public static func glorotUniform(fanIn: Int, fanOut: Int) -> Initializer {
        symmetric(6 / Float(Swift.max(fanIn + fanOut, 1)))
    }

    /// He and others' uniform initialisation (2015, equation 10), for layers before a ReLU: bounds `±√(6 / fanIn)`.
    public static func heUniform(fanIn: Int) -> Initializer {
        symmetric(6 / Float(Swift.max(fanIn, 1)))
    }

    private static func symmetric(_ squaredBound: Float) -> Initializer {
        let bound = squaredBound.squareRoot()
        return .uniform(low: -bound, high: bound)
    }

    /// Elements `range`, in row-major order, of a parameter of this shape: float32 with one axis.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for a range outside the shape's elements,
    ///   ``TensorError/Code/outOfMemory``.
    public func values(
        key: RandomKey, elements range: Range<Int>, of shape: Shape
    ) throws(TensorError) -> AnyTensor {
        guard range.lowerBound >= 0, range.upperBound <= shape.elementCount else {
            throw TensorError(
                .indexOutOfRange, "initial values \(range) of a parameter of shape \(shape)")
        }
        let part = try AnyTensor(uninitialized: try Shape([range.count]), dtype: .float32)
        // Safe: the tensor is new and holds as many floats as the range.
        unsafe write(range.count, from: UInt64(range.lowerBound), key: key, to: part.elements())
        return part
    }

    /// Writes `count` values, from an element of the parameter on, where there is room for them.
    package func write(_ count: Int, from first: UInt64, key: RandomKey, to target: UnsafeMutablePointer<Float>) {
        // Safe: the caller has room for `count` floats.
        switch self {
        case .zeros:
            unsafe target.update(repeating: 0, count: count)
        case .constant(let value):
            unsafe target.update(repeating: value, count: count)
        case .uniform(let low, let high):
            guard count > 0 else { return }
            unsafe mw_active_kernels().pointee.random.random_uniform_f32(key.word0, key.word1, first, count, target)
            let span = high - low
            for index in 0..<count { unsafe target[index] = low.addingProduct(target[index], span) }
        }
    }

    /// All values of a parameter of this shape.
    ///
    /// - Throws: ``TensorError/Code/outOfMemory``.
    public func values(key: RandomKey, shape: Shape) throws(TensorError) -> AnyTensor {
        try values(key: key, elements: 0..<shape.elementCount, of: shape).reshaped(to: shape)
    }
}
