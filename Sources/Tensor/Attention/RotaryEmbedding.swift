/// Which two elements of a vector a rotary embedding turns together.
public enum RotaryPairs: Sendable, Hashable {
    /// `i` and `i + width / 2`, as in GPT-NeoX and Llama's checkpoints for Transformers.
    case halves
    /// `2i` and `2i + 1`, as in the paper and ONNX's `interleaved`.
    case neighbours
}

extension AnyTensor {
    /// Rotary position embeddings (Su et al. 2021) of vectors `[…, length, width]`: pair `i` of the vector at place `n` is
    /// turned by the angle `(firstPosition + n) · base^(-2i / width)`. The angles are computed in float64.
    ///
    /// - Parameters:
    ///   - firstPosition: the position of the first vector: how many came before, where keys are cached.
    ///   - base: 10,000 by default.
    ///   - pairs: halves of the vector by default.
    /// - Throws: ``TensorError/Code/shapeMismatch`` for fewer than two axes, an odd width or a base that is not above 0,
    ///   ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public func rotaryEmbedding(
        firstPosition: Int = 0, base: Double = 10_000, pairs: RotaryPairs = .halves
    ) throws(TensorError) -> AnyTensor {
        try type.require(.floats, in: "rotaryEmbedding")
        guard rank >= 2, shape[rank - 1] % 2 == 0, base > 0 else {
            throw TensorError(
                .shapeMismatch, "rotaryEmbedding: \(shape) with base \(base) is not […, length, even width]")
        }
        let (length, half) = (shape[rank - 2], shape[rank - 1] / 2)
        let places = try AnyTensor.filled(Shape([length, 1])) { Double(firstPosition) + Double($0) }
        let exponents = try AnyTensor.filled(Shape([half])) { -Double($0) / Double(half) }
        let angles = try places * AnyTensor.scalar(base).raised(to: exponents)
        // 16-bit floats are turned in float32 and rounded once.
        let (cosine, sine) = (try angles.cos().cast(to: dtype.wide), try angles.sin().cast(to: dtype.wide))
        let split = try Shape(shape.dropLast() + (pairs == .halves ? [2, half] : [half, 2]))
        let axis = pairs == .halves ? -2 : -1
        let parts = try cast(to: dtype.wide).reshaped(to: split).split(into: 2, axis: axis)
        let (first, second) = (try parts[0].squeezed(axes: [axis]), try parts[1].squeezed(axes: [axis]))
        let turned = [try first * cosine - second * sine, try second * cosine + first * sine]
        return try AnyTensor.stack(turned, axis: axis).reshaped(to: shape).cast(to: dtype)
    }

    /// The biases that attention with linear biases adds to its scores (Press et al. 2022), `[heads, queries, keys]`:
    /// `slope · (key - query)`, where the last query stands at the last key. The slopes are `2^(-8 (h + 1) / heads)` for a
    /// power of two of heads; of other numbers, those of the next lower power, then every other one of the next higher.
    ///
    /// ```swift
    /// try queries.attention(keys: keys, values: values, mask: .linearBiases(heads: 8, queries: n, keys: n), isCausal: true)
    /// ```
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for negative counts, ``TensorError/Code/dtypeMismatch`` unless the type
    ///   is a float, ``TensorError/Code/outOfMemory``.
    public static func linearBiases(
        heads: Int, queries: Int, keys: Int, dtype: DType = .float32
    ) throws(TensorError) -> AnyTensor {
        guard dtype.isFloatingPoint else {
            throw TensorError(.dtypeMismatch, "linearBiases: not defined for \(dtype)")
        }
        let shape = try Shape([heads, queries, keys])
        var power = 1
        while power <= heads / 2 { power *= 2 }
        // Tensors, not arrays: counts from outside may be more than memory holds, and that throws.
        let exponents = try AnyTensor.filled(Shape([heads, 1, 1])) { head -> Double in
            head < power ? -8 * Double(head + 1) / Double(power) : -4 * Double(2 * (head - power) + 1) / Double(power)
        }
        let slopes = try AnyTensor.scalar(2.0).raised(to: exponents)
        let columns = try AnyTensor.filled(Shape([keys])) { Double($0) }
        let rows = try AnyTensor.filled(Shape([queries, 1])) { Double(keys - queries + $0) }
        return try (slopes * (columns - rows)).broadcast(to: shape).cast(to: dtype)
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// Rotary position embeddings of vectors `[…, length, width]`: pair `i` of the vector at place `n` is turned by the
    /// angle `(firstPosition + n) · base^(-2i / width)`.
    public func rotaryEmbedding(
        firstPosition: Int = 0, base: Double = 10_000, pairs: RotaryPairs = .halves
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try core.rotaryEmbedding(firstPosition: firstPosition, base: base, pairs: pairs)
        }
    }

    /// The biases that attention with linear biases adds to its scores, `[heads, queries, keys]`.
    public static func linearBiases(heads: Int, queries: Int, keys: Int) -> Tensor {
        Tensor { () throws(TensorError) in
            try .linearBiases(heads: heads, queries: queries, keys: keys, dtype: Scalar.dtype)
        }
    }
}
