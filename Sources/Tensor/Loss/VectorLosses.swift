// Losses of vectors along the last axis.

extension AnyTensor {
    /// The loss of pairs of vectors along the last axis with cosine c, `[…, width]` and targets `[…]`: `1 - c` for a
    /// target of 1, `max(0, c - margin)` for -1. Squared lengths are at least 1e-12.
    ///
    /// - Throws: as ``meanSquaredError(_:reduction:)``.
    public func cosineEmbeddingLoss(
        _ other: AnyTensor, target: AnyTensor, margin: Double = 0, reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        try type.requireSameType(as: target.type, in: "cosineEmbeddingLoss")
        guard rank >= 1, target.shape.elementsEqual(shape.dropLast()) else {
            throw TensorError(
                .shapeMismatch, "cosineEmbeddingLoss: targets \(target.shape) for vectors \(shape)")
        }
        return try losses(against: other, reduction, of: "cosineEmbeddingLoss") { x, y throws(TensorError) in
            let lengths = try (x.squared().sum(axes: [-1]) + 1e-12) * (y.squared().sum(axes: [-1]) + 1e-12)
            let cosine = try (x * y).sum(axes: [-1]) / lengths.squareRoot()
            return try .select(target .> 0, 1 - cosine, (cosine - margin).relu())
        }
    }

    /// The triplet loss of anchors, vectors along the last axis: `max(0, |a - p| - |a - n| + margin)` with what is alike
    /// (p) and what is not (n), all `[…, width]`. Lengths are Euclidean, of differences with 1e-6 added to each element.
    ///
    /// - Throws: as ``meanSquaredError(_:reduction:)``.
    public func tripletMarginLoss(
        positive: AnyTensor, negative: AnyTensor, margin: Double = 1, reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        try type.requireSameType(as: negative.type, in: "tripletMarginLoss")
        guard rank >= 1, negative.shape == shape else {
            throw TensorError(.shapeMismatch, "tripletMarginLoss: negatives \(negative.shape) for anchors \(shape)")
        }
        return try losses(against: positive, reduction, of: "tripletMarginLoss") { x, p throws(TensorError) in
            let alike = try (x - p + 1e-6).squared().sum(axes: [-1]).squareRoot()
            let different = try (x - negative.cast(to: x.dtype) + 1e-6).squared().sum(axes: [-1]).squareRoot()
            return try (alike - different + margin).relu()
        }
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The loss of pairs of vectors along the last axis by their cosine.
    public func cosineEmbeddingLoss(
        _ other: Tensor, target: Tensor, margin: Double = 0, reduction: LossReduction = .mean
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try core.cosineEmbeddingLoss(other.core, target: target.core, margin: margin, reduction: reduction)
        }
    }

    /// The triplet loss of anchors, vectors along the last axis, with what is alike and what is not.
    public func tripletMarginLoss(
        positive: Tensor, negative: Tensor, margin: Double = 1, reduction: LossReduction = .mean
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try core.tripletMarginLoss(
                positive: positive.core, negative: negative.core, margin: margin, reduction: reduction)
        }
    }
}
