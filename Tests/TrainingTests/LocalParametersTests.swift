import NeuralNetwork
import Optimizers
import Tensor
import Testing
import Training

@Suite struct LocalParametersTests {
    /// A model with two parameters of two ones each.
    private struct Pair: Model {
        func callAsFunction(_ input: Tensor<Float>, _ p: ParameterScope) throws -> Tensor<Float> {
            let first = try p.parameter("first", shape: [2], initializer: .constant(1))
            return try first + p.parameter("second", shape: [2], initializer: .constant(1))
        }
    }

    private static func parameters(learningRate: Float) throws -> LocalParameters {
        let declaration = try initialize(Pair(), key: RandomKey(seed: 1), example: [1])
        return try LocalParameters(declaration, updateRule: .sgd(learningRate: learningRate))
    }

    @Test("a step changes every parameter by its own gradient")
    func steps() throws {
        let parameters = try Self.parameters(learningRate: 0.5)
        _ = try parameters.push(NamedTensors([("first", .full([2], Float(1))), ("second", .full([2], Float(-2)))]))
        #expect(try parameters.pull().map { try $0.tensor.scalars(as: Float.self) } == [[0.5, 0.5], [2, 2]])
    }

    @Test("a gradient that is missing or of another shape is an error that says so")
    func wrongGradients() throws {
        let parameters = try Self.parameters(learningRate: 1)
        let missing = #expect(throws: TensorError.self) {
            try parameters.push(NamedTensors([("first", .zeros([2]))]))
        }
        #expect(missing?.code == .unknownName)
        let shape = #expect(throws: TensorError.self) {
            try parameters.push(NamedTensors([("first", .zeros([3])), ("second", .zeros([2]))]))
        }
        #expect(shape?.code == .shapeMismatch)
        // A step that failed does not keep later ones from being taken.
        _ = try parameters.push(NamedTensors([("first", .zeros([2])), ("second", .zeros([2]))]))
    }
}
