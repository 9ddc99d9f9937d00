extension AnyTensor {
    /// Scaled dot-product attention, `softmax(scale · q kᵀ + mask) v` for each head, with these queries
    /// `[batch, heads, queries, width]`: keys `[batch, key heads, keys, width]` and values
    /// `[batch, key heads, keys, value width]` give `[batch, heads, queries, value width]`.
    ///
    /// Scores exist a block at a time only, never as a matrix of all. `heads` is a multiple of `key heads`: neighbouring
    /// heads share keys and values (grouped queries). A mask broadcasts to `[batch, heads, queries, keys]`; float32 is
    /// added to the scaled scores, and of bool, false hides a key. `isCausal` lets query i see keys 0...i only. A query
    /// that sees no key gives NaN. The scale is `1 / √width` unless given.
    ///
    /// The last bits depend on the machine's instruction set, not on threads.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` unless float32.
    public consuming func attention(
        keys: AnyTensor, values: AnyTensor, mask: AnyTensor? = nil, isCausal: Bool = false, scale: Float? = nil
    ) throws(TensorError) -> AnyTensor {
        let width = Float(Swift.max(shape.last ?? 1, 1))
        var operands = [self.take(), keys, values]
        if let mask, mask.dtype == .bool {
            operands.append(try AnyTensor.select(mask, .scalar(Float(0)), .scalar(-Float.infinity)))
        } else if let mask {
            operands.append(mask)
        }
        return try Primitive.attention.apply(
            to: operands, .attention(scale: scale ?? 1 / width.squareRoot(), isCausal: isCausal))
    }
}

extension Tensor where Scalar == Float {
    /// Scaled dot-product attention, `softmax(scale · q kᵀ + mask) v` for each head, with these queries
    /// `[batch, heads, queries, width]`; the mask is added to the scaled scores.
    public consuming func attention(
        keys: Tensor, values: Tensor, mask: Tensor? = nil, isCausal: Bool = false, scale: Float? = nil
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().attention(
                keys: keys.core, values: values.core, mask: mask?.core, isCausal: isCausal, scale: scale)
        }
    }

    /// As `attention(keys:values:mask:isCausal:scale:)`, where false in the mask hides a key from a query.
    public consuming func attention(
        keys: Tensor, values: Tensor, mask: Tensor<Bool>, isCausal: Bool = false, scale: Float? = nil
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().attention(
                keys: keys.core, values: values.core, mask: mask.core, isCausal: isCausal, scale: scale)
        }
    }
}
