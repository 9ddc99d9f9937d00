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
        let part = try Shape([range.count])
        switch self {
        case .zeros:
            return try .zeros(part)
        case .constant(let value):
            return try .full(part, value)
        case .uniform(let low, let high):
            var values = try key.uniform(part, offset: UInt64(range.lowerBound))
            let span = high - low
            values.withMutableBytes { bytes in
                // Safe: the bytes are the floats that `uniform` has just made.
                let floats = unsafe bytes.assumingMemoryBound(to: Float.self)
                for index in floats.indices { unsafe floats[index] = low.addingProduct(floats[index], span) }
            }
            return values
        }
    }

    /// All values of a parameter of this shape.
    ///
    /// - Throws: ``TensorError/Code/outOfMemory``.
    public func values(key: RandomKey, shape: Shape) throws(TensorError) -> AnyTensor {
        try values(key: key, elements: 0..<shape.elementCount, of: shape).reshaped(to: shape)
    }
}
