// The typed faces of the losses; what they compute is said at the core's.

extension Tensor where Scalar: FloatingTensorScalar {
    /// `(x - t)²`.
    public func meanSquaredError(_ target: Tensor, reduction: LossReduction = .mean) -> Tensor {
        Tensor { () throws(TensorError) in try core.meanSquaredError(target.core, reduction: reduction) }
    }

    /// `|x - t|`.
    public func absoluteError(_ target: Tensor, reduction: LossReduction = .mean) -> Tensor {
        Tensor { () throws(TensorError) in try core.absoluteError(target.core, reduction: reduction) }
    }

    /// Huber's loss: `½ d²` where `d = |x - t|` is at most `delta`, and `delta (d - ½ delta)` beyond.
    public func huberLoss(_ target: Tensor, delta: Double = 1, reduction: LossReduction = .mean) -> Tensor {
        Tensor { () throws(TensorError) in try core.huberLoss(target.core, delta: delta, reduction: reduction) }
    }

    /// The smooth L1 loss: `½ d² / beta` where `d = |x - t|` is less than `beta`, and `d - ½ beta` beyond.
    public func smoothAbsoluteError(_ target: Tensor, beta: Double = 1, reduction: LossReduction = .mean) -> Tensor {
        Tensor { () throws(TensorError) in
            try core.smoothAbsoluteError(target.core, beta: beta, reduction: reduction)
        }
    }

    /// Binary cross-entropy of probabilities.
    public func binaryCrossEntropy(_ target: Tensor, reduction: LossReduction = .mean) -> Tensor {
        Tensor { () throws(TensorError) in try core.binaryCrossEntropy(target.core, reduction: reduction) }
    }

    /// Binary cross-entropy of logits.
    public func binaryCrossEntropy(
        logitsFor target: Tensor, positiveWeight: Tensor? = nil, reduction: LossReduction = .mean
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try core.binaryCrossEntropy(
                logitsFor: target.core, positiveWeight: positiveWeight?.core, reduction: reduction)
        }
    }

    /// The hinge loss of scores against targets 1 and -1: `max(0, margin - t x)`.
    public func hingeLoss(_ target: Tensor, margin: Double = 1, reduction: LossReduction = .mean) -> Tensor {
        Tensor { () throws(TensorError) in try core.hingeLoss(target.core, margin: margin, reduction: reduction) }
    }

    /// The embedding loss of distances x against targets 1 (x) and -1 (`max(0, margin - x)`).
    public func hingeEmbeddingLoss(_ target: Tensor, margin: Double = 1, reduction: LossReduction = .mean) -> Tensor {
        Tensor { () throws(TensorError) in
            try core.hingeEmbeddingLoss(target.core, margin: margin, reduction: reduction)
        }
    }

    /// The cross-entropy of rows of logits with labels, with class weights, label smoothing and an ignored label.
    public func crossEntropy<Label: IntegerTensorScalar>(
        labels: Tensor<Label>, weights: Tensor? = nil, smoothing: Double = 0, ignoredLabel: Int32? = nil,
        reduction: LossReduction
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try core.crossEntropy(
                labels: labels.core, weights: weights?.core, smoothing: smoothing, ignoredLabel: ignoredLabel,
                reduction: reduction)
        }
    }

    /// The negative log-likelihood of rows of log-probabilities with labels.
    public func negativeLogLikelihood<Label: IntegerTensorScalar>(
        labels: Tensor<Label>, weights: Tensor? = nil, ignoredLabel: Int32? = nil, reduction: LossReduction = .mean
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try core.negativeLogLikelihood(
                labels: labels.core, weights: weights?.core, ignoredLabel: ignoredLabel, reduction: reduction)
        }
    }
}
