// Losses of each element that are the likelihood of a target under a distribution, or a distance of distributions.

extension AnyTensor {
    /// The Kullback-Leibler divergence of these log-probabilities from the target's probabilities, term by term:
    /// `t (ln t - x)`, and 0 where t is 0. With `targetIsLogarithm` the target holds `ln t`.
    ///
    /// - Throws: as ``meanSquaredError(_:reduction:)``.
    public func klDivergence(
        _ target: AnyTensor, targetIsLogarithm: Bool = false, reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        try losses(against: target, reduction, of: "klDivergence") { x, t throws(TensorError) in
            if targetIsLogarithm { return try t.exp() * (t - x) }
            let isPositive = try t .> 0
            let safe = try AnyTensor.select(isPositive, t, .scalar(1, dtype: t.dtype))
            return try .select(isPositive, t * (safe.log() - x), .scalar(0, dtype: t.dtype))
        }
    }

    /// The negative log-likelihood of counts t under Poisson distributions: `eˣ - t x` of rates' logarithms x, or
    /// `x - t ln(x + 1e-8)` of rates. With `addsFactorial`, ln t! is added for counts above 1 in Stirling's
    /// approximation, `t ln t - t + ½ ln(2π t)`; without, what does not depend on x is left out.
    ///
    /// - Throws: as ``meanSquaredError(_:reduction:)``.
    public func poissonLikelihoodLoss(
        _ target: AnyTensor, isLogarithm: Bool = true, addsFactorial: Bool = false, reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        try losses(against: target, reduction, of: "poissonLikelihoodLoss") { x, t throws(TensorError) in
            let loss = isLogarithm ? try x.exp() - t * x : try x - t * (x + 1e-8).log()
            guard addsFactorial else { return loss }
            let isMany = try t .> 1
            let many = try AnyTensor.select(isMany, t, .scalar(1, dtype: t.dtype))
            let factorial = try many * many.log() - many + (many * (2 * Double.pi)).log() * 0.5
            return try loss + .select(isMany, factorial, .scalar(0, dtype: t.dtype))
        }
    }

    /// The negative log-likelihood of targets t under normal distributions with these means:
    /// `½ (ln v + (x - t)² / v)`, where the variances v, which broadcast to the means, are at least `epsilon`; below it
    /// they have no gradient. With `addsConstant`, `½ ln 2π` is added.
    ///
    /// - Throws: as ``meanSquaredError(_:reduction:)``; ``TensorError/Code/shapeMismatch`` unless `epsilon` is above 0.
    public func gaussianLikelihoodLoss(
        _ target: AnyTensor, variance: AnyTensor, epsilon: Double = 1e-6, addsConstant: Bool = false,
        reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        try type.requireSameType(as: variance.type, in: "gaussianLikelihoodLoss")
        guard variance.shape.broadcasts(to: shape), epsilon > 0 else {
            throw TensorError(
                .shapeMismatch,
                "gaussianLikelihoodLoss: variances \(variance.shape) of at least \(epsilon) for means \(shape)")
        }
        return try losses(against: target, reduction, of: "gaussianLikelihoodLoss") { x, t throws(TensorError) in
            let given = try variance.cast(to: x.dtype)
            let least = try AnyTensor.scalar(epsilon, dtype: x.dtype)
            let spread = try AnyTensor.select(given .< least, least, given)
            let loss = try (spread.log() + (x - t).squared() / spread) * 0.5
            // ½ ln 2π
            return addsConstant ? try loss + 0.918938533204672742 : loss
        }
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The Kullback-Leibler divergence of these log-probabilities from the target's probabilities, term by term.
    public func klDivergence(
        _ target: Tensor, targetIsLogarithm: Bool = false, reduction: LossReduction = .mean
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try core.klDivergence(target.core, targetIsLogarithm: targetIsLogarithm, reduction: reduction)
        }
    }

    /// The negative log-likelihood of counts under Poisson distributions: `eˣ - t x` of rates' logarithms, or
    /// `x - t ln(x + 1e-8)` of rates.
    public func poissonLikelihoodLoss(
        _ target: Tensor, isLogarithm: Bool = true, addsFactorial: Bool = false, reduction: LossReduction = .mean
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try core.poissonLikelihoodLoss(
                target.core, isLogarithm: isLogarithm, addsFactorial: addsFactorial, reduction: reduction)
        }
    }

    /// The negative log-likelihood of targets under normal distributions with these means:
    /// `½ (ln v + (x - t)² / v)`.
    public func gaussianLikelihoodLoss(
        _ target: Tensor, variance: Tensor, epsilon: Double = 1e-6, addsConstant: Bool = false,
        reduction: LossReduction = .mean
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try core.gaussianLikelihoodLoss(
                target.core, variance: variance.core, epsilon: epsilon, addsConstant: addsConstant,
                reduction: reduction)
        }
    }
}
