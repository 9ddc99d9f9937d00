public import Tensor

/// A pure function of an input and of named parameters.
///
/// A model holds no parameters. It reads them from a scope, by names that are their keys everywhere: on parameter
/// servers, in checkpoints and in safetensors files.
///
/// ```swift
/// struct Classifier: Model {
///     func callAsFunction(_ image: Tensor<Float>, _ p: ParameterScope) throws -> Tensor<Float> {
///         let hidden = try p["hidden"].dense(image, 512, activation: .relu)
///         return try p["head"].dense(hidden, 10)
///     }
/// }
/// ```
///
/// The function must ask for the same parameters whatever the input's values are:
/// ``initialize(_:key:example:)-(_,_,M.Input)`` finds them by calling it once with shapes only.
public protocol Model: Sendable {
    /// What the model computes from.
    associatedtype Input

    /// The model's output for an input, with the parameters of a scope.
    ///
    /// - Throws: A `TensorError` where shapes do not fit or a parameter is missing; whatever the model's own
    ///   code throws.
    func callAsFunction(_ input: Input, _ parameters: ParameterScope) throws -> Tensor<Float>
}
