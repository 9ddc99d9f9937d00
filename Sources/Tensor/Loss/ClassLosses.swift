// Losses of rows of classes against labels.

extension AnyTensor {
    /// The cross-entropy, in nats, of rows of logits `[…, classes]` with int32 labels `[…]`, with what training asks for.
    ///
    /// With `p` the row's probabilities, label `y` and smoothing ε the loss is
    /// `-(1 - ε) w_y ln p_y - ε / classes · Σ_c w_c ln p_c` (Szegedy et al. 2016); weights `w` are `[classes]`, 1 unless
    /// given. Rows whose label is `ignoredLabel` count for nothing: their loss is 0, and a mean leaves them out. A mean
    /// divides by the sum of the labels' weights.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for a label that names no class and is not the ignored one,
    ///   ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch``.
    public func crossEntropy(
        labels: AnyTensor, weights: AnyTensor? = nil, smoothing: Float = 0, ignoredLabel: Int32? = nil,
        reduction: LossReduction
    ) throws(TensorError) -> AnyTensor {
        guard smoothing >= 0, smoothing <= 1 else {
            throw TensorError(.shapeMismatch, "crossEntropy: a smoothing of \(smoothing)")
        }
        let rows = try LabelledRows(self, labels, weights, ignoredLabel, of: "crossEntropy")
        var losses = try rows.weighted(crossEntropy(labels: rows.labels))
        if smoothing > 0 {
            var terms = try logSoftmax()
            if let weights { terms = try terms * weights }
            let spread = try rows.counted(terms.mean(axes: [-1]).negated())
            losses = try losses * .scalar(1 - smoothing) + spread * .scalar(smoothing)
        }
        return try rows.reduced(losses, reduction)
    }

    /// The negative log-likelihood of rows of log-probabilities `[…, classes]` with int32 labels `[…]`: `-w_y x_y`, with
    /// weights, ignored labels and means as in ``crossEntropy(labels:weights:smoothing:ignoredLabel:reduction:)``.
    ///
    /// - Throws: as there.
    public func negativeLogLikelihood(
        labels: AnyTensor, weights: AnyTensor? = nil, ignoredLabel: Int32? = nil, reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        let rows = try LabelledRows(self, labels, weights, ignoredLabel, of: "negativeLogLikelihood")
        let classes = shape[rank - 1]
        guard elementCount <= Int(Int32.max) else {
            throw TensorError(.shapeMismatch, "negativeLogLikelihood: \(shape) has elements that no int32 names")
        }
        if !rows.labels.isAbstract {
            _ = try rows.labels.checkedIndices(below: classes, in: "negativeLogLikelihood: labels")
        }
        let starts = try AnyTensor(
            (0..<labels.elementCount).map { Int32($0 * classes) }, shape: labels.shape)
        let picked = try reshaped(to: Shape([elementCount])).gatherRows(rows.labels + starts)
        return try rows.reduced(rows.weighted(picked.negated()), reduction)
    }
}

/// Rows of classes with the weights of their labels.
private struct LabelledRows {
    /// The labels, 0 where they are ignored.
    let labels: AnyTensor
    /// The weight of each row's label, 0 where it is ignored; nil where all are 1.
    private let rowWeights: AnyTensor?
    /// Which rows count; nil where all do.
    private let isCounted: AnyTensor?

    init(
        _ scores: AnyTensor, _ labels: AnyTensor, _ weights: AnyTensor?, _ ignoredLabel: Int32?,
        of operation: StaticString
    ) throws(TensorError) {
        try labels.type.require(.int32, in: operation)
        guard scores.rank >= 1, scores.shape.dropLast().elementsEqual(labels.shape) else {
            throw TensorError(
                .shapeMismatch,
                "\(operation): scores \(scores.shape) are not […, classes] for labels \(labels.shape)")
        }
        if let weights, weights.shape != [scores.shape[scores.rank - 1]] {
            throw TensorError(
                .shapeMismatch, "\(operation): weights \(weights.shape) for the classes of \(scores.shape)")
        }
        isCounted = if let ignoredLabel { try labels .!= .scalar(ignoredLabel) } else { nil }
        self.labels =
            if let isCounted { try AnyTensor.select(isCounted, labels, .scalar(Int32(0))) } else { labels }
        var rowWeights: AnyTensor?
        if let weights { rowWeights = try weights.gatherRows(self.labels) }
        if let isCounted {
            let counted = if let rowWeights { rowWeights } else { try AnyTensor.scalar(Float(1)) }
            rowWeights = try AnyTensor.select(isCounted, counted, .scalar(Float(0)))
        }
        self.rowWeights = rowWeights
    }

    /// Losses times the labels' weights.
    func weighted(_ losses: AnyTensor) throws(TensorError) -> AnyTensor {
        guard let rowWeights else { return losses }
        // An ignored row may hold anything, and 0 times NaN is NaN.
        return try counted(losses) * rowWeights
    }

    /// Losses, 0 where the label is ignored.
    func counted(_ losses: AnyTensor) throws(TensorError) -> AnyTensor {
        guard let isCounted else { return losses }
        return try AnyTensor.select(isCounted, losses, .scalar(Float(0)))
    }

    func reduced(_ losses: AnyTensor, _ reduction: LossReduction) throws(TensorError) -> AnyTensor {
        guard reduction == .mean, let rowWeights else { return try losses.reduced(reduction) }
        return try losses.sum() / rowWeights.sum()
    }
}
