import Autodiff
import NeuralNetwork
import Optimizers
import Tensor
import Testing

/// All of the target together, as the documentation's example has it.
@Suite struct TrainingExampleTests {
    @Test("a perceptron learns which of three points is nearest")
    func learning() throws {
        let key = RandomKey(seed: 12)
        let centres: [[Float]] = [[1, 0], [-0.5, 0.87], [-0.5, -0.87]]
        let points = try key.foldIn("points").uniform([300, 2]).scalars(as: Float.self).map { $0 * 2 - 1 }
        let labels = (0..<300).map { i in
            let distances = centres.map { c in
                (points[2 * i] - c[0]) * (points[2 * i] - c[0]) + (points[2 * i + 1] - c[1])
                    * (points[2 * i + 1] - c[1])
            }
            return Int32(distances.firstIndex(of: distances.min()!)!)
        }
        let inputs = Tensor<Float>(points, shape: [300, 2])
        let batches = try ShufflingBatches(
            inputs: inputs, labels: Tensor(labels), batchSize: 50, key: key.foldIn("order"))

        let model = Perceptron()
        var parameters = try initialize(model, key: key.foldIn("model"), example: [1, 2]).initialValues()
        let rule = UpdateRule.adam(learningRate: 0.02)
        var states: [String: OptimizerState] = [:]
        for (name, tensor) in parameters { states[name] = try rule.makeState(tensor.shape) }

        var losses: [Float] = []
        for epoch in 0..<15 {
            for batch in batches.epoch(epoch) {
                let (loss, gradients) = try valueAndGradient(at: parameters) { p in
                    try crossEntropy(model(batch.inputs, ParameterScope(p)), batch.labels)
                }
                losses.append(loss.scalar)
                for (name, gradient) in gradients {
                    try parameters.update(name) { parameter throws(TensorError) in
                        try rule.apply(to: &parameter, gradient: gradient, state: &states[name]!)
                    }
                }
            }
        }
        #expect(losses.last! < losses.first! / 3)
        #expect(try accuracy(model(inputs, ParameterScope(parameters)), Tensor(labels)) > 0.95)
    }
}
