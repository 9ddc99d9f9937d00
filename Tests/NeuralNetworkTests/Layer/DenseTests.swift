import Autodiff
import NeuralNetwork
import Tensor
import Testing

@Suite struct DenseTests {
    static func parameters() throws -> NamedTensors {
        try NamedTensors([
            ("weight", AnyTensor([1, -1, 2, 0.5, -3, 1] as [Float], shape: [3, 2])),
            ("bias", AnyTensor([0.25, -2] as [Float], shape: [2])),
        ])
    }

    static let input = Tensor<Float>([1, 2, 3, -1, 0, 1], shape: [2, 3])

    @Test("a dense layer is x · W + b, then the activation")
    func forward() throws {
        let scope = ParameterScope(try Self.parameters())
        #expect(try scope.dense(Self.input, 2).scalars == [-3.75, 1, -3.75, 0])
        #expect(try scope.dense(Self.input, 2, activation: .relu).scalars == [0, 1, 0, 0])
    }

    @Test("gradients agree with finite differences")
    func gradients() throws {
        let labels = Tensor<Int32>([1, 0])
        func loss(_ parameters: NamedTensors) throws -> Tensor<Float> {
            try crossEntropy(ParameterScope(parameters).dense(Self.input, 2), labels)
        }
        let parameters = try Self.parameters()
        let gradient = try valueAndGradient(at: parameters, loss).gradient
        for (name, tensor) in parameters {
            let values = try tensor.scalars(as: Float.self)
            let found = try gradient.tensor(named: name).scalars(as: Float.self)
            for i in values.indices {
                let losses = try [Float(-0.01), 0.01].map { step in
                    var moved = values
                    moved[i] += step
                    var at = parameters
                    at[name] = try AnyTensor(moved, shape: tensor.shape)
                    return try loss(at).scalar
                }
                #expect(abs(found[i] - (losses[1] - losses[0]) / 0.02) < 2e-3, "\(name)[\(i)]")
            }
        }
    }

    @Test("first weights stay within their layer's bounds, and biases are 0")
    func initializers() throws {
        for (activation, bound) in [
            (Activation.relu, Float(6.0 / 50).squareRoot()), (nil, Float(6.0 / 60).squareRoot()),
        ] {
            struct Layer: Model {
                var activation: Activation?
                func callAsFunction(_ input: Tensor<Float>, _ p: ParameterScope) throws -> Tensor<Float> {
                    try p.dense(input, 10, activation: activation)
                }
            }
            let declaration = try initialize(Layer(activation: activation), key: RandomKey(seed: 3), example: [1, 50])
            let values = try declaration.initialValues()
            let weights = try values.tensor(named: "weight").scalars(as: Float.self)
            #expect(weights.allSatisfy { abs($0) <= bound })
            #expect(weights.contains { $0 > 0.8 * bound } && weights.contains { $0 < -0.8 * bound })
            #expect(try values.tensor(named: "bias").scalars() == [Float](repeating: 0, count: 10))
        }
    }

    @Test("an input that does not fit throws and names the layer's parameter")
    func wrongInput() throws {
        let scope = ParameterScope(try Self.parameters())
        let wide = #expect(throws: TensorError.self) { try scope.dense(Tensor.zeros([2, 4]), 2) }
        #expect(wide?.code == .shapeMismatch && wide?.message.contains("\"weight\"") == true)
        let flat = #expect(throws: TensorError.self) { try scope.dense(Tensor.zeros([3]), 2) }
        #expect(flat?.code == .shapeMismatch)
    }
}
