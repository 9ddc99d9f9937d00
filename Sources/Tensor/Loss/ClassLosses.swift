// Losses of rows of classes against labels.

extension AnyTensor {
    /// The cross-entropy, in nats, of rows of logits `[…, classes]` with labels `[…]` of any integer type, with what
    /// training asks for.
    ///
    /// With `p` the row's probabilities, label `y` and smoothing ε the loss is
    /// `-(1 - ε) w_y ln p_y - ε / classes · Σ_c w_c ln p_c` (Szegedy et al. 2016); weights `w` are `[classes]`, 1 unless
    /// given. Rows whose label is `ignoredLabel` count for nothing: their loss is 0, and a mean leaves them out. A mean
    /// divides by the sum of the labels' weights.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for a label that names no class and is not the ignored one,
    ///   ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch``.
    public func crossEntropy(
        labels: AnyTensor, weights: AnyTensor? = nil, smoothing: Double = 0, ignoredLabel: Int32? = nil,
        reduction: LossReduction
    ) throws(TensorError) -> AnyTensor {
        guard smoothing >= 0, smoothing <= 1 else {
            throw TensorError(.shapeMismatch, "crossEntropy: a smoothing of \(smoothing)")
        }
        let rows = try LabelledRows(self, labels, weights, ignoredLabel, of: "crossEntropy")
        var losses = try rows.weighted(rows.scores.crossEntropy(labels: rows.labels))
        if smoothing > 0 {
            var terms = try rows.scores.logSoftmax()
            if let weights = rows.classWeights { terms = try terms * weights }
            let spread = try rows.counted(terms.mean(axes: [-1]).negated())
            losses = try losses * (1 - smoothing) + spread * smoothing
        }
        return try rows.reduced(losses, reduction).cast(to: dtype)
    }

    /// The negative log-likelihood of rows of log-probabilities `[…, classes]` with labels `[…]` of any integer type:
    /// `-w_y x_y`, with weights, ignored labels and means as in ``crossEntropy(labels:weights:smoothing:ignoredLabel:reduction:)``.
    ///
    /// - Throws: as there.
    public func negativeLogLikelihood(
        labels: AnyTensor, weights: AnyTensor? = nil, ignoredLabel: Int32? = nil, reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        let rows = try LabelledRows(self, labels, weights, ignoredLabel, of: "negativeLogLikelihood")
        let picked = try rows.scores.picked(by: rows.labels, in: "negativeLogLikelihood: labels")
        return try rows.reduced(rows.weighted(picked.negated()), reduction).cast(to: dtype)
    }

    /// The element of each row `[…, classes]` that its int32 label `[…]` names.
    func picked(by labels: AnyTensor, in operation: StaticString) throws(TensorError) -> AnyTensor {
        // A negative label names no class, while a gather would count it from the back.
        if !labels.isAbstract { _ = try labels.checkedIndices(below: shape[rank - 1], in: operation) }
        return try taking(along: -1, labels.reshaped(to: Shape(Array(labels.shape) + [1]))).reshaped(to: labels.shape)
    }
}

/// Rows of classes with the weights of their labels.
private struct LabelledRows {
    /// The rows, float32 of 16-bit floats.
    let scores: AnyTensor
    /// The weights of the classes, of the rows' type.
    let classWeights: AnyTensor?
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
        try scores.type.require(.floats, in: operation)
        let labels = try labels.classLabels(in: operation)
        if let weights { try scores.type.requireSameType(as: weights.type, in: operation) }
        guard scores.rank >= 1, scores.shape.dropLast().elementsEqual(labels.shape) else {
            throw TensorError(
                .shapeMismatch,
                "\(operation): scores \(scores.shape) are not […, classes] for labels \(labels.shape)")
        }
        if let weights, weights.shape != [scores.shape[scores.rank - 1]] {
            throw TensorError(
                .shapeMismatch, "\(operation): weights \(weights.shape) for the classes of \(scores.shape)")
        }
        self.scores = try scores.cast(to: scores.dtype.wide)
        classWeights = try weights?.cast(to: scores.dtype.wide)
        isCounted = if let ignoredLabel { try labels .!= .scalar(ignoredLabel) } else { nil }
        self.labels =
            if let isCounted { try AnyTensor.select(isCounted, labels, .scalar(Int32(0))) } else { labels }
        var rowWeights: AnyTensor?
        if let classWeights { rowWeights = try classWeights.gatherRows(self.labels) }
        if let isCounted {
            let counted = if let rowWeights { rowWeights } else { try AnyTensor.scalar(1, dtype: self.scores.dtype) }
            rowWeights = try AnyTensor.select(isCounted, counted, .scalar(0, dtype: counted.dtype))
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
        return try AnyTensor.select(isCounted, losses, .scalar(0, dtype: losses.dtype))
    }

    func reduced(_ losses: AnyTensor, _ reduction: LossReduction) throws(TensorError) -> AnyTensor {
        guard reduction == .mean, let rowWeights else { return try losses.reduced(reduction) }
        return try losses.sum() / rowWeights.sum()
    }
}
