import NeuralNetwork
import Tensor

/// The network that the demonstration trains and serves: 784-512-256-10, with ReLU between the layers.
struct Perceptron: Model {
    /// The logits of digits, `[batch, 784]` in, `[batch, 10]` out.
    func callAsFunction(_ images: Tensor<Float>, _ p: ParameterScope) throws -> Tensor<Float> {
        let wide = try p["hidden1"].dense(images, 512, activation: .relu)
        let narrow = try p["hidden2"].dense(wide, 256, activation: .relu)
        return try p["head"].dense(narrow, 10)
    }
}
