import NeuralNetwork
import Tensor
import Testing

@Suite struct ParameterScopeTests {
    static let weight = Tensor<Float>([1, 2, 3, 4, 5, 6], shape: [2, 3])

    static func scope() -> ParameterScope {
        var parameters = NamedTensors()
        parameters["encoder/hidden/weight"] = weight.core
        return ParameterScope(parameters)
    }

    @Test("scopes nest, and their names are joined by slashes")
    func nesting() throws {
        let hidden = Self.scope()["encoder"]["hidden"]
        #expect(hidden.name == "encoder/hidden")
        let found = try hidden.parameter("weight", shape: [2, 3], initializer: .zeros)
        #expect(found.scalars == Self.weight.scalars)
    }

    @Test("a missing parameter is named, with those that there are")
    func missingParameter() {
        let error = #expect(throws: TensorError.self) {
            try Self.scope()["encoder"].parameter("bias", shape: [3], initializer: .zeros)
        }
        #expect(error?.code == .unknownName)
        #expect(error?.message.contains("\"encoder/bias\"") == true)
        #expect(error?.message.contains("encoder/hidden/weight") == true)
    }

    @Test("a parameter of another shape is refused by name")
    func wrongShape() {
        let error = #expect(throws: TensorError.self) {
            try Self.scope()["encoder"]["hidden"].parameter("weight", shape: [3, 2], initializer: .zeros)
        }
        #expect(error?.code == .shapeMismatch)
        #expect(error?.message.contains("encoder/hidden/weight") == true)
    }

    @Test("a parameter of another element type is refused by name")
    func wrongType() {
        var parameters = NamedTensors()
        parameters["weight"] = Tensor<Int32>([1, 2]).core
        let error = #expect(throws: TensorError.self) {
            try ParameterScope(parameters).parameter("weight", shape: [2], initializer: .zeros)
        }
        #expect(error?.code == .dtypeMismatch)
    }
}
