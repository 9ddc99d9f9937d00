public import Tensor

/// One version of a model, ready to predict.
public struct LoadedModel: Sendable {
    /// What a model does: from all its inputs, by name, to all its outputs.
    public typealias Evaluation = @Sendable (NamedTensors) throws -> NamedTensors

    /// The model's name.
    public let name: String
    /// The version, from 1.
    public let version: Int
    /// What it takes and makes.
    public let signature: ModelSignature
    let evaluate: Evaluation
    let metrics: ModelMetrics
}
