extension AnyTensor {
    /// The connectionist temporal classification loss (Graves et al. 2006): minus the logarithm of the probability that
    /// these log-probabilities `[batch, time, classes]` give to all alignments with the labels, of any integer type
    /// `[batch, length]`.
    ///
    /// A forward pass over time in logarithms, made of primitives; memory grows with time · labels. Labels that fit no
    /// alignment cost ∞. Of a mean, each loss is first divided by the number of its labels (1 for none).
    ///
    /// - Parameters:
    ///   - inputLengths: how many steps of each row count, all unless given.
    ///   - labelLengths: how many labels of each row count, all unless given; what follows may be anything.
    ///   - blank: the class that is between labels, 0 by default.
    /// - Throws: ``TensorError/Code/shapeMismatch`` for shapes or lengths that do not fit,
    ///   ``TensorError/Code/indexOutOfRange`` for a label that names no class or the blank,
    ///   ``TensorError/Code/dtypeMismatch`` unless the probabilities are floats and the labels integers,
    ///   ``TensorError/Code/valuesUnknown`` for abstract labels.
    public func connectionistLoss(
        labels: AnyTensor, inputLengths: [Int]? = nil, labelLengths: [Int]? = nil, blank: Int = 0,
        reduction: LossReduction = .mean
    ) throws(TensorError) -> AnyTensor {
        let paths = try LabelPaths(
            type, labels, inputLengths: inputLengths, labelLengths: labelLengths, blank: blank)
        let losses = try paths.losses(of: cast(to: dtype.wide))
        guard reduction == .mean else { return try losses.reduced(reduction).cast(to: dtype) }
        let counts = paths.labelLengths.map { Double(Swift.max($0, 1)) }
        let divisors = try AnyTensor(counts, shape: losses.shape).cast(to: losses.dtype)
        return try (losses / divisors).mean().cast(to: dtype)
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The connectionist temporal classification loss of log-probabilities `[batch, time, classes]` with labels
    /// `[batch, length]`.
    public func connectionistLoss<Label: IntegerTensorScalar>(
        labels: Tensor<Label>, inputLengths: [Int]? = nil, labelLengths: [Int]? = nil, blank: Int = 0,
        reduction: LossReduction = .mean
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try core.connectionistLoss(
                labels: labels.core, inputLengths: inputLengths, labelLengths: labelLengths, blank: blank,
                reduction: reduction)
        }
    }
}

/// The states of each row's alignments: a blank, the first label, a blank, … the last label, a blank.
private struct LabelPaths {
    let inputLengths: [Int]
    let labelLengths: [Int]
    private let batch: Int
    private let time: Int
    private let stateCount: Int
    /// The class of each state, `batch · stateCount`.
    private let classes: [Int64]
    private let blank: Int

    init(
        _ scores: TensorType, _ labels: AnyTensor, inputLengths: [Int]?, labelLengths: [Int]?, blank: Int
    ) throws(TensorError) {
        try scores.require(.floats, in: "connectionistLoss")
        let labels = try labels.classLabels(in: "connectionistLoss")
        let shape = scores.shape
        guard shape.rank == 3, labels.rank == 2, labels.shape[0] == shape[0], shape[1] > 0, blank >= 0,
            blank < shape[2]
        else {
            throw TensorError(
                .shapeMismatch,
                "connectionistLoss: \(shape) is not [batch, time, classes] for labels \(labels.shape) and blank \(blank)"
            )
        }
        (batch, time, self.blank) = (shape[0], shape[1], blank)
        let length = labels.shape[1]
        self.inputLengths = inputLengths ?? Array(repeating: time, count: batch)
        self.labelLengths = labelLengths ?? Array(repeating: length, count: batch)
        let (steps, most) = (1...time, 0...length)
        guard self.inputLengths.count == batch, self.labelLengths.count == batch,
            self.inputLengths.allSatisfy(steps.contains), self.labelLengths.allSatisfy(most.contains)
        else {
            throw TensorError(
                .shapeMismatch,
                "connectionistLoss: lengths \(self.inputLengths) and \(self.labelLengths) for \(shape) and labels "
                    + "\(labels.shape)")
        }
        let values = try labels.scalars(as: Int32.self)
        stateCount = 2 * length + 1
        var classes = Array(repeating: Int64(blank), count: batch * stateCount)
        for row in 0..<batch {
            for place in 0..<self.labelLengths[row] {
                let label = Int(values[row * length + place])
                guard label >= 0, label < shape[2], label != blank else {
                    throw TensorError(
                        .indexOutOfRange,
                        "connectionistLoss: label \(place) of row \(row) is \(label), not a class of 0..<\(shape[2]) "
                            + "beside the blank \(blank)")
                }
                classes[row * stateCount + 2 * place + 1] = Int64(label)
            }
        }
        self.classes = classes
    }

    /// The loss of each row, `[batch]`.
    func losses(of scores: AnyTensor) throws(TensorError) -> AnyTensor {
        let shape = try Shape([batch, stateCount])
        let states = try AnyTensor(classes, shape: Shape([batch, 1, stateCount]))
        let emissions = try scores.taking(along: -1, states)
        let nothing = try AnyTensor.scalar(-.infinity, dtype: scores.dtype)
        // A path may begin with the blank or the first label.
        let begins = try AnyTensor((0..<batch * stateCount).map { $0 % stateCount < 2 }, shape: shape)
        var alpha = try AnyTensor.select(begins, emissions.element(0, axis: 1), nothing)
        let skips = try AnyTensor(
            (0..<batch * stateCount).map { place in
                place % stateCount >= 2 && classes[place] != Int64(blank) && classes[place] != classes[place - 2]
            }, shape: shape)
        for step in Swift.stride(from: 1, to: time, by: 1) {
            let one = try moved(alpha, by: 1, nothing)
            let two = try AnyTensor.select(skips, moved(alpha, by: 2, nothing), nothing)
            let next = try AnyTensor.logAddExp(.logAddExp(alpha, one), two) + emissions.element(step, axis: 1)
            if inputLengths.allSatisfy({ $0 > step }) {
                alpha = next
            } else {
                let runs = try AnyTensor(inputLengths.map { $0 > step }, shape: Shape([batch, 1]))
                alpha = try .select(runs, next, alpha)
            }
        }
        // It ends with the last label or the blank after it.
        let ends = try AnyTensor(
            (0..<batch * stateCount).map { place in
                let end = 2 * labelLengths[place / stateCount]
                return place % stateCount == end || place % stateCount == end - 1
            }, shape: shape)
        return try AnyTensor.select(ends, alpha, nothing).logSumExp(axes: [-1]).negated()
    }

    /// What is one or two states further.
    private func moved(_ alpha: AnyTensor, by count: Int, _ nothing: AnyTensor) throws(TensorError) -> AnyTensor {
        let kept = Swift.max(stateCount - count, 0)
        let empty = try nothing.broadcast(to: Shape([batch, stateCount - kept]))
        return try .concatenate([empty, alpha.sliced(axis: 1, 0..<kept)], axis: 1)
    }
}
