/// What becomes of the losses of single elements or rows.
public enum LossReduction: Sendable, Hashable {
    /// They stay.
    case none
    /// Their mean; NaN of none.
    case mean
    case sum
}

extension AnyTensor {
    /// One loss of many.
    consuming func reduced(_ reduction: LossReduction) throws(TensorError) -> AnyTensor {
        switch reduction {
        case .none: self
        case .mean: try mean()
        case .sum: try sum()
        }
    }

    /// Losses of each element against a target of the same shape and type: a target that broadcasts is nearly always a
    /// mistake. `terms` sees 16-bit floats as float32, and the result is rounded to their type.
    func losses(
        against target: AnyTensor, _ reduction: LossReduction, of operation: StaticString,
        _ terms: (AnyTensor, AnyTensor) throws(TensorError) -> AnyTensor
    ) throws(TensorError) -> AnyTensor {
        try type.require(.floats, in: operation)
        try type.requireSameType(as: target.type, in: operation)
        guard shape == target.shape else {
            throw TensorError(.shapeMismatch, "\(operation): values \(shape) for targets \(target.shape)")
        }
        return try terms(cast(to: dtype.wide), target.cast(to: dtype.wide)).reduced(reduction).cast(to: dtype)
    }
}
