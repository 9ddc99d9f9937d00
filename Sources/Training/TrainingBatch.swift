public import NeuralNetwork
public import Tensor

/// What one step trains on: inputs of a model, what it should make of them, and the rows that it looks up for that.
///
/// ```swift
/// struct Purchases: TrainingBatch {
///     var inputs: (users: RowLookup, prices: Tensor<Float>)
///     var labels: Tensor<Int32>
///     var lookups: [String: RowLookup] { ["users/table": inputs.users] }
/// }
/// ```
public protocol TrainingBatch<Inputs>: Sendable {
    /// What the model computes from.
    associatedtype Inputs

    /// The model's input.
    var inputs: Inputs { get }
    /// What the loss compares the model's output with, one an example.
    var labels: Tensor<Int32> { get }
    /// What the model looks up in row tables, by the parameter's name: the trainer pulls these rows before the step and
    /// pushes the gradient of them after it. Default nothing.
    var lookups: [String: RowLookup] { get }
}

extension TrainingBatch {
    /// Nothing.
    public var lookups: [String: RowLookup] { [:] }
}

extension Batch: TrainingBatch {}
