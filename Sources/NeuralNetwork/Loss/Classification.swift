public import Tensor

/// The mean cross-entropy, in nats, of rows of logits with their labels: `-mean log softmax(logits)[label]`.
///
/// - Parameters:
///   - logits: Scores of shape `[batch, classes]`.
///   - labels: A class for each row, of shape `[batch]`.
/// - Returns: A scalar.
/// - Throws: `TensorError.Code.indexOutOfRange` for a label that names no class,
///   `TensorError.Code.shapeMismatch`.
public func crossEntropy(
    _ logits: consuming Tensor<Float>, _ labels: Tensor<Int32>
) throws(TensorError) -> Tensor<Float> {
    try Tensor(logits.core.crossEntropy(labels: labels.core).mean())
}

/// The mean binary cross-entropy, in nats, of logits with the answers to them, which are 0 or 1 or a probability between:
/// `mean(ln(1 + eˣ) - t x)`, without overflow for logits of any size.
///
/// - Parameters:
///   - logits: Scores x, of any shape.
///   - targets: The answers t, of the same shape.
///   - positiveWeight: Multiplies what an answer of 1 costs; a scalar, or what broadcasts to the logits. Default 1: where
///     positive examples are rare, negative ones to a positive one balances them.
/// - Returns: A scalar.
/// - Throws: `TensorError.Code.shapeMismatch`.
public func binaryCrossEntropy(
    _ logits: consuming Tensor<Float>, _ targets: Tensor<Float>, positiveWeight: Tensor<Float>? = nil
) throws(TensorError) -> Tensor<Float> {
    try Tensor(logits.core.binaryCrossEntropy(logitsFor: targets.core, positiveWeight: positiveWeight?.core))
}

/// The fraction of rows whose largest logit is the label's, the first of equal ones counting.
///
/// - Parameters:
///   - logits: Scores of shape `[batch, classes]`.
///   - labels: A class for each row, of shape `[batch]`. A label that names no class is never right.
/// - Returns: Between 0 and 1; NaN for no rows.
/// - Throws: `TensorError.Code.shapeMismatch`.
public func accuracy(_ logits: Tensor<Float>, _ labels: Tensor<Int32>) throws(TensorError) -> Float {
    guard logits.rank == 2, labels.shape.elementsEqual(logits.shape.prefix(1)) else {
        throw TensorError(
            .shapeMismatch, "accuracy: logits \(logits.shape) are not [batch, classes] for labels \(labels.shape)")
    }
    let isRight = try logits.core.argmax(axis: -1) .== labels.core
    return try Tensor<Float>(isRight.cast(to: .float32).mean()).scalar
}

/// Each element, or 0 where it is negative; NaN stays NaN.
public func relu(_ input: consuming Tensor<Float>) -> Tensor<Float> {
    input.relu()
}
