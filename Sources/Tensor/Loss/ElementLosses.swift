// Losses of each element against a target of the same shape.

extension AnyTensor {
    /// `(x - t)²`.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless the shapes are equal, ``TensorError/Code/dtypeMismatch``.
    public func meanSquaredError(
        _ target: AnyTensor, reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        try requireTarget(target, of: "meanSquaredError")
        let difference = try self - target
        return try (difference * difference).reduced(reduction)
    }

    /// `|x - t|`.
    ///
    /// - Throws: as ``meanSquaredError(_:reduction:)``.
    public func absoluteError(_ target: AnyTensor, reduction: LossReduction = .mean) throws(TensorError) -> AnyTensor {
        try requireTarget(target, of: "absoluteError")
        return try (self - target).magnitudes().reduced(reduction)
    }

    /// Huber's loss: `½ d²` where `d = |x - t|` is at most `delta`, and `delta (d - ½ delta)` beyond.
    ///
    /// - Throws: as ``meanSquaredError(_:reduction:)``; ``TensorError/Code/shapeMismatch`` unless `delta` is above 0.
    public func huberLoss(
        _ target: AnyTensor, delta: Float = 1, reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        try requireTarget(target, of: "huberLoss")
        guard delta > 0 else { throw TensorError(.shapeMismatch, "huberLoss: a delta of \(delta)") }
        // With c = min(d, delta), both branches are c (d - ½ c).
        let distance = try (self - target).magnitudes()
        let clipped = try AnyTensor.select(distance .> .scalar(delta), .scalar(delta), distance)
        return try (clipped * (distance - clipped * .scalar(Float(0.5)))).reduced(reduction)
    }

    /// The smooth L1 loss: `½ d² / beta` where `d = |x - t|` is less than `beta`, and `d - ½ beta` beyond; `|x - t|` for
    /// a beta of 0.
    ///
    /// - Throws: as ``meanSquaredError(_:reduction:)``; ``TensorError/Code/shapeMismatch`` for a `beta` below 0.
    public func smoothAbsoluteError(
        _ target: AnyTensor, beta: Float = 1, reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        guard beta >= 0 else { throw TensorError(.shapeMismatch, "smoothAbsoluteError: a beta of \(beta)") }
        if beta == 0 { return try absoluteError(target, reduction: reduction) }
        return try huberLoss(target, delta: beta, reduction: .none).divided(by: beta).reduced(reduction)
    }

    /// Binary cross-entropy of probabilities, `-(t ln p + (1 - t) ln(1 - p))`, each logarithm at least -100.
    ///
    /// - Throws: as ``meanSquaredError(_:reduction:)``.
    public func binaryCrossEntropy(
        _ target: AnyTensor, reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        try requireTarget(target, of: "binaryCrossEntropy")
        let one = try AnyTensor.scalar(Float(1))
        let least = try AnyTensor.scalar(Float(-100))
        let (yes, no) = (try log(), try (one - self).log())
        let yesLoss = try AnyTensor.select(yes .< least, least, yes)
        let noLoss = try AnyTensor.select(no .< least, least, no)
        return try (target * yesLoss + (one - target) * noLoss).negated().reduced(reduction)
    }

    /// Binary cross-entropy of logits, `ln(1 + eˣ) - t x`, without overflow and with small relative errors for sure
    /// answers. `positiveWeight`, which broadcasts, multiplies what a target of 1 costs.
    ///
    /// - Throws: as ``meanSquaredError(_:reduction:)``.
    public func binaryCrossEntropy(
        logitsFor target: AnyTensor, positiveWeight: AnyTensor? = nil, reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        try requireTarget(target, of: "binaryCrossEntropy")
        // -ln σ(x) = softplus(-x) and -ln(1 - σ(x)) = softplus(x): neither is a difference of large numbers.
        let one = try AnyTensor.scalar(Float(1))
        var positive = try target * negated().softplusForLoss()
        if let positiveWeight { positive = try positive * positiveWeight }
        return try (positive + (one - target) * softplusForLoss()).reduced(reduction)
    }

    /// The Kullback-Leibler divergence of these log-probabilities from the target's probabilities, term by term:
    /// `t (ln t - x)`, and 0 where t is 0. With `targetIsLogarithm` the target holds `ln t`.
    ///
    /// - Throws: as ``meanSquaredError(_:reduction:)``.
    public func klDivergence(
        _ target: AnyTensor, targetIsLogarithm: Bool = false, reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        try requireTarget(target, of: "klDivergence")
        if targetIsLogarithm { return try (target.exp() * (target - self)).reduced(reduction) }
        let zero = try AnyTensor.scalar(Float(0))
        let isPositive = try target .> zero
        let safe = try AnyTensor.select(isPositive, target, .scalar(Float(1)))
        return try AnyTensor.select(isPositive, target * (safe.log() - self), zero).reduced(reduction)
    }

    /// The hinge loss of scores against targets 1 and -1: `max(0, margin - t x)`.
    ///
    /// - Throws: as ``meanSquaredError(_:reduction:)``.
    public func hingeLoss(
        _ target: AnyTensor, margin: Float = 1, reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        try requireTarget(target, of: "hingeLoss")
        return try (AnyTensor.scalar(margin) - target * self).relu().reduced(reduction)
    }

    /// The embedding loss of distances x against targets 1 (x) and -1 (`max(0, margin - x)`).
    ///
    /// - Throws: as ``meanSquaredError(_:reduction:)``.
    public func hingeEmbeddingLoss(
        _ target: AnyTensor, margin: Float = 1, reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        try requireTarget(target, of: "hingeEmbeddingLoss")
        let isSame = try target .> .scalar(Float(0))
        return try AnyTensor.select(isSame, self, (AnyTensor.scalar(margin) - self).relu()).reduced(reduction)
    }

    /// The loss of pairs of vectors along the last axis with cosine c, `[…, width]` and targets `[…]`: `1 - c` for a
    /// target of 1, `max(0, c - margin)` for -1. Squared lengths are at least 1e-12.
    ///
    /// - Throws: as ``meanSquaredError(_:reduction:)``.
    public func cosineEmbeddingLoss(
        _ other: AnyTensor, target: AnyTensor, margin: Float = 0, reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        try requireTarget(other, of: "cosineEmbeddingLoss")
        guard rank >= 1, target.shape.elementsEqual(shape.dropLast()) else {
            throw TensorError(
                .shapeMismatch, "cosineEmbeddingLoss: targets \(target.shape) for vectors \(shape)")
        }
        let tiny = try AnyTensor.scalar(Float(1e-12))
        let lengths = try ((self * self).sum(axes: [-1]) + tiny) * ((other * other).sum(axes: [-1]) + tiny)
        let cosine = try (self * other).sum(axes: [-1]) / lengths.squareRoot()
        let isSame = try target .> .scalar(Float(0))
        let apart = try (cosine - .scalar(margin)).relu()
        return try AnyTensor.select(isSame, AnyTensor.scalar(Float(1)) - cosine, apart).reduced(reduction)
    }

    private func divided(by divisor: Float) throws(TensorError) -> AnyTensor { try self / .scalar(divisor) }
}
