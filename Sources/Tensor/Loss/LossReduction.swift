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

    /// Throws unless both have one shape: a target that broadcasts is nearly always a mistake.
    func requireTarget(_ target: AnyTensor, of operation: StaticString) throws(TensorError) {
        try type.requireSameType(as: target.type, in: operation)
        guard shape == target.shape else {
            throw TensorError(.shapeMismatch, "\(operation): values \(shape) for targets \(target.shape)")
        }
    }

    /// |x|, whose derivative at 0 is 0.
    func magnitudes() throws(TensorError) -> AnyTensor { try relu() + negated().relu() }

    /// ln(1 + u) for u in 0...1 with a small relative error: what is lost in w = 1 + u is added again, as
    /// (u - (w - 1)) / w.
    func logarithmOfOnePlus() throws(TensorError) -> AnyTensor {
        let one = try AnyTensor.scalar(Float(1)).cast(to: dtype)
        let w = try self + one
        return try w.log() + (self - (w - one)) / w
    }

    /// ln(1 + eˣ), the softplus, without overflow.
    func softplusForLoss() throws(TensorError) -> AnyTensor {
        try relu() + magnitudes().negated().exp().logarithmOfOnePlus()
    }
}
