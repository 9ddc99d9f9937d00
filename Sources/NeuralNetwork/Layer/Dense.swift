public import Tensor

/// What a layer does to each element of its output.
public enum Activation: Sendable, Hashable {
    /// `max(x, 0)`.
    case relu
}

extension ParameterScope {
    /// A fully connected layer: `x · W + b`, then the activation if there is one.
    ///
    /// Parameters: `weight` of shape `[features, units]`, at first uniform in `±√(6 / features)` before a ReLU
    /// (He et al. 2015) and in `±√(6 / (features + units))` otherwise (Glorot and Bengio 2010); `bias` of shape `[units]`,
    /// at first 0.
    ///
    /// - Parameters:
    ///   - input: Of shape `[…, features]`.
    ///   - units: The number of outputs.
    ///   - activation: What is done to each output.
    /// - Returns: Of shape `[…, units]`.
    /// - Throws: `TensorError.Code.shapeMismatch` for an input with fewer than two axes or that does not fit the
    ///   parameters; as ``parameter(_:shape:initializer:)``.
    public func dense(
        _ input: consuming Tensor<Float>, _ units: Int, activation: Activation? = nil
    ) throws -> Tensor<Float> {
        guard input.rank >= 2, let features = input.shape.last else {
            throw TensorError(
                .shapeMismatch, "dense layer \"\(name)\": expected an input [batch, features], found \(input.shape)")
        }
        let initializer: Initializer =
            switch activation {
            case .relu: .heUniform(fanIn: features)
            case nil: .glorotUniform(fanIn: features, fanOut: units)
            }
        let weight = try parameter("weight", shape: [features, units], initializer: initializer)
        let bias = try parameter("bias", shape: [units], initializer: .zeros)
        let sum = try input.core.matmul(weight.core) + bias.core
        switch activation {
        case .relu: return try Tensor(sum.relu())
        case nil: return try Tensor(sum)
        }
    }
}
