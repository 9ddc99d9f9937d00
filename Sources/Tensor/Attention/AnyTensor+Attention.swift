extension AnyTensor {
    /// Scaled dot-product attention, `softmax(scale · q kᵀ + mask) v` for each head, with these queries
    /// `[batch, heads, queries, width]`: keys `[batch, key heads, keys, width]` and values
    /// `[batch, key heads, keys, value width]` give `[batch, heads, queries, value width]`.
    ///
    /// Scores exist a block at a time only, never as a matrix of all. `heads` is a multiple of `key heads`: neighbouring
    /// heads share keys and values (grouped queries). A mask broadcasts to `[batch, heads, queries, keys]`; of the
    /// queries' type, it is added to the scaled scores, and of bool, false hides a key. `isCausal` lets query i see keys
    /// 0...i only: not even NaN in a later key or value reaches its result or its gradient, nor NaN in a query the gradients
    /// of later keys and values. A query that sees no key gives NaN. The scale is `1 / √width` unless given.
    ///
    /// 16-bit floats are computed in float32, and the result is rounded to their type. The last bits depend on the
    /// machine's instruction set, not on threads.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` unless all are of one float type.
    public consuming func attention(
        keys: AnyTensor, values: AnyTensor, mask: AnyTensor? = nil, isCausal: Bool = false, scale: Double? = nil
    ) throws(TensorError) -> AnyTensor {
        let (dtype, width) = (self.dtype, Double(Swift.max(shape.last ?? 1, 1)))
        try type.require(.floats, in: "attention")
        var operands = [self.take(), keys, values]
        if let mask, mask.dtype == .bool {
            operands.append(
                try AnyTensor.select(mask, .scalar(0, dtype: dtype), .scalar(-.infinity, dtype: dtype)))
        } else if let mask {
            operands.append(mask)
        }
        for index in operands.indices {
            try operands[0].type.requireSameType(as: operands[index].type, in: "attention")
        }
        if dtype.wide != dtype {
            for index in operands.indices { operands[index] = try operands[index].cast(to: dtype.wide) }
        }
        return try Primitive.attention.apply(
            to: operands, .attention(scale: scale ?? 1 / width.squareRoot(), isCausal: isCausal)
        ).cast(to: dtype)
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// Scaled dot-product attention, `softmax(scale · q kᵀ + mask) v` for each head, with these queries
    /// `[batch, heads, queries, width]`; the mask is added to the scaled scores.
    public consuming func attention(
        keys: Tensor, values: Tensor, mask: Tensor? = nil, isCausal: Bool = false, scale: Double? = nil
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().attention(
                keys: keys.core, values: values.core, mask: mask?.core, isCausal: isCausal, scale: scale)
        }
    }

    /// As `attention(keys:values:mask:isCausal:scale:)`, where false in the mask hides a key from a query.
    public consuming func attention(
        keys: Tensor, values: Tensor, mask: Tensor<Bool>, isCausal: Bool = false, scale: Double? = nil
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().attention(
                keys: keys.core, values: values.core, mask: mask.core, isCausal: isCausal, scale: scale)
        }
    }
}
