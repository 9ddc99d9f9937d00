// Losses of each element against a target of the same shape: a number, or a class of two.

extension AnyTensor {
    /// `(x - t)²` of floats against targets of the same shape and type.
    ///
    /// 16-bit floats are computed in float32, and the result is rounded to their type; so it is with every loss.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless the shapes are equal, ``TensorError/Code/dtypeMismatch`` unless
    ///   both are of one float type.
    public func meanSquaredError(
        _ target: AnyTensor, reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        try losses(against: target, reduction, of: "meanSquaredError") { x, t throws(TensorError) in
            try (x - t).squared()
        }
    }

    /// `|x - t|`.
    ///
    /// - Throws: as ``meanSquaredError(_:reduction:)``.
    public func absoluteError(_ target: AnyTensor, reduction: LossReduction = .mean) throws(TensorError) -> AnyTensor {
        try losses(against: target, reduction, of: "absoluteError") { x, t throws(TensorError) in try (x - t).abs() }
    }

    /// Huber's loss: `½ d²` where `d = |x - t|` is at most `delta`, and `delta (d - ½ delta)` beyond.
    ///
    /// - Throws: as ``meanSquaredError(_:reduction:)``; ``TensorError/Code/shapeMismatch`` unless `delta` is above 0.
    public func huberLoss(
        _ target: AnyTensor, delta: Double = 1, reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        guard delta > 0 else { throw TensorError(.shapeMismatch, "huberLoss: a delta of \(delta)") }
        return try losses(against: target, reduction, of: "huberLoss") { x, t throws(TensorError) in
            try (x - t).abs().squaredUpTo(delta)
        }
    }

    /// The smooth L1 loss: `½ d² / beta` where `d = |x - t|` is less than `beta`, and `d - ½ beta` beyond; `|x - t|` for
    /// a beta of 0.
    ///
    /// - Throws: as ``meanSquaredError(_:reduction:)``; ``TensorError/Code/shapeMismatch`` for a `beta` below 0.
    public func smoothAbsoluteError(
        _ target: AnyTensor, beta: Double = 1, reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        guard beta >= 0 else { throw TensorError(.shapeMismatch, "smoothAbsoluteError: a beta of \(beta)") }
        return try losses(against: target, reduction, of: "smoothAbsoluteError") { x, t throws(TensorError) in
            let distance = try (x - t).abs()
            return beta == 0 ? distance : try distance.squaredUpTo(beta) / beta
        }
    }

    /// `½ d²` of distances d up to `bound`, and `bound (d - ½ bound)` beyond: with c = min(d, bound), both are
    /// c (d - ½ c).
    private func squaredUpTo(_ bound: Double) throws(TensorError) -> AnyTensor {
        let limit = try AnyTensor.scalar(bound, dtype: dtype)
        let clipped = try AnyTensor.select(self .> limit, limit, self)
        return try clipped * (self - clipped * 0.5)
    }

    /// Binary cross-entropy of probabilities, `-(t ln p + (1 - t) ln(1 - p))`, each logarithm at least -100.
    ///
    /// - Throws: as ``meanSquaredError(_:reduction:)``.
    public func binaryCrossEntropy(
        _ target: AnyTensor, reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        try losses(against: target, reduction, of: "binaryCrossEntropy") { p, t throws(TensorError) in
            let least = try AnyTensor.scalar(-100, dtype: p.dtype)
            let (yes, no) = (try p.log(), try p.negated().log1p())
            let yesLoss = try AnyTensor.select(yes .< least, least, yes)
            let noLoss = try AnyTensor.select(no .< least, least, no)
            return try (t * yesLoss + (1 - t) * noLoss).negated()
        }
    }

    /// Binary cross-entropy of logits, `ln(1 + eˣ) - t x`, without overflow and with small relative errors for sure
    /// answers. `positiveWeight`, which broadcasts to the logits, multiplies what a target of 1 costs.
    ///
    /// - Throws: as ``meanSquaredError(_:reduction:)``.
    public func binaryCrossEntropy(
        logitsFor target: AnyTensor, positiveWeight: AnyTensor? = nil, reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        if let positiveWeight {
            try type.requireSameType(as: positiveWeight.type, in: "binaryCrossEntropy")
            guard positiveWeight.shape.broadcasts(to: shape) else {
                throw TensorError(
                    .shapeMismatch,
                    "binaryCrossEntropy: weights \(positiveWeight.shape) do not broadcast to logits \(shape)")
            }
        }
        return try losses(against: target, reduction, of: "binaryCrossEntropy") { x, t throws(TensorError) in
            // -ln σ(x) = softplus(-x) and -ln(1 - σ(x)) = softplus(x): neither is a difference of large numbers.
            var positive = try t * x.negated().softplus()
            if let positiveWeight { positive = try positive * positiveWeight.cast(to: x.dtype) }
            return try positive + (1 - t) * x.softplus()
        }
    }

    /// The hinge loss of scores against targets 1 and -1: `max(0, margin - t x)`.
    ///
    /// - Throws: as ``meanSquaredError(_:reduction:)``.
    public func hingeLoss(
        _ target: AnyTensor, margin: Double = 1, reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        try losses(against: target, reduction, of: "hingeLoss") { x, t throws(TensorError) in
            try (margin - t * x).relu()
        }
    }

    /// The embedding loss of distances x against targets 1 (x) and -1 (`max(0, margin - x)`).
    ///
    /// - Throws: as ``meanSquaredError(_:reduction:)``.
    public func hingeEmbeddingLoss(
        _ target: AnyTensor, margin: Double = 1, reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        try losses(against: target, reduction, of: "hingeEmbeddingLoss") { x, t throws(TensorError) in
            try .select(t .> 0, x, (margin - x).relu())
        }
    }
}
